"""Listening to an event: what an account may hear, in order, without a gap, and woken when there is more."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import delete
from sqlalchemy import event as database_event
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from core import access, live, notices, sweeps
from core.backends import Backends
from models.account import Role
from models.event import Event, MemberRole
from models.notice import Notice, NoticeKind
from tests.makers import make_account, make_event, make_member, owner_of

SEARCH, PAID, DELETED = NoticeKind.SEARCH_MADE, NoticeKind.ORDER_PAID, NoticeKind.PHOTO_DELETED
OF_PHOTOS = {kind for kind in NoticeKind if kind.value.startswith("photo.")}
QUICK = timedelta(milliseconds=2)
LONG = 10  # seconds that no test takes
SHORT = 0.05


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends)


def tell(
    backends: Backends, event: Event, kind: NoticeKind = SEARCH, *, age: timedelta = timedelta(0)
) -> int:
    """Something happened so long ago; returns its notice's id."""
    made = Notice(event_id=event.id, kind=kind, at=backends.now() - age)
    with backends.transaction() as session:
        session.add(made)
    return made.id


def after(backends: Backends, event: Event, last_id: int, *kinds: NoticeKind, limit: int = 200) -> list[int]:
    return [one.id for one in live.after(backends, event.id, last_id, kinds or NoticeKind, limit=limit)]


# --- who hears what ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (MemberRole.CO_ORGANISER, set(NoticeKind)),
        (MemberRole.ANALYST, set(NoticeKind) - {NoticeKind.ORDER_DISPUTED}),
        (MemberRole.PHOTOGRAPHER, OF_PHOTOS),
        (MemberRole.DOOR, OF_PHOTOS),
    ],
)
def test_a_member_hears_what_its_part_in_the_event_allows(backends, event, role, kinds):
    member = make_member(backends, event, role)

    assert live.require(backends, event.id, by=member) == kinds


def test_an_admin_hears_all_of_every_event(backends, event):
    assert live.require(backends, event.id, by=make_account(backends, Role.ADMIN)) == set(NoticeKind)


def test_a_stranger_is_told_that_there_is_no_such_event(backends, event):
    for stranger in (None, make_account(backends), owner_of(backends, make_event(backends))):
        with pytest.raises(access.NoSuchEvent):
            live.require(backends, event.id, by=stranger)


def test_every_kind_says_what_it_needs():
    assert set(live.NEEDS) == set(NoticeKind)


# --- reading -------------------------------------------------------------------------------


def test_what_came_after_a_notice_is_read_oldest_first(backends, event):
    ids = [tell(backends, event, kind) for kind in (SEARCH, PAID, SEARCH, DELETED)]
    tell(backends, make_event(backends))

    assert after(backends, event, 0) == ids
    assert after(backends, event, ids[1]) == ids[2:]
    assert after(backends, event, 0, SEARCH, PAID) == ids[:3]
    assert after(backends, event, 0, limit=2) == ids[:2]
    assert after(backends, event, ids[3]) == []


def test_what_came_last_is_read_newest_first(backends, event):
    ids = [tell(backends, event, kind) for kind in (SEARCH, PAID, SEARCH, DELETED)]
    tell(backends, make_event(backends))

    assert [one.id for one in live.recent(backends, event.id, {SEARCH, PAID}, 2)] == [ids[2], ids[1]]


def test_the_newest_id_of_each_event_is_known(backends, event):
    other, silent = make_event(backends), make_event(backends)
    newest = {one.id: tell(backends, one) for one in (event, other, event)}

    assert live.latest_ids(backends, [event.id, other.id, silent.id, 9_999]) == newest
    assert live.latest_id(backends, event.id) == newest[event.id]
    assert live.latest_id(backends, silent.id) == 0
    assert live.latest_ids(backends, []) == {}


def test_the_newest_ids_of_many_events_are_one_query(backends, event):
    asked: list[str] = []
    database_event.listen(backends.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    live.latest_ids(backends, [event.id, *range(50, 90)])

    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 1


# --- whole ---------------------------------------------------------------------------------


def sweep(backends: Backends) -> None:
    sweeps.sweep_old(backends, "")


OLD, OLDER = live.KEPT + timedelta(days=1), live.KEPT + timedelta(days=2)


def test_who_read_to_the_end_of_a_silent_event_misses_nothing(backends, event):
    assert live.is_whole(backends, event.id, 0)


def test_while_nothing_was_swept_everything_can_be_told(backends, event):
    ids = [tell(backends, event) for _ in range(3)]

    assert [live.is_whole(backends, event.id, last_id) for last_id in (0, *ids)] == [True] * 4


def test_who_is_behind_what_was_swept_has_to_start_over(backends, event):
    before = tell(backends, event, age=OLDER)
    swept = tell(backends, event, age=OLDER)
    newest_old = tell(backends, event, age=OLD)
    young = tell(backends, event)

    sweep(backends)

    assert after(backends, event, 0) == [newest_old, young]
    told = {last_id: live.is_whole(backends, event.id, last_id) for last_id in (0, before, swept)}
    assert told == {0: False, before: False, swept: False}
    assert live.is_whole(backends, event.id, newest_old)
    assert live.is_whole(backends, event.id, young)


def test_what_was_swept_of_another_event_is_no_gap(backends, event):
    other = make_event(backends)
    for _ in range(2):
        tell(backends, other, age=OLD)
    mine = tell(backends, event)

    sweep(backends)

    assert live.is_whole(backends, event.id, 0)
    assert after(backends, event, 0) == [mine]


def test_an_id_that_the_event_has_not_reached_is_of_another_database(backends, event):
    assert not live.is_whole(backends, event.id, 7)

    latest = tell(backends, event)

    assert not live.is_whole(backends, event.id, latest + 1)
    assert not live.is_whole(backends, event.id, 2**80)


def test_ids_are_not_used_again_after_the_newest_is_gone(backends, event):
    latest = tell(backends, event)
    with backends.transaction() as session:
        session.execute(delete(Notice).where(col(Notice.id) == latest))

    assert tell(backends, event) == latest + 1


# --- waiting -------------------------------------------------------------------------------


def say(backends: Backends, event: Event) -> None:
    with backends.transaction() as session:
        notices.note(session, SEARCH, event.id)


def test_a_listener_is_woken_by_its_event(backends, event):
    async def listen() -> list[bool]:
        feed = live.Feed(backends, QUICK)
        async with feed.listen(event.id) as line:
            waiting = asyncio.create_task(line.wait(LONG))
            await asyncio.to_thread(say, backends, event)
            return [await waiting, await line.wait(SHORT)]

    assert asyncio.run(listen()) == [True, False]


def test_a_listener_is_not_woken_by_another_event(backends, event):
    other = make_event(backends)

    async def listen() -> tuple[bool, bool]:
        feed = live.Feed(backends, QUICK)
        async with feed.listen(event.id) as mine, feed.listen(other.id) as theirs:
            await asyncio.to_thread(say, backends, other)
            return await theirs.wait(LONG), await mine.wait(SHORT)

    assert asyncio.run(listen()) == (True, False)


def test_what_comes_between_two_waits_ends_the_second(backends, event):
    async def listen() -> bool:
        feed = live.Feed(backends, QUICK)
        async with feed.listen(event.id) as first, feed.listen(event.id) as second:
            await asyncio.to_thread(say, backends, event)
            await first.wait(LONG)
            await asyncio.to_thread(say, backends, event)
            await second.wait(LONG)  # the first does not wait meanwhile
            return await first.wait(LONG)

    assert asyncio.run(listen())


class Looks:
    """Counts the looks into the database, and may fail some."""

    def __init__(self, monkeypatch, failing: int = 0) -> None:
        self.asked: list[set[int]] = []
        self.contexts: list[dict] = []
        self._failing, self._real = failing, live.latest_ids
        monkeypatch.setattr(live, "latest_ids", self._look)

    def _look(self, backends: Backends, event_ids: Collection[int]) -> dict[int, int]:
        self.asked.append(set(event_ids))
        self.contexts.append(structlog.contextvars.get_contextvars())
        if len(self.asked) <= self._failing:
            raise OperationalError("SELECT", {}, Exception("the server went away"))
        return self._real(backends, event_ids)


def test_one_look_is_for_all_who_listen(backends, event, monkeypatch):
    looks, other = Looks(monkeypatch), make_event(backends)
    say(backends, event)

    async def listen() -> int:
        feed = live.Feed(backends, timedelta(seconds=LONG))
        async with feed.listen(event.id) as line, feed.listen(other.id), feed.listen(event.id):
            await line.wait(LONG)
            return len(asyncio.all_tasks())

    tasks = asyncio.run(listen())

    assert looks.asked == [{event.id, other.id}]
    assert tasks == 2  # this one and the one that looks


def test_nobody_looks_when_nobody_listens(backends, event, monkeypatch):
    looks = Looks(monkeypatch)

    async def listen() -> set:
        feed = live.Feed(backends, QUICK)
        assert looks.asked == []
        for _ in range(2):  # the one who looks can be started again
            async with feed.listen(event.id) as line:
                await asyncio.to_thread(say, backends, event)
                assert await line.wait(LONG)
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(listen()) == set()


def test_a_database_that_is_away_for_a_moment_does_not_end_the_looking(backends, event, monkeypatch, capsys):
    looks = Looks(monkeypatch, failing=3)
    say(backends, event)

    async def listen() -> bool:
        async with live.Feed(backends, QUICK).listen(event.id) as line:
            return await line.wait(LONG)

    assert asyncio.run(listen())
    assert len(looks.asked) > 3
    assert capsys.readouterr().out.count("live lines wait for the database") == 1


def test_the_looking_does_not_log_as_the_request_that_was_first(backends, event, monkeypatch):
    looks = Looks(monkeypatch)
    say(backends, event)

    async def listen() -> None:
        with structlog.contextvars.bound_contextvars(request_id="first"):
            async with live.Feed(backends, QUICK).listen(event.id) as line:
                await line.wait(LONG)

    asyncio.run(listen())

    assert looks.contexts[0] == {}


def test_a_listener_who_is_cut_off_leaves_the_others_listening(backends, event):
    async def listen() -> bool:
        feed = live.Feed(backends, QUICK)

        async def cut_off() -> None:
            async with feed.listen(event.id) as line:
                await line.wait(LONG)

        first = asyncio.create_task(cut_off())
        await asyncio.sleep(0)
        async with feed.listen(event.id) as line:
            first.cancel()
            await asyncio.wait([first])
            await asyncio.to_thread(say, backends, event)
            return await line.wait(LONG)

    assert asyncio.run(listen())
