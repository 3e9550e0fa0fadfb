"""What payment gateways call: their raw bytes are verified and written down; a job does the rest."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import deps
from core import payments
from core.errors import InvalidInput, NotFound

LARGEST_MESSAGE = 1 << 18  # bytes; gateways send a few kilobytes


async def receive(request: Request) -> Response:
    """Take one message. Its signature proves where it comes from: no cookie and no origin is asked."""
    if request.path_params["gateway"] != deps.backends().payments.name:
        raise NotFound("There is no such gateway.")
    body = await _body(request)
    await run_in_threadpool(payments.receive, deps.backends(), body, dict(request.headers))
    return Response(status_code=202)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_MESSAGE:
            raise InvalidInput("This message is too long.")
    return bytes(body)


ROUTES = [Route("/webhooks/{gateway}", deps.refusing(receive), methods=["POST"])]
