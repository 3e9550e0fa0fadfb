"""Live lines: what happens in an event, to those who may hear it, with nothing lost and nothing twice."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from api import lines
from core import keys, live, notices, photos, programs, sessions, sweeps
from models.account import ApiScope, Role
from models.event import MemberRole
from models.fields import utc_now
from models.notice import NoticeKind
from models.photo import Review
from tests.makers import PASSWORD, make_account, make_event, make_member, make_photo

SOON = 10  # seconds a notice may take at most


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def organiser(backends, event):
    return make_member(backends, event, MemberRole.CO_ORGANISER)


@pytest.fixture
def token(backends, organiser) -> dict[str, str]:
    return bearer_of(backends, organiser)


def bearer_of(backends, account) -> dict[str, str]:
    return {"Authorization": f"Bearer {programs.sign_in(backends, account.email, PASSWORD).access_token}"}


def upload_notice(backends, event, number: int = 1) -> None:
    with backends.transaction() as session:
        notices.note(session, NoticeKind.PHOTO_UPLOADED, event.id, photo_ids=[str(number)], gallery_id=1)


def sale_notice(backends, event) -> None:
    with backends.transaction() as session:
        notices.note(session, NoticeKind.ORDER_PAID, event.id, order_id="o", amount=12_000, count=1)


class Stream:
    """Server-sent events as a browser reads them."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()

    def next(self) -> dict[str, str]:
        """The next event that says something."""
        found: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line and name:
                found[name] = value
            elif not line and "event" in found:
                return found
            elif not line:
                found = {}
        return {}


@contextmanager
def listening(site: str, event, headers: dict[str, str], **params: object) -> Iterator[Stream]:
    address = f"http://{site}/api/v1/events/{event.id}/live"
    with httpx.stream("GET", address, headers=headers, params=params, timeout=SOON) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


def refused(site: str, event_id: int, headers: dict[str, str], **params: object) -> tuple[int, str]:
    address = f"http://{site}/api/v1/events/{event_id}/live"
    answer = httpx.get(address, headers=headers, params=params, timeout=SOON)
    return answer.status_code, answer.json()["error"]


def talking(site: str, event, headers: dict[str, str], query: str = ""):
    address = f"ws://{site}/api/v1/events/{event.id}/live{query}"
    return connect(address, additional_headers=headers, open_timeout=SOON, proxy=None)


def test_a_photo_that_is_approved_is_told_at_once(backends, served, event, organiser, token):
    photo = make_photo(backends, event)

    with listening(served, event, token) as stream:
        photos.review(backends, [photo.id], Review.REJECTED, by=organiser)
        heard = stream.next()

    told = json.loads(heard["data"])
    assert heard["event"] == told["kind"] == "photo.reviewed"
    assert heard["id"] == str(told["id"])
    assert (told["event_id"], told["data"]) == (
        event.id,
        {"photo_ids": [str(photo.id)], "review": "rejected"},
    )


def test_a_lost_line_goes_on_where_it_was(backends, served, event, token):
    with listening(served, event, token) as stream:
        upload_notice(backends, event, 1)
        last_id = stream.next()["id"]
    for number in (2, 3):
        upload_notice(backends, event, number)

    with listening(served, event, token | {"Last-Event-ID": last_id}) as stream:
        heard = [stream.next(), stream.next()]

    assert [json.loads(one["data"])["data"]["photo_ids"] for one in heard] == [["2"], ["3"]]


def test_what_is_too_long_ago_is_told_as_a_reset(backends, served, event, organiser):
    for number in range(3):
        upload_notice(backends, event, number)
    first = live.latest_id(backends, event.id) - 2
    later = utc_now() + live.KEPT + timedelta(hours=1)
    backends.now = lambda: later
    sweeps.sweep_old(backends, "")
    token = bearer_of(backends, organiser)

    with listening(served, event, token, after=first) as stream:
        heard = stream.next()
        upload_notice(backends, event, 4)
        after = stream.next()

    assert heard["event"] == "reset"
    assert json.loads(after["data"])["data"]["photo_ids"] == ["4"]


@pytest.mark.parametrize(
    ("role", "hears_sales"), [(MemberRole.PHOTOGRAPHER, False), (MemberRole.ANALYST, True)]
)
def test_sales_are_told_to_those_who_may_see_them(backends, served, event, role, hears_sales):
    member = make_member(backends, event, role)

    with listening(served, event, bearer_of(backends, member)) as stream:
        sale_notice(backends, event)
        upload_notice(backends, event)
        first = stream.next()["event"]

    assert first == ("order.paid" if hears_sales else "photo.uploaded")


def test_another_events_news_is_not_told(backends, served, event, token):
    other = make_event(backends)

    with listening(served, event, token) as stream:
        upload_notice(backends, other, 1)
        upload_notice(backends, event, 2)
        heard = json.loads(stream.next()["data"])

    assert heard["event_id"] == event.id


def test_who_may_not_hear_an_event_is_refused(backends, served, event, token):
    stranger = make_account(backends, Role.ORGANISER)
    theirs = bearer_of(backends, stranger)
    _, narrow = keys.create(backends, "Search only", [ApiScope.SEARCH], by=stranger)

    assert refused(served, event.id, {}) == (401, "SignInNeeded")
    assert refused(served, event.id, theirs) == (404, "NoSuchEvent")
    assert refused(served, 10_000, token) == (404, "NoSuchEvent")
    assert refused(served, event.id, {"X-API-Key": narrow}) == (403, "ScopeMissing")
    assert refused(served, event.id, {}, ticket="forged") == (401, "TokenSpent")


def test_a_line_ends_with_its_session(backends, served, event, organiser, token, monkeypatch):
    monkeypatch.setattr(lines, "HEARTBEAT", timedelta(seconds=0.05))

    with listening(served, event, token) as stream:
        sessions.sign_out_everywhere(backends, organiser)
        heard = stream.next()

    assert (heard["event"], heard["data"]) == ("end", "TokenSpent")
    assert refused(served, event.id, token) == (401, "TokenSpent")


def test_a_browser_listens_with_a_ticket(backends, served, event, token):
    answer = httpx.post(f"http://{served}/api/v1/events/{event.id}/live/tickets", headers=token)
    ticket = answer.json()["ticket"]

    with listening(served, event, {}, ticket=ticket) as stream:
        upload_notice(backends, event)
        heard = stream.next()

    other = make_event(backends)
    assert heard["event"] == "photo.uploaded"
    assert refused(served, other.id, {}, ticket=ticket) == (401, "TokenSpent")


def test_a_ticket_is_good_for_a_minute(backends, served, event, token):
    ticket = httpx.post(f"http://{served}/api/v1/events/{event.id}/live/tickets", headers=token).json()
    later = utc_now() + timedelta(seconds=ticket["expires_in"] + 1)
    backends.now = lambda: later

    assert refused(served, event.id, {}, ticket=ticket["ticket"]) == (401, "TokenSpent")


def test_a_websocket_tells_the_same(backends, served, event, token):
    with talking(served, event, token) as socket:
        upload_notice(backends, event, 1)
        first = json.loads(socket.recv(SOON))
    upload_notice(backends, event, 2)

    with talking(served, event, token, f"?after={first['id']}") as socket:
        second = json.loads(socket.recv(SOON))

    assert [one["data"]["photo_ids"] for one in (first, second)] == [["1"], ["2"]]


def test_a_websocket_ends_with_its_session(backends, served, event, organiser, token, monkeypatch):
    monkeypatch.setattr(lines, "HEARTBEAT", timedelta(seconds=0.05))

    with talking(served, event, token) as socket:
        sessions.sign_out_everywhere(backends, organiser)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(SOON)

    assert closed.value.rcvd.code == 4401


def test_a_websocket_is_refused_in_the_usual_shape(served, event):
    with pytest.raises(InvalidStatus) as refusal:
        talking(served, event, {})

    answer = refusal.value.response
    assert (answer.status_code, json.loads(answer.body)["error"]) == (401, "SignInNeeded")


def test_one_account_has_a_limited_number_of_lines(served, event, token, monkeypatch):
    monkeypatch.setattr(lines, "MOST_OF_ONE", 1)

    with listening(served, event, token):
        assert refused(served, event.id, token) == (429, "TooManyLines")


def test_a_line_that_is_left_is_no_longer_counted(served, event, token):
    with listening(served, event, token), talking(served, event, token):
        assert lines.count() == 2

    deadline = time.monotonic() + SOON
    while lines.count() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lines.count() == 0
