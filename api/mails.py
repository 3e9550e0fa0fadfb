"""The mails that are sent, or could not be. What they say is for those they are sent to."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import Field

from api import callers, deps, routing
from api.schemas import Answer, Asked, Moment, Page, page
from core import outbox
from models.mail import MailKind, MailStatus

router = routing.router("mails")

MailId = Annotated[UUID, Path(description="The mail's id.")]
STATUS = (
    "`waiting`: for its turn, or its next try. `failed`: given up. `dropped`: when its turn came there was "
    "nothing left to say."
)


class Mail(Answer):
    """A mail to one address."""

    id: UUID
    kind: MailKind = Field(description="What it is about. Kinds may be added.")
    to: str = Field(description="The address.")
    language: str = Field(description="By its code, such as en.")
    status: MailStatus = Field(description=STATUS)
    created_at: Moment = Field(description="In UTC.")
    sent_at: Moment | None = Field(description="In UTC; null: it was not.")
    last_error: str | None = Field(description="Why the last try failed; null: it did not.")


@router.get("/admin/mails")
def list_mails(
    caller: callers.Owns,
    asked: Asked,
    status: Annotated[MailStatus | None, Query(description="In this status only.")] = None,
) -> Page[Mail]:
    """List the mails, newest first. Admins only."""
    found = outbox.listing(deps.backends(), asked, status=status, by=caller.account)
    return page(found, Mail.model_validate)


@router.post("/admin/mails/{mail_id}/retry", status_code=202, response_class=Response)
def retry_mail(caller: callers.Owns, mail_id: MailId) -> Response:
    """Send a mail that was given up, or waits for its next try, at once; any other is left. Admins only."""
    outbox.retry(deps.backends(), mail_id, by=caller.account)
    return Response(status_code=202)
