"""Fetching weights from a real server that cuts, forgets and redirects."""

import os
import socket

import pytest

from core.adapters.weight_downloads import DownloadFailed, fetch
from tests.weight_server import Shelf, serving

CONTENT = os.urandom(300_000)
MOST = len(CONTENT)


@pytest.fixture
def shelf():
    with serving(net=CONTENT) as shelf:
        yield shelf


@pytest.fixture
def target(tmp_path):
    return tmp_path / "net.part"


def quiet(*_: int) -> None:
    """Progress that nobody watches."""


def cut_short(shelf: Shelf, target) -> None:
    shelf.cut_after = 100_000
    with pytest.raises(DownloadFailed):
        fetch(shelf.url("net"), target, MOST, quiet)


def test_a_file_comes_whole_and_its_progress_is_told(shelf, target, tmp_path):
    told = []

    fetch(shelf.url("net"), target, MOST, lambda done, total: told.append((done, total)))

    assert target.read_bytes() == CONTENT
    assert told[-1] == (MOST, MOST)
    assert told == sorted(told)
    assert list(tmp_path.iterdir()) == [target]


def test_a_broken_connection_says_so_and_the_next_fetch_goes_on_from_there(shelf, target):
    shelf.cut_after = 100_000

    with pytest.raises(DownloadFailed, match=r"The connection to 127\.0\.0\.1 broke\. Try again"):
        fetch(shelf.url("net"), target, MOST, quiet)
    kept = target.stat().st_size
    fetch(shelf.url("net"), target, MOST, quiet)

    assert 0 < kept < MOST
    assert target.read_bytes() == CONTENT
    assert shelf.asked == ["/net", f"/net bytes={kept}-"]


def test_the_progress_never_says_more_than_everything_even_when_a_server_tells_no_length(shelf, target):
    cut_short(shelf, target)
    shelf.tells_lengths = False
    told = []

    fetch(shelf.url("net"), target, MOST, lambda done, total: told.append((done, total)))

    assert target.read_bytes() == CONTENT
    assert shelf.asked[-1].startswith("/net bytes=")
    assert {total for _, total in told} == {MOST}
    assert told[-1] == (MOST, MOST)


def test_a_server_without_ranges_is_asked_for_everything(shelf, target):
    cut_short(shelf, target)
    shelf.has_ranges = False

    fetch(shelf.url("net"), target, MOST, quiet)

    assert target.read_bytes() == CONTENT


def test_two_versions_of_a_file_are_never_put_together(shelf, target):
    cut_short(shelf, target)
    shelf.files["/net"] = newer = os.urandom(MOST)

    fetch(shelf.url("net"), target, MOST, quiet)

    assert target.read_bytes() == newer


def test_bytes_of_unknown_origin_are_not_gone_on_from(shelf, target):
    target.write_bytes(b"of another program")

    fetch(shelf.url("net"), target, MOST, quiet)

    assert target.read_bytes() == CONTENT
    assert shelf.asked == ["/net"]


def test_what_lies_there_longer_than_the_file_is_fetched_anew(shelf, target):
    cut_short(shelf, target)
    with target.open("ab") as file:
        file.write(bytes(MOST))

    fetch(shelf.url("net"), target, MOST, quiet)

    assert target.read_bytes() == CONTENT


def test_a_file_without_end_is_not_taken_to_the_end(shelf, target):
    shelf.files["/net"] = bytes(5_000_000)

    fetch(shelf.url("net"), target, 1000, quiet)

    assert 1000 < target.stat().st_size < 1_000_000


def test_a_redirect_is_followed(shelf, target):
    shelf.redirects["/old"] = "/net"

    fetch(shelf.url("old"), target, MOST, quiet)

    assert target.read_bytes() == CONTENT


def test_a_redirect_away_from_https_is_refused(shelf, target):
    shelf.redirects["/old"] = "http://weights.example/net"

    with pytest.raises(DownloadFailed, match="without HTTPS"):
        fetch(shelf.url("old"), target, MOST, quiet)

    assert not target.exists()


def test_redirects_without_end_are_not_called_a_broken_connection(shelf, target):
    shelf.redirects["/old"] = "/old"

    with pytest.raises(DownloadFailed, match=r"^127\.0\.0\.1 sent us from address to address without end\.$"):
        fetch(shelf.url("old"), target, MOST, quiet)

    assert not target.exists()


def test_a_file_that_the_server_does_not_have_is_named(shelf, target):
    with pytest.raises(DownloadFailed, match=r"^127\.0\.0\.1 does not give net: it answered 404\.$"):
        fetch(shelf.url("none"), target, MOST, quiet)


def test_without_a_connection_one_sentence_says_what_to_do(target):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]  # nobody listens there once it is closed

    with pytest.raises(
        DownloadFailed, match=r"^127\.0\.0\.1 cannot be reached\. Check the internet connection"
    ):
        fetch(f"http://127.0.0.1:{port}/net", target, MOST, quiet)


def test_a_folder_that_cannot_be_written_is_named(shelf, tmp_path):
    target = tmp_path / "no folder" / "net.part"

    with pytest.raises(DownloadFailed, match=r"no folder/net\.part cannot be written: No such file"):
        fetch(shelf.url("net"), target, MOST, quiet)
