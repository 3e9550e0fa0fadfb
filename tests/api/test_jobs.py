"""Work that is in trouble, over HTTP: seen by admins and members, tried again by who may."""

import pytest

from core import jobs, troubles
from models.account import Role
from models.event import MemberRole
from models.job import Job, JobKind, JobStatus
from tests.makers import make_account, make_event, make_member, some_id


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def admin(backends, bearer):
    return bearer(make_account(backends, Role.ADMIN))


def make_job(backends, event=None, kind: JobKind = JobKind.RENDER_PHOTO, **fields) -> Job:
    """A job that gave up."""
    values = {"status": JobStatus.FAILED, "last_error": "It went wrong.", "attempts": 8}
    with backends.transaction() as session:
        job = jobs.enqueue(session, kind, some_id(), event_id=event.id if event else None)
        job.sqlmodel_update(values | fields)
    return job


def ids(answer) -> list[int]:
    return [job["id"] for job in answer.json()["items"]]


def test_admins_list_all_trouble_newest_first(backends, api, admin, event):
    make_job(backends, status=JobStatus.DONE, last_error=None)
    first, second, third = make_job(backends), make_job(backends, event), make_job(backends)

    page = api.get("/jobs?limit=2", headers=admin)
    rest = api.get(f"/jobs?limit=2&cursor={page.json()['next_cursor']}", headers=admin)

    assert (ids(page), ids(rest)) == ([third.id, second.id], [first.id])
    assert rest.json()["next_cursor"] is None


def test_a_job_is_told_with_its_reason(backends, api, admin, event):
    job = make_job(backends, event)

    (found,) = api.get("/jobs", headers=admin).json()["items"]

    times = {name: found.pop(name) for name in ("created_at", "run_at", "finished_at")}
    assert found == {
        "id": job.id,
        "kind": "render_photo",
        "subject": job.subject,
        "event_id": event.id,
        "status": "failed",
        "attempts": 8,
        "last_error": "It went wrong.",
    }
    assert (times["created_at"].endswith("Z"), times["finished_at"]) == (True, None)


def test_jobs_are_filtered_by_kind_and_status(backends, api, admin, event):
    render = make_job(backends, event)
    again = make_job(backends, event, JobKind.INDEX_FACES, status=JobStatus.DUE)

    for path in ("/jobs", f"/events/{event.id}/jobs"):
        assert ids(api.get(path, params={"kind": "index_faces"}, headers=admin)) == [again.id]
        assert ids(api.get(path, params={"status": "failed"}, headers=admin)) == [render.id]
        assert ids(api.get(path, params={"kind": "render_photo", "status": "due"}, headers=admin)) == []
        assert api.get(path, params={"kind": "no_such_kind"}, headers=admin).status_code == 422


@pytest.mark.parametrize("role", MemberRole)
def test_members_see_the_trouble_of_their_event(backends, api, bearer, event, role):
    job = make_job(backends, event)
    make_job(backends, make_event(backends))

    answer = api.get(f"/events/{event.id}/jobs", headers=bearer(make_member(backends, event, role)))

    assert ids(answer) == [job.id]


@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR])
def test_who_cannot_edit_the_event_is_told_no_bug(backends, api, bearer, event, role):
    make_job(backends, event, last_error="IntegrityError: INSERT INTO account VALUES ('ada@example.org')")
    headers = bearer(make_member(backends, event, role))

    (told,) = api.get(f"/events/{event.id}/jobs", headers=headers).json()["items"]

    assert told["last_error"] == "Something went wrong on our side. An admin can see the reason."


def test_a_photographer_who_tries_again_is_told_no_bug(backends, api, bearer, event):
    job = make_job(backends, event, last_error="KeyError: 'secret'")
    headers = bearer(make_member(backends, event, MemberRole.PHOTOGRAPHER))

    answer = api.post(f"/jobs/{job.id}/retry", headers=headers)

    assert (answer.status_code, answer.json()["last_error"]) == (202, troubles.OURS)


@pytest.mark.parametrize("role", [MemberRole.CO_ORGANISER, MemberRole.PHOTOGRAPHER])
def test_who_may_upload_tries_a_job_again(backends, api, bearer, event, role):
    job = make_job(backends, event)

    answer = api.post(f"/jobs/{job.id}/retry", headers=bearer(make_member(backends, event, role)))

    assert answer.status_code == 202
    assert (answer.json()["id"], answer.json()["status"], answer.json()["attempts"]) == (job.id, "due", 0)
    assert jobs.claim(backends).id == job.id


def test_a_job_that_did_not_give_up_is_left_as_it_is(backends, api, admin):
    job = make_job(backends, status=JobStatus.DONE, last_error=None)

    answer = api.post(f"/jobs/{job.id}/retry", headers=admin)

    assert (answer.status_code, answer.json()["status"]) == (202, "done")


@pytest.mark.parametrize("role", [MemberRole.ANALYST, MemberRole.DOOR])
def test_other_members_may_not_try_again(backends, api, bearer, event, role):
    job = make_job(backends, event)

    answer = api.post(f"/jobs/{job.id}/retry", headers=bearer(make_member(backends, event, role)))

    assert answer.status_code == 403


def test_an_unknown_job_and_one_of_somebody_else_look_the_same(backends, api, bearer, event):
    others = [make_job(backends, event).id, make_job(backends).id, 990_001]
    make_event(backends, organiser := make_account(backends, Role.ORGANISER))

    refusals = {
        (answer.status_code, answer.json()["error"], answer.json()["message"])
        for account in (organiser, make_account(backends))
        for headers in [bearer(account)]
        for job_id in others
        for answer in [api.post(f"/jobs/{job_id}/retry", headers=headers)]
    }

    assert refusals == {(404, "NoSuchJob", "There is no such job.")}


def test_to_strangers_there_is_no_such_event(backends, api, bearer, event):
    headers = bearer(make_account(backends, Role.ORGANISER))

    for event_id in (event.id, 990_001):
        answer = api.get(f"/events/{event_id}/jobs", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (404, "NoSuchEvent")


def test_only_admins_see_the_jobs_of_the_platform(backends, api, bearer):
    others = [bearer(make_account(backends, role)) for role in Role if role is not Role.ADMIN]

    assert {api.get("/jobs", headers=headers).status_code for headers in others} == {403}


def test_without_an_account_there_are_no_jobs(backends, api, visitor, event):
    job = make_job(backends, event)

    for headers in ({}, visitor):
        answers = [
            api.get("/jobs", headers=headers),
            api.get(f"/events/{event.id}/jobs", headers=headers),
            api.post(f"/jobs/{job.id}/retry", headers=headers),
        ]
        assert {answer.status_code for answer in answers} == {401}


@pytest.mark.parametrize("number", ["0", "-1", str(2**31), str(10**40), "one", "1.5"])
def test_what_is_no_number_of_a_job_is_refused(api, admin, number):
    assert api.post(f"/jobs/{number}/retry", headers=admin).status_code == 422
