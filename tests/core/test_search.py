"""A selfie finds its owner's photos: with consent, within what may be seen, and leaving no trace."""

import numpy as np
import pytest
from sqlmodel import select

from core import consent, indexes, photos, results, search, selfies, sharing
from core.errors import InvalidInput, Unavailable
from models.activity import Activity, ActivityKind
from models.consent import Purpose
from models.event import Gallery, Visibility
from models.photo import Photo, Review, Stage
from tests.fake_pixels import FakePixels, embedding, found
from tests.makers import (
    approve,
    make_event,
    make_jpeg,
    make_viewer,
    owner_of,
    upload,
)


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def viewer():
    return make_viewer()


def shoot(backends, event, *people: str, seed: int = 0, **fields) -> Photo:
    """A photo of these people, approved and waiting for the pipeline."""
    photo = upload(backends, event, make_jpeg(*people, seed=seed), by=owner_of(backends, event))
    approve(backends, photo)
    with backends.transaction() as session:
        session.get_one(Photo, photo.id).sqlmodel_update(fields)
    return photo


def ask(backends, event, viewer, *who: str, receipt=None, selfie: bytes | None = None) -> results.Found:
    """Search with a selfie of these people, having agreed to it."""
    receipt = receipt or consent.give(backends, event.id, Purpose.SEARCH, by=viewer)
    selfie = make_jpeg(*who, size=(640, 480)) if selfie is None else selfie
    return search.by_selfies(backends, event.id, [selfie], receipt_id=receipt.id, by=viewer)


def ids(hits) -> set:
    return {hit.photo.id for hit in hits}


def searches(backends) -> list[dict]:
    with backends.reading() as session:
        query = select(Activity).where(Activity.kind == ActivityKind.SEARCH).order_by(Activity.id)
        return [activity.numbers for activity in session.exec(query)]


def test_a_selfie_finds_exactly_its_owners_photos(backends, event, viewer, work):
    mine = [shoot(backends, event, "anna", seed=1), shoot(backends, event, "ben", "anna", seed=2)]
    shoot(backends, event, "ben", seed=3)
    work()

    result = ask(backends, event, viewer, "anna")

    assert ids(result.sure) == {photo.id for photo in mine}
    assert result.maybe == []
    assert result.searched_photos == 3
    assert all(hit.certainty == pytest.approx(1, abs=1e-5) for hit in result.sure)


def test_an_event_without_photos_finds_nothing_kindly(backends, event, viewer):
    result = ask(backends, event, viewer, "anna")

    assert result == results.Found([], [], 0)


# --- selfies that do not do ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "refusal", "sentence"),
    [
        ((), selfies.NoFace, "more light"),
        (("anna", "ben"), selfies.SeveralFaces, "only yourself"),
        (("anna:small",), selfies.FaceTooSmall, "closer"),
        (("anna:blurred",), selfies.FaceTooBlurred, "Hold still"),
    ],
)
def test_a_selfie_that_does_not_do_is_refused_kindly_and_counted(
    backends, event, viewer, who, refusal, sentence
):
    with pytest.raises(refusal, match=sentence):
        ask(backends, event, viewer, *who)

    assert searches(backends) == [{f"refused_{refusal.__name__}": 1}]


def test_somebody_small_in_the_background_is_no_second_person(backends, event, viewer, work):
    photo = shoot(backends, event, "anna")
    work()

    result = ask(backends, event, viewer, "anna", "ben:small")

    assert ids(result.sure) == {photo.id}


@pytest.mark.parametrize("selfie", [b"", b"no picture", make_jpeg("anna")[:300]])
def test_what_is_no_picture_is_refused(backends, event, viewer, selfie):
    with pytest.raises(InvalidInput):
        ask(backends, event, viewer, selfie=selfie)


# --- whose photos --------------------------------------------------------------------------


@pytest.mark.parametrize("review", [Review.PENDING, Review.REJECTED])
def test_only_public_photos_are_found_or_counted(backends, event, viewer, work, review):
    shown = shoot(backends, event, "anna", seed=1)
    hidden = shoot(backends, event, "anna", seed=2, review=review)
    removed = shoot(backends, event, "anna", seed=3)
    work()
    photos.delete(backends, [removed.id], by=owner_of(backends, event))
    with backends.reading() as session:
        assert session.get_one(Photo, hidden.id).stage is Stage.INDEXED

    result = ask(backends, event, viewer, "anna")

    assert (ids(result.sure), result.searched_photos) == ({shown.id}, 1)


def test_a_verdict_acts_on_the_next_search(backends, event, viewer, work):
    photo, owner = shoot(backends, event, "anna"), owner_of(backends, event)
    work()

    found_first = ids(ask(backends, event, viewer, "anna").sure)
    photos.review(backends, [photo.id], Review.REJECTED, by=owner)
    found_then = ids(ask(backends, event, viewer, "anna").sure)

    assert (found_first, found_then) == ({photo.id}, set())


def test_faces_of_another_event_are_never_found(backends, event, viewer, work):
    elsewhere = make_event(backends)
    shoot(backends, elsewhere, "anna", seed=1)
    here = shoot(backends, event, "anna", seed=2)
    work()

    assert ids(ask(backends, event, viewer, "anna").sure) == {here.id}


def test_a_link_to_a_gallery_finds_only_in_that_gallery(backends, viewer, work):
    event = make_event(backends, visibility=Visibility.BY_LINK)
    owner = owner_of(backends, event)
    with backends.transaction() as session:
        finish = Gallery(event_id=event.id, name="Finish", position=1)
        session.add(finish)
    shoot(backends, event, "anna", seed=1)
    late = shoot(backends, event, "anna", seed=2, gallery_id=finish.id)
    work()
    link = sharing.create(backends, event.id, gallery_id=finish.id, by=owner)
    sharing.open_link(backends, sharing.address(backends, link).split("share=")[1], by=viewer)

    result = ask(backends, event, viewer, "anna")

    assert (ids(result.sure), result.searched_photos) == ({late.id}, 1)


def test_people_who_look_alike_are_shown_apart_from_the_sure(backends, event, viewer, work, monkeypatch):
    shoot(backends, event, "anna")
    work()
    anna, other = embedding("anna"), embedding("ben")
    across = other - (other @ anna) * anna
    across /= np.linalg.norm(across)
    alike = {
        cosine: (cosine * anna + np.sqrt(1 - cosine**2) * across).astype(np.float32) for cosine in (0.95, 0.9)
    }

    def looking_like(cosine: float) -> results.Found:
        face = found("anna")
        object.__setattr__(face, "embedding", alike[cosine])
        monkeypatch.setattr(backends.pixels, "selfie", lambda *_: [face])
        return ask(backends, event, viewer, "anna")

    near, far = looking_like(0.95), looking_like(0.9)

    assert [len(near.sure), len(near.maybe), len(far.sure), len(far.maybe)] == [0, 1, 0, 0]


# --- refusals and traces -------------------------------------------------------------------


def test_another_engines_faces_are_not_compared(backends, event, viewer, work):
    shoot(backends, event, "anna")
    work()
    backends.pixels = FakePixels("f" * 64)

    with pytest.raises(indexes.SearchAway, match="all photos"):
        ask(backends, event, viewer, "anna")


def test_search_says_so_while_the_vectors_are_away(backends, event, viewer, work):
    shoot(backends, event, "anna")
    work()
    backends.vectors.is_down = True

    with pytest.raises(Unavailable, match="Try again in a few seconds"):
        ask(backends, event, viewer, "anna")
