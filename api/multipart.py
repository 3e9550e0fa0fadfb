"""Forms with files, part by part as they arrive: nothing is kept whole, and nothing is spooled to disk.

Starlette's own forms read everything before a route knows who asks, and write selfies to temporary files.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from api import uploads
from core.errors import InvalidInput, PlatformError

MOST_HEADERS = 8  # of a part
LONGEST_HEADER = 2048  # bytes; a file name of 255 bytes, escaped, takes less than half


class NoForm(InvalidInput):
    """Not multipart/form-data at all."""

    def __init__(self) -> None:
        super().__init__("Send this as multipart/form-data, with its boundary in Content-Type.")


class BrokenForm(InvalidInput):
    """It says multipart/form-data, and is none."""

    def __init__(self) -> None:
        super().__init__("This form is broken: its parts cannot be told apart. Send it again.")


class TooManyParts(InvalidInput):
    """More parts than are asked for."""

    def __init__(self, most: int) -> None:
        super().__init__("This form has too many parts: at most {most} are taken.", most=most)


class UnknownPart(InvalidInput):
    """A part of a name that nobody asked for."""

    def __init__(self, known: str) -> None:
        super().__init__("This form has a part of another name. These are known: {known}.", known=known)


class Part:
    """A field or file of a form; iterate it, once, for its bytes."""

    def __init__(self, reader: "_Reader", headers: dict[bytes, bytes]) -> None:
        self._reader = reader
        _, options = parse_options_header(headers.get(b"content-disposition"))
        if b"name" not in options:
            raise BrokenForm
        self.name = options[b"name"].decode(errors="replace")
        self.filename = options.get(b"filename", b"").decode(errors="replace")
        self.media_type = headers.get(b"content-type", b"").decode("latin-1")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield its bytes as they arrive. Raises BrokenForm, CutOff."""
        while (piece := await self._reader.piece()) is not None:
            yield piece

    async def read(
        self, most: int, refusal: PlatformError, take: Callable[[int], None] = lambda _: None
    ) -> bytes:
        """Return all its bytes, in memory. Raises the refusal as soon as there are more than `most`.

        `take` is told of every piece before it is kept, and may refuse it.
        """
        pieces: list[bytes] = []
        length = 0
        async for piece in self:
            take(len(piece))
            length += len(piece)
            if length > most:
                raise refusal
            pieces.append(piece)
        return b"".join(pieces)


class Room:
    """How many bytes a site holds at once for those who send files that must stay in memory."""

    def __init__(self, most: int, refusal: Callable[[], PlatformError]) -> None:
        self._most, self._refusal = most, refusal
        self._held = 0

    @contextmanager
    def guest(self) -> Iterator[Callable[[int], None]]:
        """Yield what takes bytes for one request, and give them back in the end. It raises the refusal."""
        own = 0

        def take(length: int) -> None:
            nonlocal own
            if self._held + length > self._most:
                raise self._refusal()
            self._held += length
            own += length

        try:
            yield take
        finally:
            self._held -= own


def is_form(request: Request) -> bool:
    """The request says that it is multipart, of whatever kind."""
    return request.headers.get("content-type", "").lower().startswith("multipart/")


async def parts(request: Request, most: int) -> AsyncIterator[Part]:
    """Yield the parts of a form; what is not read of one is passed over.

    Raises NoForm, BrokenForm, TooManyParts, CutOff.
    """
    reader = _Reader(request)
    count = 0
    while (part := await reader.part()) is not None:
        count += 1
        if count > most:
            raise TooManyParts(most)
        yield part
        async for _ in part:
            pass


class _Reader:
    """Turns the body into parts and their pieces. It holds what one piece of the body brought, not more."""

    def __init__(self, request: Request) -> None:
        self._pieces = uploads.pieces(request)
        self._events: deque[Part | bytes] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._is_whole = False
        self._parser = MultipartParser(
            _boundary(request),
            {
                "on_part_begin": self._begin,
                "on_header_field": self._more_of_field,
                "on_header_value": self._more_of_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._open,
                "on_part_data": self._take,
                "on_end": self._end,
            },
            max_header_count=MOST_HEADERS,
            max_header_size=LONGEST_HEADER,
        )

    async def part(self) -> Part | None:
        """Return the next part, None when there is none."""
        event = await self._next()
        if isinstance(event, bytes):
            raise BrokenForm
        return event

    async def piece(self) -> bytes | None:
        """Return the next bytes of the part that came last, None at its end."""
        event = await self._next()
        if event is None or isinstance(event, bytes):
            return event
        self._events.appendleft(event)
        return None

    async def _next(self) -> Part | bytes | None:
        while not self._events:
            piece = await anext(self._pieces, None)
            if piece is None:
                if not self._is_whole:
                    raise BrokenForm
                return None
            self._feed(piece)
        return self._events.popleft()

    def _feed(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise BrokenForm from error

    def _begin(self) -> None:
        self._headers = {}

    def _more_of_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _more_of_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _open(self) -> None:
        self._events.append(Part(self, self._headers))

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end(self) -> None:
        self._is_whole = True


def _boundary(request: Request) -> bytes:
    media_type, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if media_type != b"multipart/form-data" or not 0 < len(boundary) <= 70:  # RFC 2046
        raise NoForm
    return boundary
