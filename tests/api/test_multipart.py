"""Forms with files, read part by part, however the network cuts them up."""

import asyncio
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.requests import Request

from api import multipart
from api.uploads import CutOff
from core.errors import InvalidInput, PlatformError

BOUNDARY = b"frontier"
TYPE = "multipart/form-data; boundary=frontier"
END = b"--frontier--\r\n"


def part(content: bytes, name: bytes = b"files", *headers: bytes) -> bytes:
    lines = [b"--" + BOUNDARY, b'Content-Disposition: form-data; name="' + name + b'"', *headers]
    return b"\r\n".join([*lines, b"", content]) + b"\r\n"


def file(content: bytes, filename: bytes) -> bytes:
    name = b'files"; filename="' + filename
    return part(content, name, b"Content-Type: image/jpeg")


def request(pieces: Iterable[bytes], media_type: str = TYPE, *, is_cut: bool = False) -> Request:
    messages = iter([{"type": "http.request", "body": piece, "more_body": True} for piece in pieces])
    last = {"type": "http.disconnect"} if is_cut else {"type": "http.request", "body": b""}

    async def receive() -> dict:
        return next(messages, last)

    headers = [(b"content-type", media_type.encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


async def read(asked: Request, most: int = 100) -> list[tuple[str, str, str, bytes]]:
    return [
        (one.name, one.filename, one.media_type, b"".join([piece async for piece in one]))
        async for one in multipart.parts(asked, most)
    ]


def parts(pieces: Iterable[bytes], media_type: str = TYPE, most: int = 100) -> list:
    return asyncio.run(read(request(pieces, media_type), most))


def cut(whole: bytes, places: Iterable[int]) -> Iterator[bytes]:
    at = 0
    for place in sorted(places):
        yield whole[at:place]
        at = place
    yield whole[at:]


WHOLE = (
    part(b"yes", b"consent") + file(b"\r\n--front\r\n\r\n--frontie", "é.jpg".encode()) + file(b"", b"b") + END
)
READ = [
    ("consent", "", "", b"yes"),
    ("files", "é.jpg", "image/jpeg", b"\r\n--front\r\n\r\n--frontie"),
    ("files", "b", "image/jpeg", b""),
]


@given(some.lists(some.integers(0, len(WHOLE)), max_size=40))
def test_a_form_is_the_same_however_it_is_cut_up(places):
    assert parts(cut(WHOLE, places)) == READ


def test_a_form_that_comes_byte_by_byte_is_read():
    assert parts(bytes([byte]) for byte in WHOLE) == READ


def test_a_boundary_may_be_of_signs_only():
    whole = WHOLE.replace(BOUNDARY, b"+++")

    assert parts([whole], "multipart/form-data; boundary=+++") == READ
    assert parts([whole], 'multipart/form-data; charset=utf-8; boundary="+++"') == READ


def test_what_nobody_reads_of_a_part_is_passed_over():
    async def names() -> list[str]:
        return [one.name async for one in multipart.parts(request([WHOLE]), 10)]

    assert asyncio.run(names()) == ["consent", "files", "files"]


def test_a_part_that_was_read_is_empty_and_takes_nothing_of_the_next():
    async def twice() -> list[list[bytes]]:
        return [
            [piece async for piece in one] + [b"|"] + [piece async for piece in one]
            async for one in multipart.parts(request([part(b"one") + part(b"two") + END]), 10)
        ]

    assert asyncio.run(twice()) == [[b"one", b"|"], [b"two", b"|"]]


def test_what_comes_after_the_end_is_passed_over():
    assert parts([part(b"one") + END, b"an epilogue", part(b"two")]) == [("files", "", "", b"one")]


def test_a_form_without_parts_is_empty():
    assert parts([END]) == []


def test_a_large_file_is_never_whole_in_memory():
    piece = bytes(2**16)

    def body() -> Iterator[bytes]:
        yield part(b"")[:-2]
        for _ in range(2**9):  # 32 MiB
            yield piece
        yield b"\r\n" + END

    async def length() -> int:
        messages = body()

        async def receive() -> dict:
            found = next(messages, None)
            return {"type": "http.request", "body": found or b"", "more_body": found is not None}

        asked = request([])
        asked._receive = receive
        return sum([len(one) async for form in multipart.parts(asked, 1) async for one in form])

    tracemalloc.start()
    taken = asyncio.run(length())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken == 2**25
    assert peak < 2**21


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        WHOLE[:-4],
        WHOLE[:30],
        part(b"no end"),
        b"--other\r\n\r\n" + END,
        b"--frontier\r\nContent-Type: text/plain\r\n\r\nno name\r\n" + END,
        b"--frontier\r\nno header at all\r\n\r\nx\r\n" + END,
        b"--frontier\r\n: no name\r\n\r\nx\r\n" + END,
        part(b"x", b"a", b"X-Long: " + bytes([65]) * multipart.LONGEST_HEADER) + END,
        part(b"x", b"a", *[b"X-Many: 1"] * multipart.MOST_HEADERS) + END,
    ],
)
def test_a_broken_form_is_refused(body):
    with pytest.raises(multipart.BrokenForm):
        parts([body])


@given(some.binary(max_size=300))
def test_no_form_makes_more_than_a_refusal(noise):
    for body in (noise, b"--frontier\r\n" + noise, part(b"", b"x", noise), part(noise) + END):
        try:
            parts([body])
        except InvalidInput:
            continue


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "application/json",
        "multipart/mixed; boundary=frontier",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 71,
        'multipart/form-data; boundary="',
    ],
)
def test_what_is_no_form_is_refused(media_type):
    with pytest.raises(InvalidInput):
        parts([WHOLE], media_type)


def test_more_parts_than_asked_for_are_refused():
    assert len(parts([WHOLE], most=3)) == 3

    with pytest.raises(multipart.TooManyParts):
        parts([WHOLE], most=2)


def test_a_connection_that_breaks_is_told_from_a_broken_form():
    with pytest.raises(CutOff):
        asyncio.run(read(request([WHOLE[:60]], is_cut=True)))


class TooLong(PlatformError):
    """The refusal of this test."""


def test_a_part_is_read_into_memory_up_to_a_limit():
    async def contents(most: int) -> list[bytes]:
        asked = request([part(b"four") + END])
        return [await one.read(most, TooLong("no")) async for one in multipart.parts(asked, 1)]

    assert asyncio.run(contents(4)) == [b"four"]
    with pytest.raises(TooLong):
        asyncio.run(contents(3))
