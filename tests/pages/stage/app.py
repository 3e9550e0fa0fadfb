"""A small site around the components: pictures to show, a route that takes uploads and refuses some."""

from io import BytesIO

import streamlit as st
from PIL import Image
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    b"default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; object-src 'none'; "
    b"base-uri 'self'; frame-ancestors 'self'"
)
_seen: set[str] = set()


class Policy:
    """Puts the site's content security policy on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY)]
            await send(message)

        await self.app(scope, receive, with_policy if scope["type"] == "http" else send)


def picture(request: Request) -> Response:
    content = BytesIO()
    Image.new("RGB", (300, 200), (int(request.path_params["number"]) * 20, 90, 90)).save(content, "JPEG")
    return Response(content.getvalue(), media_type="image/jpeg")


async def take(request: Request) -> JSONResponse:
    length = sum([len(chunk) async for chunk in request.stream()])
    name = request.query_params["name"]
    if request.headers.get("x-encore") != "upload" or length == 0:
        return JSONResponse({"error": "Forbidden", "message": "Not an upload."}, 403)
    if name == "refused.jpg":
        return JSONResponse({"error": "InvalidInput", "message": "<b>Not</b> a photo."}, 422)
    if name.startswith("flaky") and name not in _seen:
        _seen.add(name)
        return JSONResponse({"error": "Unavailable", "message": "The store is away."}, 503)
    if name == "away.jpg":
        return JSONResponse({"error": "Unavailable", "message": "The store is away."}, 503)
    return JSONResponse({"verdict": "known" if name == "known.jpg" else "new", "message": ""})


app = st.App(
    "script.py",
    routes=[Route("/img/{number}", picture), Route("/take", take, methods=["PUT"])],
    middleware=[Middleware(Policy)],
)
