"""The one HTML document of the site: Streamlit's own, told who we are and where its server is."""

import base64
import hashlib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STREAMLIT = find_spec("streamlit")
INDEX = Path((_STREAMLIT and _STREAMLIT.origin) or "").parent / "static" / "index.html"
# Without it a page below `/` asks for its server at `/gallery/_stcore/…` first and logs two errors.
_HERE = "<script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin }</script>"
_UNUSED = (
    r'<link\s+rel="preload"[^>]*SourceSans[^>]*>',  # our theme has its own fonts
    r'<link\s+rel="service-desc"[^>]*>',
)
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_OTHERS = ("/api", "/receipts/")  # addresses whose HTML is their own


@cache
def html() -> str:
    """Return the document, with our name and without what we do not use."""
    text = INDEX.read_text("utf-8").replace("<title>Streamlit</title>", "<title>Encore</title>")
    text = text.replace('href="./favicon.png"', 'href="./app/static/favicon.png"')
    for pattern in _UNUSED:
        text = re.sub(pattern, "", text)
    return text.replace("<head>", f"<head>{_HERE}", 1)


def script_hashes() -> list[str]:
    """Return the CSP sources that allow the document's own inline scripts and no others."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(html()))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


class Document:
    """Sends our document wherever Streamlit would send its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._body = html().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Swap the body of every HTML page but those that the API and printed papers have."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].startswith(_OTHERS):
            await self._app(scope, receive, send)
            return
        is_ours = False

        async def swap(message: Message) -> None:
            nonlocal is_ours
            if message["type"] == "http.response.start":
                is_ours = self._announce(message)
            elif is_ours:
                if message.get("more_body", False):
                    return
                message = {**message, "body": self._body}
            await send(message)

        await self._app(scope, receive, swap)

    def _announce(self, message: Message) -> bool:
        headers = MutableHeaders(scope=message)
        if message["status"] != 200 or "text/html" not in headers.get("content-type", ""):
            return False
        headers["Content-Length"] = str(len(self._body))
        headers["Cache-Control"] = "no-cache"
        for name in ("etag", "last-modified", "content-encoding", "accept-ranges"):
            del headers[name]
        return True
