"""Work lands in the event that was chosen, and in no other."""

import pytest

from core import jobs, troubles
from models.account import Role
from models.event import MemberRole
from models.job import JobKind, JobStatus
from models.photo import Review
from tests.browser import refusal
from tests.makers import add_member, make_account, make_event, make_photo


@pytest.fixture
def photographer(backends, browser):
    account = make_account(backends, Role.PHOTOGRAPHER)
    browser.sign_in(backends, account)
    return account


def test_an_address_that_names_a_strangers_event_opens_no_other(backends, browser, photographer):
    mine, strange = make_event(backends), make_event(backends)
    add_member(backends, mine, photographer, MemberRole.PHOTOGRAPHER)

    page = browser.open("photographer/upload.py", id=str(strange.id))

    assert refusal(page).startswith("There is no such event")
    assert not page.selectbox


def test_the_event_of_the_address_is_the_one_worked_on(backends, browser, photographer):
    for event in (first := make_event(backends), make_event(backends)):
        add_member(backends, event, photographer, MemberRole.PHOTOGRAPHER)

    page = browser.open("photographer/upload.py", id=str(first.id))

    assert page.selectbox[0].value == str(first.id)


def test_who_has_no_event_is_told_whom_to_ask(backends, browser, photographer):
    page = browser.open("photographer/upload.py")

    assert photographer.email in "".join(block.proto.body for block in page.get("html"))


def test_verdicts_are_taken_back_in_their_own_event_only(backends, browser):
    organiser = make_account(backends, Role.ORGANISER)
    browser.sign_in(backends, organiser)
    here, there = make_event(backends, organiser), make_event(backends, organiser)
    photo = make_photo(backends, here, review=Review.APPROVED)
    page = browser.open("organiser/review.py", id=str(here.id))
    page.session_state["verdicts_before"] = (str(here.id), {photo.id: Review.PENDING})

    page.run()
    offered = [button.label for button in page.button]
    page.selectbox[0].select(str(there.id)).run()

    assert "Undo" in offered
    assert "Undo" not in [button.label for button in page.button]


def test_a_photographer_reads_why_a_photo_was_refused_but_no_bug(backends, browser, photographer):
    event = make_event(backends)
    add_member(backends, event, photographer, MemberRole.PHOTOGRAPHER)
    reasons = {"bad.jpg": "This photo cannot be read.", "odd.jpg": "IntegrityError: INSERT INTO account"}
    for filename, reason in reasons.items():
        photo = make_photo(backends, event, filename=filename)
        with backends.transaction() as session:
            job = jobs.enqueue(session, JobKind.RENDER_PHOTO, photo.id, event_id=event.id)
            job.status, job.last_error = JobStatus.FAILED, reason

    page = browser.open("photographer/upload.py", id=str(event.id))

    told = {warning.value.replace("\\", "") for warning in page.warning}
    assert told == {"bad.jpg: This photo cannot be read.", f"odd.jpg: {troubles.OURS}"}
