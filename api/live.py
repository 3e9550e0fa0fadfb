"""What happens in an event while it happens: as server-sent events, and as WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import Header, Query
from fastapi.sse import format_sse_event
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from api import callers, deps, lines, routing
from api.events import EventId
from api.lines import Part
from api.schemas import Answer
from core import live_tickets, notices
from core.errors import PlatformError
from core.live_tickets import Listener
from models.account import ApiScope

router = routing.router("live")

RETRY = 2_000  # milliseconds until a browser opens a lost line again
ENDED = 4401  # our code for the end of a WebSocket whose listener may hear no more
_SAID = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "The notice's id, for `Last-Event-ID` or `after`."},
        "event": {"type": "string", "description": "The notice's kind, or `reset`, or `end`."},
        "data": {
            "type": "string",
            "description": "The notice. Of `reset`: empty. Of `end`: the kind of refusal.",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/Notice"},
        },
        "retry": {"type": "integer", "description": "Milliseconds to wait before calling again."},
    },
}
_STREAM = {
    "description": "Server-sent events without an end. `data` is a `Notice`, but of `reset` and `end`.",
    "content": {
        "text/event-stream": {
            "schema": {
                "type": "string",
                "contentMediaType": "text/event-stream",
                "contentSchema": {"type": "array", "items": _SAID},
            },
            "example": "retry: 2000\n: listening\n\n"
            "id: 4711\nevent: photo.deleted\n"
            'data: {"id":4711,"kind":"photo.deleted","event_id":12,"at":"2026-11-01T02:31:07+00:00",'
            '"data":{"photo_ids":["0d0f8f0c-5a1e-4d39-9d4e-0c6a2f6f7a11"]}}\n\n',
        }
    },
}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

After = Annotated[
    int | None, Query(ge=0, le=2**63 - 1, description="The `id` of the last notice that was heard.")
]
Ticket = Annotated[str | None, Query(max_length=500, description="Of `POST …/live/tickets`.")]


LastId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=20,
        description="The same as `after`, and goes before it. A browser sends it when it opens a line again.",
    ),
]


class LiveTicket(Answer):
    """A way to a live line for a browser, which can send no header there: `?ticket=…`."""

    ticket: str = Field(description="Good for as many lines as are opened before it ends.")
    expires_in: int = Field(description="Seconds.")


@router.post("/events/{event_id}/live/tickets", status_code=201)
def create_live_ticket(caller: callers.Reports, event_id: EventId) -> LiveTicket:
    """Make a ticket for a live line, for a browser: good for a minute. Every member may listen."""
    ticket = live_tickets.issue(deps.backends(), event_id, caller.signed_in)
    return LiveTicket(ticket=ticket, expires_in=int(live_tickets.TTL.total_seconds()))


@router.get("/events/{event_id}/live", response_class=StreamingResponse, responses={200: _STREAM})
async def listen(
    caller: callers.Reports,
    event_id: EventId,
    after: After = None,
    last_event_id: LastId = None,
    ticket: Ticket = None,
) -> StreamingResponse:
    """Hear of photos, approvals, searches and sales as they happen, as server-sent events.

    **What is said.** Each notice is an event: `id` and `event` are its id and kind, `data` is a `Notice` in
    JSON, the same that a webhook is sent. Searches and sales are for those who may see what the event sold.
    After every 15 seconds of silence comes a comment, a line that begins with a colon: nothing happened, and
    the line is there. `reset` says that what happened since then cannot be told any more: read the lists
    again. `end` says that one may hear no more; its `data` is the kind of refusal, such as `TokenSpent`.

    **When a line is lost,** open it again after `retry` milliseconds, with `Last-Event-ID` or `after`: it
    goes on where it was, for a week. A browser's `EventSource` does so by itself, but with the same ticket,
    which lasts a minute: later it is refused, and gives up with `readyState` 2. Then make a new ticket, and
    open `?ticket=…&after=<last id>`. After `end`, close the line: it would be opened again.

    **As WebSocket** the same address sends the same: a message is a `Notice`, or `{"kind":"reset"}`, and
    close code 4401 is `end`. An account has 20 lines at most.
    """
    if last_event_id is not None and last_event_id.isdecimal():
        after = min(int(last_event_id), 2**63 - 1)
    heard = lines.hear(await run_in_threadpool(_listener, caller, event_id, ticket), after)
    first = await anext(heard)  # a refusal comes before the stream begins
    return StreamingResponse(_stream(first, heard), media_type="text/event-stream", headers=_HEADERS)


async def _stream(first: Part, heard: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    yield format_sse_event(comment="listening", retry=RETRY)
    yield _said(first)
    try:
        async for part in heard:
            yield _said(part)
    except PlatformError as refusal:  # the listener may hear no more
        yield format_sse_event(event="end", data_str=type(refusal).__name__)


def _said(part: Part) -> bytes:
    if part.is_reset:
        return format_sse_event(event="reset", data_str="")
    told = (
        format_sse_event(id=str(notice.id), event=notice.kind.value, data_str=notices.body(notice))
        for notice in part.notices
    )
    return b"".join(told) or format_sse_event(comment="")


@router.websocket("/events/{event_id}/live")
async def listen_by_websocket(
    socket: WebSocket, event_id: EventId, after: After = None, ticket: Ticket = None
) -> None:
    """Hear the same as messages in JSON; `{"kind":"reset"}` is the event `reset`."""
    try:
        caller = callers.Caller(socket, [ApiScope.REPORTS])
        heard = lines.hear(await run_in_threadpool(_listener, caller, event_id, ticket), after)
        first = await anext(heard)
    except PlatformError as refusal:
        await socket.send_denial_response(deps.refusal(socket, refusal))
        return
    await socket.accept()
    telling = asyncio.create_task(_tell(socket, first, heard))
    with suppress(WebSocketDisconnect):
        while True:  # nothing is asked of the other side, but its going is noticed here
            await socket.receive()
            if socket.client_state.name == "DISCONNECTED":
                break
    telling.cancel()
    with suppress(asyncio.CancelledError):
        await telling


async def _tell(socket: WebSocket, first: Part, heard: AsyncIterator[Part]) -> None:
    try:
        await _send(socket, first)
        async for part in heard:
            await _send(socket, part)
    except PlatformError:  # the listener may hear no more
        await socket.close(ENDED)
    except WebSocketDisconnect:  # the other side went in the middle of a word
        return


async def _send(socket: WebSocket, part: Part) -> None:
    if part.is_reset:
        await socket.send_text('{"kind":"reset"}')
    for notice in part.notices:
        await socket.send_text(notices.body(notice))


def _listener(caller: callers.Caller, event_id: int, ticket: str | None) -> Listener:
    if ticket is not None:
        return live_tickets.redeem(deps.backends(), event_id, ticket)
    return live_tickets.listener(event_id, caller.signed_in)
