"""Who has a part in an event."""

from typing import Annotated

from pydantic import ConfigDict, Field

from api import callers, deps, routing
from api.accounts import AccountId
from api.events import EventId
from api.schemas import Answer, Page, Request, Text, page
from core import members, paging
from models.event import MemberRole

router = routing.router("members")

ROLE = (
    "Of everybody who may see the event, a `co_organiser` may do all of it, a `photographer` uploads, "
    "an `analyst` sees what it sold, and `door` just looks."
)


class Member(Answer):
    """An account's part in an event."""

    account_id: int
    name: str
    email: str = Field(description="Empty for those who may not edit the event.")
    role: MemberRole = Field(description=ROLE)
    commission_percent: int = Field(description="Of what the photos sell for.")


class NewMember(Request):
    """Whose part it is, and which."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "nok@example.org", "role": "photographer", "commission_percent": 60}]
        }
    )

    email: Annotated[Text, Field(min_length=3, max_length=254, description="Of an account that exists.")]
    role: MemberRole = Field(description=ROLE)
    commission_percent: Annotated[
        int, Field(ge=0, le=100, description="Of what their photos sell for, in whole percent.")
    ] = 0


@router.get("/events/{event_id}/members")
def list_members(caller: callers.ReadsEvents, event_id: EventId) -> Page[Member]:
    """List everyone with a part in an event, by name. Members only."""
    found = members.of_event(deps.backends(), event_id, by=caller.account)
    return page(paging.whole(found), Member.model_validate)


@router.put("/events/{event_id}/members")
def put_member(caller: callers.WritesEvents, event_id: EventId, sent: NewMember) -> Member:
    """Give an account a part in an event, or another one. An event keeps a co-organiser."""
    put = members.put(
        deps.backends(), event_id, sent.email, sent.role, sent.commission_percent, by=caller.account
    )
    return Member.model_validate(put)


@router.delete("/events/{event_id}/members/{account_id}", status_code=204)
def remove_member(caller: callers.WritesEvents, event_id: EventId, account_id: AccountId) -> None:
    """Take an account's part in an event away. An event keeps a co-organiser."""
    members.remove(deps.backends(), event_id, account_id, by=caller.account)
