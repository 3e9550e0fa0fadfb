"""The sets of an event's photos."""

import pytest
from sqlmodel import select

from core import access, galleries, sharing
from core.access import Scope
from core.errors import Conflict, InvalidInput
from models.event import Gallery, Visibility
from models.sharing import ShareLink, VisitorAccess
from tests.makers import gallery_of, make_event, make_photo, make_viewer, owner_of


@pytest.fixture
def event(backends):
    return make_event(backends, visibility=Visibility.BY_LINK)


@pytest.fixture
def owner(backends, event):
    return owner_of(backends, event)


def names(backends, event, owner) -> list[str]:
    return [gallery.name for gallery in galleries.listing(backends, event.id, by=owner)]


def test_galleries_come_in_the_order_they_were_added(backends, event, owner):
    galleries.add(backends, event.id, " Start ", by=owner)
    galleries.add(backends, event.id, "Finish", by=owner)

    assert names(backends, event, owner) == ["All photos", "Start", "Finish"]


def test_two_galleries_of_one_event_have_two_names(backends, event, owner):
    start = galleries.add(backends, event.id, "Start", by=owner)
    other = make_event(backends, owner)

    with pytest.raises(Conflict, match="already"):
        galleries.add(backends, event.id, "Start", by=owner)
    with pytest.raises(Conflict, match="already"):
        galleries.rename(backends, start.id, "All photos", by=owner)

    assert galleries.add(backends, other.id, "Start", by=owner).name == "Start"
    assert names(backends, event, owner) == ["All photos", "Start"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_gallery_has_a_name_that_fits(backends, event, owner, name):
    with pytest.raises(InvalidInput):
        galleries.add(backends, event.id, name, by=owner)
    with pytest.raises(InvalidInput):
        galleries.rename(backends, gallery_of(backends, event).id, name, by=owner)


def test_a_gallery_is_renamed(backends, event, owner):
    galleries.rename(backends, gallery_of(backends, event).id, " Everything ", by=owner)

    assert names(backends, event, owner) == ["Everything"]


def test_a_gallery_with_photos_and_the_last_one_stay(backends, event, owner):
    only = gallery_of(backends, event)
    with pytest.raises(Conflict, match="at least one"):
        galleries.remove(backends, only.id, by=owner)
    make_photo(backends, event)
    galleries.add(backends, event.id, "Start", by=owner)

    with pytest.raises(Conflict, match="has photos"):
        galleries.remove(backends, only.id, by=owner)

    assert names(backends, event, owner) == ["All photos", "Start"]


def test_an_empty_gallery_goes_with_the_links_to_it(backends, event, owner):
    start, viewer = galleries.add(backends, event.id, "Start", by=owner), make_viewer()
    link = sharing.create(backends, event.id, gallery_id=start.id, by=owner)
    kept = sharing.create(backends, event.id, by=owner)
    token = sharing.address(backends, link).split("share=")[1]
    sharing.open_link(backends, token, by=viewer)

    galleries.remove(backends, start.id, by=owner)

    with pytest.raises(sharing.LinkClosed):
        sharing.open_link(backends, token, by=viewer)
    with backends.reading() as session:
        assert session.exec(select(Gallery.name)).all() == ["All photos"]
        assert session.exec(select(ShareLink.id)).all() == [kept.id]
        assert session.exec(select(VisitorAccess)).all() == []
        with pytest.raises(access.NoSuchEvent):
            access.view(session, viewer, event.id)


def test_a_viewer_sees_the_galleries_of_the_scope(backends, event, owner):
    start = galleries.add(backends, event.id, "Start", by=owner)

    link = sharing.create(backends, event.id, gallery_id=start.id, by=owner)

    every, some = (galleries.visible(backends, scope) for scope in (Scope(event), Scope(event, (link,))))

    assert [gallery.name for gallery in every] == ["All photos", "Start"]
    assert [gallery.id for gallery in some] == [start.id]


def test_a_viewer_is_shown_the_galleries_of_what_they_opened(backends, event, owner):
    start, viewer = galleries.add(backends, event.id, "Start", by=owner), make_viewer()
    link = sharing.create(backends, event.id, gallery_id=start.id, by=owner)
    sharing.open_link(backends, sharing.address(backends, link).split("share=")[1], by=viewer)

    assert [gallery.id for gallery in galleries.seen(backends, event.id, by=viewer)] == [start.id]
    assert len(galleries.seen(backends, event.id, by=make_viewer(owner))) == 2
    with pytest.raises(access.NoSuchEvent):
        galleries.seen(backends, event.id, by=make_viewer())


def test_a_photo_that_comes_while_its_gallery_is_removed_keeps_it(backends, event, owner, monkeypatch):
    make_photo(backends, event)
    monkeypatch.setattr(galleries, "_take_away", lambda session, gallery: session.delete(gallery))

    with pytest.raises(Conflict, match="just now"):
        galleries.remove(backends, gallery_of(backends, event).id, by=owner)

    assert names(backends, event, owner) == ["All photos"]


def test_a_gallery_of_others_is_the_same_as_none(backends, event):
    stranger = owner_of(backends, make_event(backends))

    for gallery_id in (gallery_of(backends, event).id, 999_999):
        with pytest.raises(galleries.NoSuchGallery):
            galleries.rename(backends, gallery_id, "Mine", by=stranger)
        with pytest.raises(galleries.NoSuchGallery):
            galleries.remove(backends, gallery_id, by=stranger)
