"""Signed addresses of pictures: stable for hours, and worth what their right is worth now (T24-T26)."""

from datetime import UTC, datetime, timedelta

import pytest

from core import access, carts, checkouts, members, payments, photos, renditions, sharing
from core.errors import NotFound
from core.gateway import PaymentState
from core.renditions import NoSuchPicture
from models.account import Account, Role
from models.event import Event, EventStatus, Gallery, MemberRole, Visibility
from models.order import Order, OrderStatus
from models.photo import Photo, Review, Stage
from models.sharing import ShareLink
from tests.makers import make_account, make_event, make_member, make_photo, make_viewer, owner_of


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def photo(backends, event) -> Photo:
    return make_photo(backends, event)


def token(backends, photo: Photo, grant: str, name: str = "300") -> str:
    return renditions.url(backends, photo.id, name, grant).removeprefix("/img/")


def opens(backends, token: str, *, by: Account | None = None) -> bool:
    try:
        with renditions.open_signed(backends, token, by=by).content as content:
            return len(content.read()) > 0
    except NoSuchPicture:
        return False


def change(backends, table, key, **fields) -> None:
    with backends.transaction() as session:
        session.get_one(table, key).sqlmodel_update(fields)


def test_a_public_picture_opens(backends, photo):
    picture = renditions.open_signed(backends, token(backends, photo, "listed"), by=None)

    with picture.content as content:
        assert len(content.read()) == picture.length == photo.byte_size
    assert picture.tag == f'"{photo.sha256[:16]}-300"'


def test_an_address_is_the_same_for_hours_and_lives_for_half_a_day_at_least(backends, photo):
    start = datetime(2026, 10, 17, 12, 0, tzinfo=UTC)
    times = [start, start + timedelta(hours=11, minutes=59), start + timedelta(hours=12)]
    made = []
    for at in times:
        backends.now = lambda at=at: at
        made.append(token(backends, photo, "listed"))

    backends.now = lambda: start + timedelta(hours=23, minutes=59)
    still = opens(backends, made[0])
    backends.now = lambda: start + timedelta(hours=24, seconds=1)
    late = opens(backends, made[0])

    assert made[0] == made[1] != made[2]
    assert (still, late) == (True, False)


def test_a_changed_or_borrowed_address_opens_nothing(backends, event, photo):
    good = token(backends, photo, "listed")
    expires = int(backends.now().timestamp()) + 60
    body, signature = good.rsplit(".", 1)
    forged = [
        "",
        "x",
        body,
        f"{body}.{signature[::-1]}",
        good[1:],
        good.upper(),
        f"{token(backends, make_photo(backends, event), 'listed').rsplit('.', 1)[0]}.{signature}",
        backends.signer.sign("share", photo.id.hex, "300", "listed", expires),
        backends.signer.sign("img", photo.id.hex, "300", "listed"),
        backends.signer.sign("img", photo.id.hex, "300", "listed", 0),
        backends.signer.sign("img", photo.id.hex, "300", "everybody", expires),
    ]

    assert opens(backends, good)
    assert [opens(backends, one) for one in forged] == [False] * len(forged)


@pytest.mark.parametrize(
    "fields",
    [
        {"review": Review.REJECTED},
        {"review": Review.PENDING},
        {"stage": Stage.RENDERED},
        {"removed_at": datetime(2026, 10, 18, tzinfo=UTC)},
    ],
)
def test_a_visitors_address_dies_with_the_photos_publicity(backends, photo, fields):
    address = token(backends, photo, "listed")
    before = opens(backends, address)

    change(backends, Photo, photo.id, **fields)

    assert (before, opens(backends, address)) == (True, False)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": EventStatus.CLOSED},
        {"status": EventStatus.DRAFT},
        {"visibility": Visibility.BY_LINK},
        {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_visitors_address_dies_with_the_events_openness(backends, event, photo, fields):
    address = token(backends, photo, "listed")

    change(backends, Event, event.id, **fields)

    assert not opens(backends, address)


# --- links ---------------------------------------------------------------------------------


def shared(backends, event, photo, **fields) -> tuple[ShareLink, str]:
    """A link, and the address of the picture by its right, as a visitor gets it."""
    change(backends, Event, event.id, visibility=Visibility.BY_LINK)
    link, viewer = sharing.create(backends, event.id, by=owner_of(backends, event), **fields), make_viewer()
    sharing.open_link(backends, sharing.address(backends, link).split("share=")[1], by=viewer)
    with backends.reading() as session:
        scope = access.view(session, viewer, event.id)
    return link, token(backends, photo, renditions.grant_for(scope, viewer, photo))


def test_an_address_by_a_link_dies_with_the_link(backends, event, photo):
    link, address = shared(backends, event, photo)
    before = opens(backends, address)

    sharing.revoke(backends, link.id, by=owner_of(backends, event))

    assert (before, opens(backends, address)) == (True, False)


def test_an_address_by_a_link_dies_when_the_link_expires(backends, event, photo):
    link, address = shared(backends, event, photo)

    change(backends, ShareLink, link.id, expires_at=backends.now() - timedelta(seconds=1))

    assert not opens(backends, address)


def test_a_link_to_one_gallery_opens_no_other_gallerys_pictures(backends, event, photo):
    with backends.transaction() as session:
        finish = Gallery(event_id=event.id, name="Finish", position=1)
        session.add(finish)
    late = make_photo(backends, event, gallery_id=finish.id)
    link, address = shared(backends, event, late, gallery_id=finish.id)

    assert opens(backends, address)
    assert not opens(backends, token(backends, photo, f"share:{link.id}"))


def test_each_picture_of_two_opened_galleries_has_the_right_of_its_own_link(backends, event, photo):
    with backends.transaction() as session:
        finish = Gallery(event_id=event.id, name="Finish", position=1)
        session.add(finish)
    late = make_photo(backends, event, gallery_id=finish.id)
    links = [shared(backends, event, one, gallery_id=one.gallery_id)[0] for one in (photo, late)]

    grants = [
        renditions.grant_for(access.Scope(event, tuple(links)), make_viewer(), one) for one in (photo, late)
    ]

    assert grants == [f"share:{link.id}" for link in links]
    assert all(
        opens(backends, token(backends, one, grant)) for one, grant in zip((photo, late), grants, strict=True)
    )


def test_a_link_opens_no_other_events_pictures(backends, event, photo):
    link, _ = shared(backends, event, photo)
    other = make_photo(backends, make_event(backends))

    assert not opens(backends, token(backends, other, f"share:{link.id}"))


# --- members and buyers --------------------------------------------------------------------


def test_members_see_photos_in_any_state(backends, event):
    waiting = make_photo(backends, event, review=Review.PENDING, stage=Stage.RENDERED)
    member = make_member(backends, event, MemberRole.PHOTOGRAPHER)

    def sees(account: Account | None) -> bool:
        return opens(backends, token(backends, waiting, renditions.member_grant(account)), by=account)

    assert sees(member)
    assert sees(make_account(backends, Role.ADMIN))
    assert not sees(make_account(backends))
    assert not sees(None)


def test_a_members_address_works_for_that_member_alone_and_only_signed_in(backends, event, photo):
    member, colleague = (make_member(backends, event, MemberRole.ANALYST) for _ in range(2))
    address = token(backends, photo, renditions.member_grant(member))

    works = [
        opens(backends, address, by=account)
        for account in (member, colleague, owner_of(backends, event), None)
    ]

    assert works == [True, False, False, False]


def test_a_members_address_dies_with_the_account(backends, event, photo):
    member = make_member(backends, event, MemberRole.ANALYST)
    address = token(backends, photo, renditions.member_grant(member))
    before = opens(backends, address, by=member)

    change(backends, Account, member.id, is_active=False)
    with backends.reading() as session:
        disabled = session.get_one(Account, member.id)

    assert (before, opens(backends, address, by=disabled)) == (True, False)


def test_a_members_address_dies_with_the_part_in_the_event(backends, event, photo):
    member = make_member(backends, event, MemberRole.ANALYST)
    address = token(backends, photo, renditions.member_grant(member))
    before = opens(backends, address, by=member)

    members.remove(backends, event.id, member.id, by=owner_of(backends, event))

    assert (before, opens(backends, address, by=member)) == (True, False)


def test_a_deleted_photos_picture_is_hidden_from_members_at_once(backends, event, photo):
    owner = owner_of(backends, event)
    address = token(backends, photo, renditions.member_grant(owner))
    before = opens(backends, address, by=owner)

    photos.delete(backends, [photo.id], by=owner)

    assert (before, opens(backends, address, by=owner)) == (True, False)


def ordered(backends, photo: Photo, state: PaymentState | None) -> Order:
    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id])
    order = checkouts.place(backends, viewer, "runner@example.org")
    if state is not None:
        backends.payments.decide(order.checkout_id, state)
    return payments.refresh(backends, order.id)


@pytest.mark.parametrize(
    ("state", "status", "is_open"),
    [
        (None, OrderStatus.PENDING, False),
        (PaymentState.PAID, OrderStatus.PAID, True),
        (PaymentState.FAILED, OrderStatus.FAILED, False),
    ],
)
def test_a_buyers_address_opens_once_the_order_is_paid(backends, event, photo, state, status, is_open):
    order = ordered(backends, photo, state)
    change(backends, Event, event.id, status=EventStatus.CLOSED)

    assert order.status is status
    assert opens(backends, token(backends, photo, renditions.order_grant(order))) is is_open


def test_a_buyers_address_opens_what_was_bought_and_nothing_else(backends, event, photo):
    order, other = ordered(backends, photo, PaymentState.PAID), make_photo(backends, event)

    assert not opens(backends, token(backends, other, renditions.order_grant(order)))
    change(backends, Order, order.id, status=OrderStatus.HELD)
    assert not opens(backends, token(backends, photo, renditions.order_grant(order)))


@pytest.mark.parametrize("name", ["original", "1601", "delivered"])
def test_no_address_leads_to_an_original(backends, photo, name):
    with pytest.raises(NotFound):
        renditions.open_signed(backends, token(backends, photo, "listed", name), by=None)
