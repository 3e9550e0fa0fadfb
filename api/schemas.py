"""What requests and answers of several nouns are made of."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from core import paging
from core.photos import LARGEST_ID

T = TypeVar("T")
S = TypeVar("S")


class Answer(BaseModel):
    """What is answered; made from rows by their attributes."""

    model_config = ConfigDict(from_attributes=True)


class Request(BaseModel):
    """What is sent. What nobody asked for is refused, so that no role or price comes in by the way."""

    model_config = ConfigDict(extra="forbid")


class Refusal(BaseModel):
    """Why a request was not carried out, in the one shape of every refusal."""

    error: str = Field(description="The kind of refusal, for programs.", examples=["NoSuchEvent"])
    message: str = Field(description="What happened and what to do, for people.")
    status_code: int = Field(description="The HTTP status.", examples=[404])
    request_id: str | None = Field(description="Names this request in the site's log.")


class Page(Answer, Generic[T]):
    """Some of many; pass `next_cursor` as `cursor` to get the next ones."""

    items: list[T]
    next_cursor: str | None = Field(None, description="None: this was the last page.")


def page(found: paging.Page[S], show: Callable[[S], T]) -> Page[T]:
    """Return a page of rows as they are shown."""
    return Page[Any](items=[show(item) for item in found.items], next_cursor=found.next_cursor)


def _asked(
    limit: Annotated[int, Query(ge=1, le=paging.MOST, description="How many at most.")] = paging.USUAL,
    cursor: Annotated[
        str | None, Query(max_length=1000, description="`next_cursor` of the last page.")
    ] = None,
) -> paging.Asked:
    return paging.Asked(limit, cursor or None)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time is beyond the calendar") from error


def _storable_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if "\0" in text:
        raise ValueError("NUL is no character of a text")
    text.encode()  # half a character is none; that error is a ValueError, too
    return secret


Asked = Annotated[paging.Asked, Depends(_asked)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
# Without NUL, which PostgreSQL does not take; that it is Unicode comes with any constraint.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Secret = Annotated[SecretStr, AfterValidator(_storable_secret)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Money = Annotated[int, Field(description="Minor units of the currency: satang, cents.")]
