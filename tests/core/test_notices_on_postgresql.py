"""Who follows an event's notices by their ids misses none, on a real PostgreSQL where writers overlap."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from threading import Thread

import pytest
from sqlalchemy import text
from sqlmodel import select

from core import live, notices
from models.event import Event
from models.notice import Notice, NoticeKind
from tests.core.test_notices import make_endpoint
from tests.core.test_on_postgresql import together
from tests.makers import make_event

pytestmark = pytest.mark.integration

KIND = NoticeKind.SEARCH_MADE
PATIENCE = 20  # seconds
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def event(platform) -> Event:
    return make_event(platform)


class Reader:
    """Follows an event: each look goes on behind the last notice that was seen."""

    def __init__(self, platform, event: Event) -> None:
        self._platform, self._event_id = platform, event.id
        self._last_id = 0
        self.seen: list[int] = []

    def look(self) -> None:
        for notice in live.after(self._platform, self._event_id, self._last_id, {KIND}):
            self._last_id = notice.id
            self.seen.append(notice.data["number"])


def tell(platform, event: Event, number: int) -> None:
    with platform.transaction() as session:
        notices.note(session, KIND, event.id, number=number)


def wait_until(is_so) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def waiting(platform) -> int:
    with platform.reading() as session:
        return session.execute(text(WAITING)).scalar_one()


def seen_while_the_first_is_slow_to_end(platform, event: Event, monkeypatch) -> list[int]:
    """Two tell of the event: the first has its ids and is not committed yet when the second comes."""
    first_has_ids, may_end, address = Signal(), Signal(), notices._address

    def slowly(*arguments) -> None:
        monkeypatch.setattr(notices, "_address", address)
        first_has_ids.set()
        assert may_end.wait(PATIENCE)
        address(*arguments)

    monkeypatch.setattr(notices, "_address", slowly)
    first, second = (Thread(target=tell, args=(platform, event, number)) for number in (1, 2))
    reader = Reader(platform, event)
    first.start()
    assert first_has_ids.wait(PATIENCE)
    second.start()
    wait_until(lambda: waiting(platform) or not second.is_alive())
    reader.look()
    may_end.set()
    first.join()
    second.join()
    reader.look()
    return reader.seen


def test_who_follows_by_id_misses_none(platform, event, monkeypatch):
    assert seen_while_the_first_is_slow_to_end(platform, event, monkeypatch) == [1, 2]


def test_without_the_lock_one_is_missed(platform, event, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(notices, "_queue_up", lambda *_: None)

    assert seen_while_the_first_is_slow_to_end(platform, event, monkeypatch) == [2]


def test_another_event_does_not_wait(platform, event):
    other = make_event(platform)
    with platform.transaction() as session:
        notices._queue_up(session, [event.id])
        telling = Thread(target=tell, args=(platform, other, 1))
        telling.start()
        telling.join(PATIENCE)

        assert not telling.is_alive()


def test_many_writers_and_a_reader_beside_them(platform, event):
    reader, numbers = Reader(platform, event), range(60)

    with ThreadPoolExecutor(6) as pool:
        telling = [pool.submit(tell, platform, event, number) for number in numbers]
        while not all(one.done() for one in telling):
            reader.look()
    reader.look()

    assert sorted(reader.seen) == list(numbers)
    assert [one.exception() for one in telling] == [None] * len(numbers)


def test_who_tells_of_several_events_in_another_order_is_not_in_anybodys_way(platform):
    events = [make_event(platform) for _ in range(3)]
    for event in events:
        make_endpoint(platform, event)

    def tell_all(number: int) -> None:
        for turn in range(8):
            with platform.transaction() as session:
                for event in events if number % 2 else reversed(events):
                    notices.note(session, KIND, event.id, number=turn)

    together(4, tell_all)

    with platform.reading() as session:
        assert len(session.exec(select(Notice)).all()) == 4 * 8 * len(events)
