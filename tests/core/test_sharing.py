"""Share links: who gets in by them, until when, and never by guessing (T24, T25)."""

from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest
from sqlmodel import Session, select

from core import access, galleries, paging, photos, sharing
from core.errors import Forbidden, InvalidInput
from core.sharing import LinkClosed
from core.signing import Signer
from models.activity import Activity, ActivityKind
from models.event import Event, EventStatus, Gallery, Visibility
from models.sharing import ShareLink, VisitorAccess
from tests.makers import gallery_of, make_event, make_photo, make_viewer, owner_of


@pytest.fixture
def event(backends):
    return make_event(backends, visibility=Visibility.BY_LINK)


@pytest.fixture
def owner(backends, event):
    return owner_of(backends, event)


@pytest.fixture
def link(backends, event, owner) -> ShareLink:
    return sharing.create(backends, event.id, by=owner, label=" Poster ")


def token(backends, link: ShareLink) -> str:
    return sharing.address(backends, link).split("share=")[1]


def change(backends, table, key, **fields) -> None:
    with backends.transaction() as session:
        session.get_one(table, key).sqlmodel_update(fields)


def test_who_opens_a_link_sees_the_event_from_then_on(backends, event, link):
    photo, viewer = make_photo(backends, event), make_viewer()

    opened = sharing.open_link(backends, token(backends, link), by=viewer)

    assert opened.id == event.id
    assert photos.public(backends, event.id, by=viewer).photos == [photo]
    with pytest.raises(access.NoSuchEvent):
        photos.public(backends, event.id, by=make_viewer())


def test_opening_again_is_counted_once(backends, event, link):
    viewer = make_viewer()

    for _ in range(3):
        sharing.open_link(backends, token(backends, link), by=viewer)

    with backends.reading() as session:
        opened = session.exec(select(Activity).where(Activity.kind == ActivityKind.LINK_OPENED)).all()
    assert [(activity.event_id, activity.visitor_key) for activity in opened] == [
        (event.id, viewer.visitor_key)
    ]


def test_a_revoked_link_opens_nothing_and_ends_what_it_opened(backends, event, owner, link):
    viewer = make_viewer()
    sharing.open_link(backends, token(backends, link), by=viewer)

    sharing.revoke(backends, link.id, by=owner)

    with pytest.raises(LinkClosed):
        sharing.open_link(backends, token(backends, link), by=make_viewer())
    with pytest.raises(access.NoSuchEvent):
        photos.public(backends, event.id, by=viewer)


def test_another_link_still_opens_after_one_was_revoked(backends, event, owner, link):
    viewer, second = make_viewer(), sharing.create(backends, event.id, by=owner)
    for one in (link, second):
        sharing.open_link(backends, token(backends, one), by=viewer)

    sharing.revoke(backends, second.id, by=owner)

    assert photos.public(backends, event.id, by=viewer).total == 0


def test_an_expired_link_opens_nothing_and_ends_what_it_opened(backends, event, owner, monkeypatch):
    viewer = make_viewer()
    short = sharing.create(backends, event.id, by=owner, expires_at=backends.now() + timedelta(hours=1))
    sharing.open_link(backends, token(backends, short), by=viewer)

    change(backends, ShareLink, short.id, expires_at=backends.now() - timedelta(seconds=1))

    with pytest.raises(LinkClosed):
        sharing.open_link(backends, token(backends, short), by=make_viewer())
    with pytest.raises(access.NoSuchEvent):
        photos.public(backends, event.id, by=viewer)


@pytest.mark.parametrize("fields", [{"status": EventStatus.CLOSED}, {"status": EventStatus.DRAFT}])
def test_a_link_to_a_closed_event_opens_nothing(backends, event, link, fields):
    change(backends, Event, event.id, **fields)

    with pytest.raises(LinkClosed):
        sharing.open_link(backends, token(backends, link), by=make_viewer())


def test_a_guessed_or_borrowed_link_opens_nothing(backends, event, link):
    good, sign = token(backends, link), backends.signer.sign
    elsewhere = Signer("another secret of another installation")
    forged = [
        "",
        "guess",
        "x" * 5000,
        "รูป",
        good[:-1] + ("A" if good[-1] not in "ABCD" else "Z"),
        good[1:],
        good.split(".")[0] + ".",
        str(link.id),
        sign("img", link.id, link.nonce),
        sign("share", link.id),
        sign("share", link.id, "0" * 32),
        sign("share", 990_001, link.nonce),
        elsewhere.sign("share", link.id, link.nonce),
    ]

    for one in forged:
        with pytest.raises(LinkClosed):
            sharing.open_link(backends, one, by=make_viewer())

    with backends.reading() as session:
        assert session.exec(select(VisitorAccess)).all() == []


def test_browsers_without_cookies_do_not_let_each_other_in(backends, event, link):
    nobody = access.Viewer(visitor_key="")

    with pytest.raises(Forbidden, match="cookies"):
        sharing.open_link(backends, token(backends, link), by=nobody)
    with backends.transaction() as session:  # even if such a row were there
        session.add(VisitorAccess(visitor_key="", share_link_id=link.id))
    with pytest.raises(access.NoSuchEvent):
        photos.public(backends, event.id, by=nobody)


def test_a_link_to_a_gallery_shows_that_gallery_only(backends, event, owner):
    with backends.transaction() as session:
        finish = Gallery(event_id=event.id, name="Finish", position=1)
        session.add(finish)
    make_photo(backends, event)
    late, viewer = make_photo(backends, event, gallery_id=finish.id), make_viewer()
    link = sharing.create(backends, event.id, gallery_id=finish.id, by=owner)

    sharing.open_link(backends, token(backends, link), by=viewer)

    elsewhere = photos.public(backends, event.id, by=viewer, gallery_id=gallery_of(backends, event).id)
    assert photos.public(backends, event.id, by=viewer).photos == [late]
    assert elsewhere.total == 0
    with backends.reading() as session:
        scope = access.view(session, viewer, event.id)
    assert [gallery.id for gallery in galleries.visible(backends, scope)] == [finish.id]


def test_a_link_that_would_have_expired_already_is_not_made(backends, event, owner):
    with pytest.raises(InvalidInput, match="later day"):
        sharing.create(backends, event.id, by=owner, expires_at=backends.now())


def test_links_are_listed_newest_first_and_revoking_twice_keeps_the_first_time(backends, event, owner, link):
    second = sharing.create(backends, event.id, by=owner, label="x" * 100)

    sharing.revoke(backends, link.id, by=owner)
    first_time = sharing.of_event(backends, event.id, by=owner)[1].revoked_at
    sharing.revoke(backends, link.id, by=owner)

    listed = sharing.of_event(backends, event.id, by=owner)
    assert [(found.id, found.label) for found in listed] == [(second.id, "x" * 80), (link.id, "Poster")]
    assert listed[1].revoked_at == first_time is not None


def test_the_table_alone_opens_nothing(backends, link):
    address = sharing.address(backends, link)

    assert address.startswith(f"{backends.settings.public_url}/gallery?share=")
    assert len(link.nonce) == 32
    assert not address.endswith(link.nonce)


def test_a_phone_reads_the_address_from_the_qr_code(backends, link):
    address = sharing.address(backends, link)

    picture = cv2.imdecode(np.frombuffer(sharing.qr_png(address), np.uint8), cv2.IMREAD_GRAYSCALE)

    # OpenCV's other detector cannot read one in forty of all QR codes.
    read, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(picture)
    assert read == address
    assert picture.shape[0] >= 500


def test_links_come_page_by_page(backends, event, owner):
    made = [sharing.create(backends, event.id, by=owner).id for _ in range(3)]

    first = sharing.listing(backends, event.id, paging.Asked(2), by=owner)
    second = sharing.listing(backends, event.id, paging.Asked(2, first.next_cursor), by=owner)

    assert [link.id for link in (*first.items, *second.items)] == made[::-1]
    with pytest.raises(access.NoSuchEvent):
        sharing.listing(backends, event.id, paging.LONG, by=owner_of(backends, make_event(backends)))


def test_a_link_of_others_is_the_same_as_none(backends, event, link):
    stranger = owner_of(backends, make_event(backends))

    for link_id in (link.id, 999_999):
        with pytest.raises(sharing.NoSuchLink):
            sharing.revoke(backends, link_id, by=stranger)
        with pytest.raises(sharing.NoSuchLink):
            sharing.qr(backends, link_id, by=stranger)


def test_only_a_link_that_works_has_a_qr_code(backends, owner, link):
    png = sharing.qr(backends, link.id, by=owner)
    sharing.revoke(backends, link.id, by=owner)

    assert png == sharing.qr_png(sharing.address(backends, link))
    with pytest.raises(LinkClosed):
        sharing.qr(backends, link.id, by=owner)


@pytest.mark.parametrize("end", [datetime.min, datetime.max])
def test_an_end_beyond_the_calendar_is_refused(backends, event, owner, end):
    for offset in (-14, 0, 14):
        ends = end.replace(tzinfo=timezone(timedelta(hours=offset)))
        with pytest.raises(InvalidInput, match="year"):
            sharing.create(backends, event.id, by=owner, expires_at=ends)


def test_a_link_opened_by_two_calls_at_once_lets_in(backends, event, link, monkeypatch):
    viewer, get, unseen = make_viewer(), Session.get, [VisitorAccess]
    sharing.open_link(backends, token(backends, link), by=viewer)

    # The other call's row is not seen yet, as it is not where two transactions write side by side.
    def early(self, table, key, **more):
        return None if table in unseen and unseen.pop() else get(self, table, key, **more)

    monkeypatch.setattr(Session, "get", early)

    assert sharing.open_link(backends, token(backends, link), by=viewer).id == event.id

    assert unseen == []
    with backends.reading() as session:
        assert len(session.exec(select(VisitorAccess)).all()) == 1


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("abc.d-e_f", "abc.d-e_f"),
        (" abc.def ", "abc.def"),
        ("https://photos.example/gallery?share=abc.def", "abc.def"),
        ("http://localhost:8501/gallery?x=1&share=abc.def&y=2#top", "abc.def"),
        ("https://photos.example/gallery?event=run", "https://photos.example/gallery?event=run"),
        ("?share=", "?share="),
        ("", ""),
    ],
)
def test_a_token_is_read_from_an_address_or_is_one(given, read):
    assert sharing.token_of(given) == read
