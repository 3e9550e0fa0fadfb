"""What is said of an event's prices: by whom, what cannot be said, and what visitors hear of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from core import audit, carts, checkouts, coupons, payments, prices
from core.access import Viewer
from core.errors import Forbidden, InvalidInput, NotFound
from core.galleries import NoSuchGallery
from core.gateway import PaymentState
from core.photos import NoSuchPhoto
from core.pricing import RowKind
from core.stock import NoPass, SizeNotSold
from core.terms import Terms
from models.audit import AuditEntry
from models.cart import Size
from models.event import Event, Gallery, MemberRole, Visibility
from models.fields import utc_now
from models.photo import Photo, Review
from models.sharing import ShareLink, VisitorAccess
from tests.makers import (
    gallery_of,
    make_account,
    make_event,
    make_member,
    make_photo,
    make_viewer,
    owner_of,
    some_id,
)

LATER = utc_now() + timedelta(days=7)
FULL_TERMS = Terms(
    price_amount=10_000,
    web_amount=4_000,
    tiers=((5, 10), (10, 25)),
    bundle_amount=30_000,
    pass_amount=90_000,
    free_count=1,
    early_percent=10,
    early_until=LATER,
    tax_basis_points=700,
    is_tax_included=False,
    refund_days=7,
)


@pytest.fixture
def event(backends):
    return make_event(backends)


def save(backends, event, terms=FULL_TERMS) -> Terms:
    return prices.save(backends, event.id, terms, by=owner_of(backends, event))


def entries(backends, action: str) -> list[dict]:
    """What the audit log says of an action."""
    with backends.reading() as session:
        return [row.detail for row in session.exec(select(AuditEntry).where(AuditEntry.action == action))]


# Who sells


def test_an_event_without_a_price_list_sells_full_sizes_at_its_price(backends, event):
    assert prices.terms(backends, event.id, by=owner_of(backends, event)) == Terms(price_amount=12_000)


def test_what_was_saved_is_what_is_said_and_the_events_price_is_one_of_it(backends, event):
    saved = save(backends, event)

    again = save(backends, event)

    assert saved == again == FULL_TERMS == prices.terms(backends, event.id, by=owner_of(backends, event))
    with backends.reading() as session:
        assert session.get_one(Event, event.id).price_amount == 10_000


def test_a_change_is_in_the_audit_log_with_what_was_before(backends, event):
    save(backends, event)
    save(backends, event)

    save(backends, event, replace(FULL_TERMS, price_amount=11_000, early_percent=0, early_until=None))

    first, second = entries(backends, "prices.edit")
    assert first["before"]["price_amount"] == 12_000
    assert second == {
        "before": {"price_amount": 10_000, "early_percent": 10, "early_until": LATER.isoformat()},
        "after": {"price_amount": 11_000, "early_percent": 0, "early_until": None},
    }
    assert audit.first_break(backends) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"price_amount": -1},
        {"price_amount": 100_000_001},
        {"web_amount": -1},
        {"web_amount": 10**20},
        {"bundle_amount": 0},
        {"pass_amount": 0},
        {"pass_amount": 100_000_001},
        {"tiers": ((1, 10),)},
        {"tiers": ((5, 0),)},
        {"tiers": ((5, 100),)},
        {"tiers": ((5, 10), (5, 20))},
        {"tiers": ((5, 10), (10, 10))},
        {"tiers": ((10, 20), (5, 30))},
        {"tiers": ((5, 30), (10, 20))},
        {"tiers": ((10**20, 10),)},
        {"tiers": tuple((number, number) for number in range(2, 13))},
        {"free_count": -1},
        {"free_count": 10**20},
        {"early_percent": 101, "early_until": LATER},
        {"early_percent": -1, "early_until": LATER},
        {"early_percent": 0, "early_until": LATER},
        {"early_percent": 10, "early_until": None},
        {"early_percent": 10, "early_until": LATER.replace(year=9999)},
        {"tax_basis_points": -1},
        {"tax_basis_points": 10_001},
        {"refund_days": -1},
        {"refund_days": 366},
    ],
)
def test_nonsense_is_refused_and_changes_nothing(backends, event, fields):
    save(backends, event)

    with pytest.raises(InvalidInput):
        save(backends, event, replace(FULL_TERMS, **fields))

    assert prices.terms(backends, event.id, by=owner_of(backends, event)) == FULL_TERMS
    assert len(entries(backends, "prices.edit")) == 1


def test_an_event_may_have_ten_tiers(backends, event):
    tiers = tuple((number, number) for number in range(2, 12))

    assert save(backends, event, replace(FULL_TERMS, tiers=tiers)).tiers == tiers


@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR])
def test_only_who_sells_sets_prices_and_reads_them_whole(backends, event, role):
    member, stranger = make_member(backends, event, role), make_account(backends)
    gallery, photo = gallery_of(backends, event), make_photo(backends, event)

    for account, refusal in ((member, Forbidden), (stranger, NotFound), (None, NotFound)):
        for use in (
            lambda by: prices.terms(backends, event.id, by=by),
            lambda by: prices.save(backends, event.id, FULL_TERMS, by=by),
            lambda by: prices.preview(backends, event.id, FULL_TERMS, 1, by=by),
            lambda by: prices.of_gallery(backends, gallery.id, by=by),
            lambda by: prices.save_gallery(backends, gallery.id, 1, 1, by=by),
            lambda by: prices.save_photo(backends, photo.id, 1, by=by),
        ):
            with pytest.raises(refusal):
                use(account)


def test_a_gallery_has_prices_of_its_own_until_they_are_taken_back(backends, event):
    owner, gallery = owner_of(backends, event), gallery_of(backends, event)

    prices.save_gallery(backends, gallery.id, 8_000, 3_000, by=owner)
    own = prices.of_gallery(backends, gallery.id, by=owner)
    prices.save_gallery(backends, gallery.id, None, None, by=owner)

    assert (own.price_amount, own.web_amount) == (8_000, 3_000)
    assert prices.of_gallery(backends, gallery.id, by=owner).price_amount is None
    assert [detail["price_amount"] for detail in entries(backends, "prices.gallery")] == [8_000, None]


def test_a_gallery_or_photo_that_is_not_there_is_not_found_and_a_price_must_be_one(backends, event):
    owner, gallery, photo = (
        owner_of(backends, event),
        gallery_of(backends, event),
        make_photo(backends, event),
    )

    with pytest.raises(NoSuchGallery):
        prices.save_gallery(backends, gallery.id + 1_000, 1, 1, by=owner)
    with pytest.raises(NoSuchPhoto):
        prices.save_photo(backends, some_id(), 1, by=owner)
    for amount in (-1, 100_000_001):
        with pytest.raises(InvalidInput):
            prices.save_gallery(backends, gallery.id, amount, None, by=owner)
        with pytest.raises(InvalidInput):
            prices.save_gallery(backends, gallery.id, None, amount, by=owner)
        with pytest.raises(InvalidInput):
            prices.save_photo(backends, photo.id, amount, by=owner)


def test_a_photo_has_a_price_of_its_own(backends, event):
    owner, photo = owner_of(backends, event), make_photo(backends, event)

    prices.save_photo(backends, photo.id, 50_000, by=owner)

    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id])
    assert carts.contents(backends, viewer).quote.total_amount == 50_000
    assert entries(backends, "prices.photo") == [{"photo": str(photo.id), "price_amount": 50_000}]


# Trying prices out


def preview(backends, event, terms=FULL_TERMS, count=3, **options):
    return prices.preview(backends, event.id, terms, count, by=owner_of(backends, event), **options)


def test_a_preview_shows_what_unsaved_prices_come_to_and_saves_nothing(backends, event):
    plain = Terms(
        price_amount=10_000, web_amount=4_000, tiers=((3, 10),), bundle_amount=20_000, pass_amount=1
    )

    assert preview(backends, event, plain, 2).total_amount == 20_000
    assert preview(backends, event, plain, 3).total_amount == 27_000
    assert preview(backends, event, plain, 3, is_bundle=True).total_amount == 20_000
    assert preview(backends, event, plain, 2, size=Size.WEB).total_amount == 8_000
    assert preview(backends, event, plain, 2, is_pass=True).total_amount == 1
    assert preview(backends, event, plain, 0).total_amount == 0
    assert prices.terms(backends, event.id, by=owner_of(backends, event)) == Terms(price_amount=12_000)


def test_a_preview_is_what_a_new_guest_pays(backends, event):
    save(backends, event)
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id for _ in range(6)])

    assert (
        preview(backends, event, count=6).total_amount == carts.contents(backends, viewer).quote.total_amount
    )
    assert [row.kind for row in preview(backends, event, count=6).rows] == [
        RowKind.PHOTOS,
        RowKind.EARLY,
        RowKind.GIFT,
        RowKind.TIER,
        RowKind.TAX_ADDED,
    ]


def test_a_preview_tries_a_coupon_out(backends, event):
    owner = owner_of(backends, event)
    coupons.create(backends, event.id, coupons.Draft("HALF", percent=50, limit=1), by=owner)
    coupon = coupons.create(backends, event.id, coupons.Draft("OVER", percent=50), by=owner)
    coupons.end(backends, event.id, coupon.id, by=owner)

    assert preview(backends, event, Terms(1_000), 2, coupon_code="half").total_amount == 1_000
    with pytest.raises(coupons.CouponOver):
        preview(backends, event, coupon_code="OVER")
    with pytest.raises(coupons.NoSuchCoupon):
        preview(backends, event, coupon_code="OTHER")


def test_a_preview_of_what_is_not_sold_is_refused(backends, event):
    with pytest.raises(SizeNotSold):
        preview(backends, event, Terms(1_000), size=Size.WEB)
    with pytest.raises(NoPass):
        preview(backends, event, Terms(1_000), is_pass=True)
    for count in (-1, 10**20):
        with pytest.raises(InvalidInput):
            preview(backends, event, count=count)
    with pytest.raises(InvalidInput):
        preview(backends, event, Terms(-1))


# What visitors hear


def test_a_visitor_hears_what_photos_cost_now(backends, event):
    save(backends, event)
    viewer = make_viewer()

    shown = prices.shown(backends, event.id, by=viewer)

    assert shown == prices.Shown(
        currency="THB",
        price_amount=10_000,
        from_amount=3_600,  # the web size as an early bird
        web_amount=4_000,
        tiers=((5, 10), (10, 25)),
        bundle_amount=30_000,
        pass_amount=90_000,
        free_left=1,
        early_percent=10,
        early_until=LATER,
        tax_basis_points=700,
        is_tax_included=False,
        refund_days=7,
    )


def test_an_early_bird_that_is_over_is_not_told_of(backends, event):
    save(backends, event)
    backends.now = lambda: LATER

    shown = prices.shown(backends, event.id, by=make_viewer())

    assert (shown.early_percent, shown.early_until, shown.from_amount) == (0, None, 4_000)


def test_the_cheapest_photo_is_one_that_the_visitor_sees(backends):
    event = make_event(backends, visibility=Visibility.BY_LINK, price_amount=12_000)
    start = gallery_of(backends, event)
    with backends.transaction() as session:
        hidden = Gallery(event_id=event.id, name="Hidden", price_amount=1)
        link = ShareLink(event_id=event.id, gallery_id=start.id, nonce="n", created_by=event.created_by)
        session.add_all([hidden, link])
        session.flush()
        session.add(VisitorAccess(visitor_key="k", share_link_id=link.id))
    make_photo(backends, event, gallery_id=hidden.id, price_amount=2)
    make_photo(backends, event, price_amount=3, review=Review.REJECTED)
    make_photo(backends, event, price_amount=4_000)

    seen = prices.shown(backends, event.id, by=Viewer("k"))
    everything = prices.shown(backends, event.id, by=Viewer("m", owner_of(backends, event)))

    assert (seen.from_amount, everything.from_amount) == (4_000, 1)
    with pytest.raises(NotFound):
        prices.shown(backends, event.id, by=make_viewer())


def test_a_pass_is_offered_to_who_sees_the_whole_event(backends):
    event = make_event(backends, visibility=Visibility.BY_LINK)
    save(backends, event)
    start = gallery_of(backends, event)
    with backends.transaction() as session:
        link = ShareLink(event_id=event.id, gallery_id=start.id, nonce="n", created_by=event.created_by)
        session.add(link)
        session.flush()
        session.add(VisitorAccess(visitor_key="k", share_link_id=link.id))

    assert prices.shown(backends, event.id, by=Viewer("k")).pass_amount is None


def test_a_guest_who_took_a_free_photo_has_one_less_left(backends, event):
    save(backends, event, Terms(price_amount=10_000, free_count=1))
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id for _ in range(3)])
    order = checkouts.place(backends, viewer, "runner@example.org")
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    payments.refresh(backends, order.id)

    save(backends, event, Terms(price_amount=10_000, free_count=2))

    assert prices.shown(backends, event.id, by=viewer).free_left == 1
    assert prices.shown(backends, event.id, by=make_viewer()).free_left == 2


def test_each_photo_has_the_price_it_would_cost_by_itself(backends, event):
    save(backends, event)
    owner, own = owner_of(backends, event), make_photo(backends, event)
    usual, other = make_photo(backends, event), make_photo(backends, make_event(backends))
    prices.save_photo(backends, own.id, 50_000, by=owner)
    with backends.reading() as session:
        photos = session.exec(select(Photo)).all()

    found = prices.of_photos(backends, event.id, photos, by=make_viewer())

    assert found == {own.id: 45_000, usual.id: 9_000}
    assert other.id not in found
