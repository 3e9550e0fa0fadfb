"""Searching by selfie: the consent that comes first, the search, and the searcher's own words on it.

A selfie is in memory only, and let go of as soon as the search has ended.
"""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Path, Request
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool

from api import callers, deps, multipart, photos, routing
from api.events import EventId
from api.photos import Photo
from api.schemas import Answer, Moment, Text
from api.schemas import Request as Sent
from core import consent, result_tokens, results, search
from core.access import Scope
from core.consent import ConsentMissing
from core.errors import Unavailable
from core.incoming import FileTooBig
from core.search import MOST_SELFIES
from models.consent import Purpose

router = routing.router("search")

ConsentId = Annotated[UUID, Path(description="The receipt's id.")]

LONGEST_ID = 64  # characters of a UUID, however it is written
_SELFIES = {
    "type": "object",
    "required": ["consent", "selfies"],
    "properties": {
        "consent": {
            "type": "string",
            "format": "uuid",
            "description": "The receipt's id. Send this part before the selfies.",
        },
        "selfies": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "minItems": 1,
            "maxItems": MOST_SELFIES,
            "description": "Of one person, up to 20 MB each.",
        },
    },
}
_SEARCH = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _SELFIES}}}}


class TooManySearches(Unavailable):
    """The selfies of others fill the memory that is set aside for them."""

    def __init__(self) -> None:
        super().__init__("Many people are searching at this moment. Try again in a few seconds.")


_ROOM = multipart.Room(512 * 2**20, TooManySearches)  # bytes: a hundred phones at once


class ConsentText(Answer):
    """What a person reads, and says yes to, before their face is looked for."""

    purpose: Purpose
    version: str = Field(description="Of the words: send it with the agreement.")
    language: str = Field(description="By its code, such as en.")
    text: str = Field(description="Markdown.")
    agreement: str = Field(description="The sentence that is said yes to.")


class NewConsent(Sent):
    """The person on the selfie has read the words of this version, and agreed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"purpose": "search", "version": "2026-11.2"}]})

    purpose: Purpose
    version: Annotated[Text, Field(max_length=16, description="Of the words that were shown.")]


class Consent(Answer):
    """The receipt of a consent."""

    id: UUID = Field(description="Searches are made under it.")
    event_id: int
    purpose: Purpose
    version: str = Field(description="Of the words that were agreed to.")
    language: str = Field(description="In which they were shown.")
    given_at: Moment = Field(description="In UTC.")


class Hit(Answer):
    """A photo that was found, by the face in it that matched best."""

    photo: Photo
    certainty: float = Field(ge=0, le=1, description="The chance that it is the person.")
    face_id: UUID = Field(description="Names the face in a refinement.")


_FOUND: JsonDict = {
    "sure": [{"photo": photos.EXAMPLE, "certainty": 0.97, "face_id": "5b0c0f36-2f6e-5d7e-8a53-9f8a4f0f3c21"}],
    "maybe": [],
    "searched_photos": 1840,
    "result": "eyJldmVudCI6MTJ9.c2lnbmF0dXJl",
}


class Found(Answer):
    """What a search shows, best first; a photo is in one of the two lists."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FOUND]})

    sure: list[Hit] = Field(description="Almost certainly them.")
    maybe: list[Hit] = Field(description="Perhaps them: ask the person.")
    searched_photos: int = Field(description="Public photos that were looked through.")
    result: str = Field(description="Refines this search, within an hour.")


Faces = Annotated[set[UUID], Field(max_length=1000)]


class Refinement(Sent):
    """All that a person has said so far of the faces that a search found."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "result": "eyJldmVudCI6MTJ9.c2lnbmF0dXJl",
                    "consent": "8c1f6a34-7e0b-4c58-9a3e-6f0b1f1d2e77",
                    "mine": ["5b0c0f36-2f6e-5d7e-8a53-9f8a4f0f3c21"],
                }
            ]
        }
    )

    result: Annotated[Text, Field(max_length=500_000, description="The first search's `result`.")]
    consent: UUID = Field(description="The receipt's id.")
    mine: Faces = Field(default_factory=set, description="Ids of faces that are theirs.")
    not_mine: Faces = Field(default_factory=set, description="Ids of faces that are not.")


@router.get("/events/{event_id}/consent", openapi_extra=callers.OPEN)
def get_consent_text(caller: callers.Searches, event_id: EventId) -> ConsentText:
    """Return the words to show before a face is looked for."""
    words = consent.words_for(deps.backends(), event_id, by=caller.viewer)
    return ConsentText(
        purpose=Purpose.SEARCH,
        version=words.version,
        language=words.language,
        text=words.text,
        agreement=words.agreement,
    )


@router.post("/events/{event_id}/consents", status_code=201, dependencies=routing.ONCE)
def give_consent(caller: callers.Searches, event_id: EventId, sent: NewConsent) -> Consent:
    """Note that somebody agreed to today's words. Older ones are refused: show the new ones and ask."""
    receipt = consent.agree(deps.backends(), event_id, sent.purpose, sent.version, by=caller.visitor)
    return Consent.model_validate(receipt)


@router.delete("/consents/{consent_id}", status_code=204)
def withdraw_consent(caller: callers.Searches, consent_id: ConsentId) -> None:
    """Take a consent back: nothing is searched under it any more."""
    consent.withdraw(deps.backends(), consent_id, by=caller.visitor)


@router.post("/events/{event_id}/search", openapi_extra=_SEARCH)
async def search_by_selfie(request: Request, caller: callers.Searches, event_id: EventId) -> Found:
    """Find the public photos of the one person in one to five selfies, who has agreed to it.

    In the form the part `consent` comes before the selfies, for none is read without it; a selfie has 20 MB
    at most. Selfies are let go of when the search has ended.
    """
    scope = await run_in_threadpool(_admit, caller, event_id)
    with _ROOM.guest() as take:
        receipt_id, selfies = await _read(request, caller, event_id, take)
        return await run_in_threadpool(_search, caller, scope, receipt_id, selfies)


def _admit(caller: callers.Caller, event_id: int) -> Scope:
    return search.admit(deps.backends(), event_id, caller.address, by=caller.visitor)


async def _read(
    request: Request, caller: callers.Caller, event_id: int, take: Callable[[int], None]
) -> tuple[UUID, list[bytes]]:
    """Return the receipt's id, once it is known to be good, and the selfies."""
    limit_mib = deps.backends().settings.max_selfie_mib
    receipt_id: UUID | None = None
    selfies = []
    async for part in multipart.parts(request, MOST_SELFIES + 1):
        if part.name == "consent":
            receipt_id = _uuid(await part.read(LONGEST_ID, ConsentMissing()))
            await run_in_threadpool(
                search.require_consent, deps.backends(), event_id, receipt_id, by=caller.visitor
            )
        elif receipt_id is None:
            raise ConsentMissing
        elif part.name == "selfies":
            selfies.append(await part.read(limit_mib * 2**20, FileTooBig(limit_mib), take))
        else:
            raise multipart.UnknownPart("consent, selfies")
    if receipt_id is None:
        raise ConsentMissing
    return receipt_id, selfies


def _uuid(text: bytes) -> UUID:
    try:
        return UUID(text.decode())
    except ValueError as error:
        raise ConsentMissing from error


def _search(caller: callers.Caller, scope: Scope, receipt_id: UUID, selfies: list[bytes]) -> Found:
    backends, event_id, by = deps.backends(), scope.event.id, caller.visitor
    try:
        found = search.by_selfies(backends, event_id, selfies, receipt_id=receipt_id, by=by)
    finally:
        selfies.clear()
    return _shown(found, scope, caller, result_tokens.write(backends, event_id, found, by=by))


@router.post("/events/{event_id}/search/refine")
def refine_search(caller: callers.Searches, event_id: EventId, sent: Refinement) -> Found:
    """Look again after a person said of some faces "this is me" or "not me".

    `result` is the first search's: send it with all that was said since then.
    """
    backends, by = deps.backends(), caller.visitor
    scope = search.scope(backends, event_id, by=by)
    known = result_tokens.read(backends, event_id, sent.result, by=by)
    found = search.refined(
        backends, event_id, known, sent.mine, sent.not_mine, receipt_id=sent.consent, by=by
    )
    return _shown(found, scope, caller, sent.result)


def _shown(found: results.Found, scope: Scope, caller: callers.Caller, result: str) -> Found:
    rows = [hit.photo for hit in (*found.sure, *found.maybe)]
    shown = photos.shown(rows, scope, caller.viewer)

    def hits(several: Sequence[results.Hit]) -> list[Hit]:
        return [
            Hit(photo=shown[hit.photo.id], certainty=hit.certainty, face_id=hit.face_id) for hit in several
        ]

    return Found(
        sure=hits(found.sure),
        maybe=hits(found.maybe),
        searched_photos=found.searched_photos,
        result=result,
    )
