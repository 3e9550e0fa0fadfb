"""Admins see which face engine is on, what it can do, and move events to a better one."""

import pytest
from streamlit.testing.v1 import AppTest

from core import reindex, weights
from core.engines import ENGINES, LIGHT
from models.account import Role
from models.job import Job, JobKind, JobStatus
from tests.browser import press
from tests.core.test_ingest import all_of
from tests.makers import make_account, make_event, make_jpeg, owner_of, upload

PAGE = "admin/faces.py"


@pytest.fixture
def admin(backends, browser):
    account = make_account(backends, Role.ADMIN)
    browser.sign_in(backends, account)
    return account


@pytest.fixture
def light_is_here(monkeypatch) -> None:
    """Its files need not be."""
    monkeypatch.setattr(weights, "file_state", lambda *_: weights.FileState.PRESENT)


@pytest.fixture
def event(backends, work):
    event = make_event(backends, name="Hill run")
    for seed, person in enumerate(("anna", "ben")):
        upload(backends, event, make_jpeg(person, seed=seed), by=owner_of(backends, event))
    work()
    return event


def text(page: AppTest) -> str:
    """All that the page says."""
    assert not page.exception
    blocks = (block.proto.body for block in page.get("html"))
    spoken = (
        element.value for element in (*page.markdown, *page.caption, *page.info, *page.warning, *page.code)
    )
    return "\n".join((*blocks, *spoken, *bars(page)))


def bars(page: AppTest) -> list[str]:
    return [bar.proto.text for bar in page.get("progress")]


def choose(page: AppTest, event, engine: str) -> AppTest:
    page.selectbox[0].select(event.id).run()
    return page.selectbox[1].select(engine).run()


def test_every_engine_is_described_with_its_licence_and_how_to_get_it(backends, browser, admin):
    said = text(browser.open(PAGE)).replace("\\", "")

    for spec in ENGINES.values():
        assert f"{spec.detector} + {spec.recogniser}" in said
        assert spec.licence in said
        assert spec.limits in said
    for spec in ENGINES.values():
        assert (f"python -m core faces install {spec.name}\n" in said + "\n") == bool(spec.downloads)
    assert "New events are indexed with **bundled**" in said


def test_the_bundled_engine_comes_with_a_better_recommendation(backends, browser, admin):
    with_bundled = browser.open(PAGE)
    backends.settings.face_engine = "light"
    with_light = browser.open(PAGE)

    (advice,) = [info.value for info in with_bundled.info]
    assert "Install it" in advice
    assert "ENCORE_FACE_ENGINE=light" in advice.replace("\\", "")
    assert LIGHT.licence in advice.replace("\\", "")
    assert len(with_light.info) == 0


def test_an_admin_is_asked_before_an_event_moves(backends, browser, admin, event, light_is_here):
    page = browser.open(PAGE)
    before = [button.disabled for button in page.button if button.label == "Re-index"]

    asked = text(press(choose(page, event, "light"), "Re-index"))

    assert before == [True]
    assert "The 2 photos of **Hill run** are looked at again with **light**" in asked
    assert "trained on MS" in asked
    assert reindex.progress(backends, event.id, by=admin).building is None


def test_only_engines_that_are_here_can_be_chosen(backends, browser, admin, event):
    page = browser.open(PAGE)

    assert page.selectbox[1].options == ["bundled · MTCNN + dlib ResNet-29"]


def test_how_far_an_event_is_is_shown_until_it_has_moved(backends, browser, admin, event, work):
    reindex.start(backends, event.id, "light", by=admin)

    moving = bars(browser.open(PAGE))
    work()
    moved = browser.open(PAGE)

    assert moving == ["Faces: bundled serves, 0 of 2 photos are re-indexed with light"]
    assert bars(moved) == []
    assert moved.dataframe[0].value.to_dict("records") == [
        {"Event": "Hill run", "Engine": "light", "Photos": 2}
    ]


def test_a_photo_that_failed_is_told_and_the_change_can_be_cancelled(backends, browser, admin, event, work):
    reindex.start(backends, event.id, "light", by=admin)
    with backends.transaction() as session:
        job = next(job for job in all_of(backends, Job) if job.kind is JobKind.REINDEX_PHOTO)
        session.get_one(Job, job.id).status = JobStatus.FAILED

    page = browser.open(PAGE)
    told = bars(page)
    page = press(page, "Cancel")
    work()

    assert told == ["Faces: bundled serves, 0 of 2 photos are re-indexed with light, 1 failed"]
    assert bars(page) == []
    assert reindex.progress(backends, event.id, by=admin) == reindex.Progress("bundled", None, 2, 2, 0)


def test_an_event_whose_engine_is_not_here_is_told(backends, browser, admin, event):
    backends.pixels.missing.add("bundled")

    page = browser.open(PAGE)

    assert [warning.value for warning in page.warning] == [
        "Hill run: The face engine bundled has no weights here."
    ]


def test_an_event_that_cannot_move_on_for_want_of_its_next_engine_is_told_under_its_bar(
    backends, browser, admin, event, light_is_here, monkeypatch
):
    reindex.start(backends, event.id, "light", by=admin)
    before = [warning.value for warning in browser.open(PAGE).warning]
    is_gone = {"MobileFaceNet.onnx": weights.FileState.MISSING}
    monkeypatch.setattr(
        weights, "file_state", lambda file, _: is_gone.get(file.name, weights.FileState.PRESENT)
    )

    page = browser.open(PAGE)

    assert before == []
    assert bars(page) == ["Faces: bundled serves, 0 of 2 photos are re-indexed with light"]
    assert [warning.value for warning in page.warning] == [
        'Hill run: The face engine "light" cannot be used: MobileFaceNet.onnx is not installed. '
        "To mend it: python -m core faces install light"
    ]


@pytest.mark.parametrize(
    ("usual", "words"),
    [
        ("arcface", 'There is no face engine called "arcface".'),
        ("light", 'The face engine "light" cannot be used: MobileFaceNet.onnx is not installed.'),
    ],
)
def test_a_setting_that_names_no_engine_that_is_here_is_an_error(backends, browser, admin, usual, words):
    right = browser.open(PAGE)
    backends.settings.face_engine = usual

    wrong = browser.open(PAGE)

    assert len(right.error) == 0
    (error,) = [error.value for error in wrong.error]
    assert error.startswith(words)


def test_those_who_work_on_an_event_see_its_engine(backends, browser, admin, event):
    owner = owner_of(backends, event)
    browser.sign_in(backends, owner)
    before = text(browser.open("organiser/event.py", id=str(event.id)))
    reindex.start(backends, event.id, "light", by=admin)
    during = bars(browser.open("organiser/event.py", id=str(event.id)))

    assert "Faces: searched with the engine bundled" in before
    assert during == ["Faces: bundled serves, 0 of 2 photos are re-indexed with light"]
