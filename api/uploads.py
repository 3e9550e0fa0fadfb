"""Photos coming in: the body streams to a file, never whole in memory."""

from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import deps
from core import photos
from core.backends import Backends
from core.errors import InvalidInput
from core.incoming import Incoming
from models.account import Account


class CutOff(InvalidInput):
    """The connection ended before the file did."""

    def __init__(self) -> None:
        super().__init__("The upload was cut off before its end. Try this file again.")


@deps.refusing
async def upload(request: Request) -> Response:
    """Take one file as the raw body, `PUT /api/uploads/{gallery}?name=…`; answer its verdict."""
    deps.same_origin(request, "X-Encore")
    backends = deps.backends()
    gallery_id = request.path_params["gallery_id"]
    account = await run_in_threadpool(deps.account, request)
    await run_in_threadpool(photos.may_upload, backends, gallery_id, by=account)
    with Incoming(backends, request.query_params.get("name", "")) as incoming:
        await receive(request, incoming)
        return await run_in_threadpool(_keep, backends, gallery_id, incoming, account)


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """Yield a body as it arrives. Raises CutOff when it is not all there."""
    length = 0
    try:
        async for chunk in request.stream():
            length += len(chunk)
            yield chunk
    except ClientDisconnect as error:
        raise CutOff from error
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) != length:
        raise CutOff


async def receive(request: Request, incoming: Incoming) -> None:
    """Take a body as one file. Raises CutOff, FileTooBig."""
    async for piece in pieces(request):
        incoming.write(piece)


def _keep(backends: Backends, gallery_id: int, incoming: Incoming, account: Account | None) -> Response:
    try:
        photo = photos.upload(backends, gallery_id, incoming, by=account)
    except photos.AlreadyUploaded as known:
        return JSONResponse({"verdict": "known", "message": str(known)})
    return JSONResponse({"verdict": "new", "id": str(photo.id), "message": ""}, status_code=201)


ROUTES = [Route("/uploads/{gallery_id:int}", upload, methods=["PUT"])]  # below /api
