"""Background work that is in trouble, for those who may know of it."""

import pytest

from core import jobs, troubles
from core.access import NoSuchEvent
from core.errors import Forbidden, InvalidInput, SignInNeeded
from core.paging import Asked
from core.troubles import Choice
from models.account import Role
from models.event import MemberRole
from models.job import Job, JobKind, JobStatus
from tests.makers import make_account, make_event, make_member, some_id

GAVE_UP = {"status": JobStatus.FAILED, "last_error": "It went wrong."}
AGAIN = {"status": JobStatus.DUE, "last_error": "It went wrong."}


def make_job(backends, kind: JobKind = JobKind.RENDER_PHOTO, event_id: int | None = None, **fields) -> Job:
    with backends.transaction() as session:
        job = jobs.enqueue(session, kind, some_id(), event_id=event_id)
        job.sqlmodel_update(fields)
    return job


def ids(found) -> list[int]:
    return [job.id for job in found.items]


def test_what_gave_up_and_what_is_tried_again_is_listed_newest_first(backends):
    admin = make_account(backends, Role.ADMIN)
    make_job(backends)
    make_job(backends, status=JobStatus.DONE)
    troubled = [make_job(backends, **GAVE_UP), make_job(backends, **AGAIN), make_job(backends, **GAVE_UP)]

    first = troubles.listing(backends, Asked(2), by=admin)
    second = troubles.listing(backends, Asked(2, first.next_cursor), by=admin)

    assert ids(first) + ids(second) == [job.id for job in troubled[::-1]]
    assert second.next_cursor is None


def test_troubles_are_chosen_by_kind_and_status(backends):
    admin = make_account(backends, Role.ADMIN)
    render = make_job(backends, **GAVE_UP)
    index = make_job(backends, JobKind.INDEX_FACES, **GAVE_UP)
    again = make_job(backends, JobKind.INDEX_FACES, **AGAIN)

    def found(*choice: object) -> list[int]:
        return ids(troubles.listing(backends, Asked(), Choice(*choice), by=admin))

    assert found(JobKind.RENDER_PHOTO) == [render.id]
    assert found(None, JobStatus.FAILED) == [index.id, render.id]
    assert found(JobKind.INDEX_FACES, JobStatus.DUE) == [again.id]
    assert found(JobKind.DROP_INDEX) == []


def test_members_see_the_troubles_of_their_event_but_no_deliveries(backends):
    event, other = make_event(backends), make_event(backends)
    own = make_job(backends, event_id=event.id, **GAVE_UP)
    make_job(backends, jobs.DELIVER, event_id=event.id, **GAVE_UP)
    make_job(backends, event_id=other.id, **GAVE_UP)
    make_job(backends, **GAVE_UP)

    found = {
        role: ids(troubles.of_event(backends, event.id, Asked(), by=make_member(backends, event, role)))
        for role in MemberRole
    }

    assert found == {role: [own.id] for role in MemberRole}


class Odd_2(Exception):  # noqa: N801
    """A bug with a name of its own."""


@pytest.mark.parametrize("bug", [KeyError("secret"), ZeroDivisionError(), Odd_2("first\nsecond")])
def test_a_bug_is_told_to_who_can_edit_the_event_and_to_nobody_else(backends, bug):
    event = make_event(backends)
    job = make_job(backends, event_id=event.id)

    def broken(*_: object) -> None:
        raise bug

    jobs.run_next(backends, {job.kind: broken})

    written = f"{type(bug).__name__}: {bug}"
    told = {
        role: troubles.of_event(backends, event.id, Asked(), by=make_member(backends, event, role)).items[0]
        for role in MemberRole
    }
    expected = dict.fromkeys(MemberRole, troubles.OURS) | {MemberRole.CO_ORGANISER: written}
    assert {role: found.last_error for role, found in told.items()} == expected
    (known,) = troubles.listing(backends, Asked(), by=make_account(backends, Role.ADMIN)).items
    assert known.last_error == written


def test_a_refusal_is_told_to_everybody(backends):
    event = make_event(backends)
    job = make_job(backends, event_id=event.id)

    def refuse(*_: object) -> None:
        raise InvalidInput("This photo cannot be read.")

    jobs.run_next(backends, {job.kind: refuse})

    for role in MemberRole:
        (told,) = troubles.given_up(backends, event.id, by=make_member(backends, event, role))
        assert told.last_error == "This photo cannot be read."


def test_to_strangers_the_event_does_not_exist(backends):
    event = make_event(backends)

    for account in (None, make_account(backends, Role.ORGANISER)):
        for event_id in (event.id, 990_001):
            with pytest.raises(NoSuchEvent):
                troubles.of_event(backends, event_id, Asked(), by=account)


@pytest.mark.parametrize("role", [*(role for role in Role if role is not Role.ADMIN), None])
def test_only_admins_see_the_troubles_of_the_platform(backends, role):
    account = make_account(backends, role) if role else None

    with pytest.raises(Forbidden if account else SignInNeeded):
        troubles.listing(backends, Asked(), by=account)
