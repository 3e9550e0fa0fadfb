"""Who did what, for admins."""

import json
from typing import Annotated

from fastapi import Query
from pydantic import Field

from api import callers, deps, routing
from api.schemas import Answer, Asked, Id, Moment, Page, Text, page
from core import audit
from models import audit as rows

router = routing.router("audit")


class AuditDetail(Answer):
    """One thing that an entry says."""

    name: str = Field(description="Of what it says.")
    value: str = Field(description="A text as it is, anything else as JSON.")


class AuditEntry(Answer):
    """One act. Each carries the hash of the one before."""

    id: int
    at: Moment = Field(description="In UTC.")
    account_id: int | None = Field(description="Who did it; null for what came from outside.")
    action: str = Field(description="A noun and a verb, such as photo.review.")
    subject: str = Field(description="What it was done to.")
    detail: list[AuditDetail] = Field(description="What else is known of it.")
    hash: str = Field(description="SHA-256 of the entry and of the hash before, in hexadecimal.")


class AuditCheck(Answer):
    """Whether every entry follows the one before."""

    is_whole: bool = Field(description="Each does.")
    first_break_id: int | None = Field(description="The first entry that does not; null: each does.")


@router.get("/audit")
def list_audit(
    caller: callers.Reports,
    asked: Asked,
    action: Annotated[Text, Query(max_length=64, description="How the action begins, such as photo.")] = "",
    account_id: Annotated[Id | None, Query(description="Done by this account.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Done at this time or later.")] = None,
    until: Annotated[Moment | None, Query(description="Done before this time.")] = None,
) -> Page[AuditEntry]:
    """List who did what, newest first. Admins only."""
    found = audit.listing(
        deps.backends(),
        asked,
        by=caller.account,
        action=action,
        account_id=account_id,
        since=since,
        until=until,
    )
    return page(found, _shown)


@router.get("/audit/check")
def check_audit(caller: callers.Reports) -> AuditCheck:
    """Tell whether the log was changed, cut out of or put in another order. Admins only."""
    broken = audit.check(deps.backends(), by=caller.account)
    return AuditCheck(is_whole=broken is None, first_break_id=broken.id if broken else None)


def _shown(entry: rows.AuditEntry) -> AuditEntry:
    said = entry.detail.items()
    return AuditEntry(
        id=entry.id,
        at=entry.at,
        account_id=entry.account_id,
        action=entry.action,
        subject=entry.subject,
        detail=[AuditDetail(name=name, value=_written(value)) for name, value in said],
        hash=entry.hash,
    )


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
