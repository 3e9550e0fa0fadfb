"""Photos sent in by programs: one as the body, or many as a form, each straight to a file."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api import callers, deps, multipart, routing, uploads
from api.galleries import GalleryId
from api.photos import MOST, Photo, get_photo
from api.schemas import Answer, Text
from core import photos
from core.errors import InvalidInput, PlatformError
from core.incoming import FileTooBig, Incoming

router = routing.router("photos")

_BINARY = {"type": "string", "format": "binary"}
_FILES = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {
            "type": "array",
            "items": _BINARY,
            "minItems": 1,
            "maxItems": MOST,
            "description": "JPEG, PNG or WebP, up to 100 MB each.",
        }
    },
}
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FILES},
            "application/octet-stream": {"schema": _BINARY},
            **{f"image/{kind}": {"schema": _BINARY} for kind in ("jpeg", "png", "webp")},
        },
    }
}


class Verdict(StrEnum):
    """What became of a file."""

    NEW = "new"
    KNOWN = "known"
    REFUSED = "refused"


class Upload(Answer):
    """One file of an upload."""

    filename: str = Field(description="As it was sent, less any folder.")
    verdict: Verdict = Field(description="`known`: the event had this very file already.")
    photo: Photo | None = Field(
        None, description="The new photo, or the one that was there already if you may see it."
    )
    error: str | None = Field(None, description="The kind of refusal, for programs.")
    message: str = Field("", description="Why it was not taken, for people.")


class Uploads(Answer):
    """What became of each file, in the order they were sent."""

    items: list[Upload]


@router.post(
    "/galleries/{gallery_id}/photos",
    status_code=201,
    openapi_extra=_UPLOAD,
    responses={200: {"model": Uploads, "description": "Nothing was new."}},
)
async def upload_photos(
    request: Request,
    response: Response,
    caller: callers.WritesPhotos,
    gallery_id: GalleryId,
    name: Annotated[Text, Query(max_length=255, description="Of a file that is the whole body.")] = "",
) -> Uploads:
    """Upload one file as the body, or up to 500 as `files` of a form: JPEG, PNG or WebP, up to 100 MB each.

    What a file is its bytes tell: a body may be called by its own type, or `application/octet-stream`.
    Each file of a form has its own verdict; a file that is the body is refused like any request. Repeating is
    harmless: a file is known by its SHA-256, and an event keeps it once.
    """
    await run_in_threadpool(_admit, caller, gallery_id)
    if multipart.is_form(request):
        items = await _several(request, caller, gallery_id)
    else:
        with Incoming(deps.backends(), name) as incoming:
            await uploads.receive(request, incoming)
            items = [await run_in_threadpool(_keep, caller, gallery_id, incoming)]
    if not any(item.verdict is Verdict.NEW for item in items):
        response.status_code = 200
    return Uploads(items=items)


def _admit(caller: callers.Caller, gallery_id: int) -> None:
    photos.may_upload(deps.backends(), gallery_id, by=caller.account)


async def _several(request: Request, caller: callers.Caller, gallery_id: int) -> list[Upload]:
    items = []
    async for part in multipart.parts(request, MOST):
        if part.name != "files":
            raise multipart.UnknownPart("files")
        items.append(await _one_of_several(part, caller, gallery_id))
    if not items:
        raise InvalidInput("There is no file in this form. Send the photos as files.")
    return items


async def _one_of_several(part: multipart.Part, caller: callers.Caller, gallery_id: int) -> Upload:
    with Incoming(deps.backends(), part.filename) as incoming:
        try:
            async for piece in part:
                incoming.write(piece)
        except FileTooBig as refusal:
            return _refused(incoming, refusal)
        return await run_in_threadpool(_keep_or_refuse, caller, gallery_id, incoming)


def _keep_or_refuse(caller: callers.Caller, gallery_id: int, incoming: Incoming) -> Upload:
    try:
        return _keep(caller, gallery_id, incoming)
    except PlatformError as refusal:
        return _refused(incoming, refusal)


def _keep(caller: callers.Caller, gallery_id: int, incoming: Incoming) -> Upload:
    backends, message = deps.backends(), ""
    try:
        photo_id: UUID | None = photos.upload(backends, gallery_id, incoming, by=caller.account).id
        verdict = Verdict.NEW
    except photos.AlreadyUploaded as known:
        photo_id, verdict, message = known.twin_id, Verdict.KNOWN, str(known)
    photo = None if photo_id is None else _shown(caller, photo_id)
    return Upload(filename=incoming.filename, verdict=verdict, photo=photo, message=message)


def _shown(caller: callers.Caller, photo_id: UUID) -> Photo | None:
    """Return a photo to its sender, None for one of somebody else that is not public yet."""
    try:
        return get_photo(caller, photo_id)
    except photos.NoSuchPhoto:
        return None


def _refused(incoming: Incoming, refusal: PlatformError) -> Upload:
    error = type(refusal).__name__
    return Upload(filename=incoming.filename, verdict=Verdict.REFUSED, error=error, message=str(refusal))
