"""The document for people: Swagger UI, from files of this machine, with a look of our own."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_OURS = files("api") / "static"
_SWAGGER = files("fastapi_swagger") / "resources"
_FILES = {
    "docs.css": (_OURS, "text/css"),
    "docs.js": (_OURS, "text/javascript"),
    "swagger-ui.css": (_SWAGGER, "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER, "text/javascript"),
}
_YEAR = 365 * 24 * 60 * 60  # seconds


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    packed: bytes  # with gzip: once, for it takes a while
    media_type: str
    tag: str


@cache
def asset(name: str) -> Asset:
    """Return a file that the page needs. Raises KeyError."""
    folder, media_type = _FILES[name]
    content = (folder / name).read_bytes()
    return Asset(content, gzip.compress(content, mtime=0), media_type, _tag(content))


@cache
def page() -> str:
    """Return the page; its addresses change with their files, so that browsers may keep these for good."""
    text = (_OURS / "docs.html").read_text("utf-8")
    for name in _FILES:
        text = text.replace(f"{{{name}}}", f"/api/docs/{name}?v={asset(name).tag}")
    return text


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@router.get("/docs")
def show(request: Request) -> Response:
    """Show the document."""
    content = page().encode()
    return _answer(request, content, "text/html", _tag(content), {"Cache-Control": "no-cache"})


@router.get("/docs/{name}")
def send(request: Request, name: str) -> Response:
    """Send a file of the page."""
    if name not in _FILES:
        raise HTTPException(404)
    found = asset(name)
    headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return _answer(request, found.packed, found.media_type, f"{found.tag}-gzip", headers)
    return _answer(request, found.content, found.media_type, found.tag, headers)


def _answer(request: Request, content: bytes, media_type: str, tag: str, headers: dict[str, str]) -> Response:
    headers = headers | {"ETag": f'"{tag}"'}
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
