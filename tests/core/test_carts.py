"""What a visitor wishes to buy."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from core import carts, checkouts, orders, quotes
from core.access import Viewer
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from models.activity import Activity, ActivityKind
from models.cart import CartItem
from models.event import Event, EventStatus, Gallery, Visibility
from models.fields import utc_now
from models.photo import Photo, Review, Stage
from models.sharing import ShareLink, VisitorAccess
from tests.makers import gallery_of, make_account, make_event, make_photo, make_viewer, some_id


def cart_activity(backends):
    """The numbers of every cart activity."""
    with backends.reading() as session:
        rows = session.exec(select(Activity).where(Activity.kind == ActivityKind.CART))
        return [(row.event_id, row.numbers) for row in rows]


def change(backends, row, **values):
    """Write other values into a row."""
    with backends.transaction() as session:
        found = session.get(type(row), row.id)
        for name, value in values.items():
            setattr(found, name, value)


def test_a_cart_shows_its_photos_at_todays_price(backends):
    event = make_event(backends, price_amount=12_000)
    one, two = make_photo(backends, event), make_photo(backends, event)
    viewer = make_viewer()

    added = carts.add(backends, viewer, [one.id, two.id])
    change(backends, event, price_amount=9_000)

    cart = carts.contents(backends, viewer)
    assert added == 2
    assert {item.photo.id for item in cart.items} == {one.id, two.id}
    assert (cart.quote.total_amount, cart.quote.currency) == (18_000, "THB")
    assert [item.is_bought for item in cart.items] == [False, False]
    assert cart.unavailable == ()


def test_adding_twice_is_no_error_and_counts_once(backends):
    event = make_event(backends)
    one, two = make_photo(backends, event), make_photo(backends, event)
    viewer = make_viewer()

    carts.add(backends, viewer, [one.id])
    again = carts.add(backends, viewer, [one.id, two.id])

    assert again == 1
    assert carts.count(backends, viewer) == 2
    assert cart_activity(backends) == [(event.id, {"count": 1}), (event.id, {"count": 1})]


@pytest.mark.parametrize(
    "fields", [{"review": Review.PENDING}, {"review": Review.REJECTED}, {"stage": Stage.RENDERED}]
)
def test_a_photo_that_is_not_public_cannot_be_wished_for(backends, fields):
    photo = make_photo(backends, make_event(backends), **fields)

    with pytest.raises(NotFound):
        carts.add(backends, make_viewer(), [photo.id])


@pytest.mark.parametrize(
    "fields",
    [
        {"visibility": Visibility.BY_LINK},
        {"status": EventStatus.UPLOADED},
        {"status": EventStatus.CLOSED},
        {"expires_at": utc_now() - timedelta(hours=1)},
    ],
)
def test_a_photo_of_an_event_that_is_hidden_or_not_on_sale_cannot_be_wished_for(backends, fields):
    photo = make_photo(backends, make_event(backends, **fields))

    with pytest.raises(NotFound):
        carts.add(backends, make_viewer(), [photo.id])


def test_an_unknown_photo_reads_like_a_hidden_one_and_nothing_is_added(backends):
    known = make_photo(backends, make_event(backends))
    viewer = make_viewer()

    with pytest.raises(NotFound):
        carts.add(backends, viewer, [known.id, some_id()])

    assert carts.count(backends, viewer) == 0


def test_a_share_link_to_one_gallery_sells_that_gallery_only(backends):
    event = make_event(backends, visibility=Visibility.BY_LINK)
    start = gallery_of(backends, event)
    with backends.transaction() as session:
        finish = Gallery(event_id=event.id, name="Finish")
        link = ShareLink(event_id=event.id, gallery_id=start.id, nonce="n", created_by=event.created_by)
        session.add_all([finish, link])
        session.flush()
        session.add(VisitorAccess(visitor_key="k", share_link_id=link.id))
    inside = make_photo(backends, event)
    outside = make_photo(backends, event, gallery_id=finish.id)
    viewer = Viewer("k")

    carts.add(backends, viewer, [inside.id])
    with pytest.raises(NotFound):
        carts.add(backends, viewer, [outside.id])

    assert [item.photo.id for item in carts.contents(backends, viewer).items] == [inside.id]


@pytest.mark.parametrize(
    ("table", "values"),
    [(Photo, {"review": Review.REJECTED}), (Event, {"status": EventStatus.CLOSED})],
)
def test_what_was_withdrawn_is_shown_as_unavailable_and_costs_nothing(backends, table, values):
    event = make_event(backends)
    photo = make_photo(backends, event)
    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id])

    change(backends, photo if table is Photo else event, **values)

    cart = carts.contents(backends, viewer)
    assert (cart.items, [gone.id for gone in cart.unavailable]) == ((), [photo.id])
    assert cart.quote.total_amount == 0


def test_two_currencies_are_refused_before_they_meet_in_one_cart(backends):
    baht = make_photo(backends, make_event(backends))
    euro = make_photo(backends, make_event(backends, currency="EUR"))
    viewer = make_viewer()
    carts.add(backends, viewer, [baht.id])

    with pytest.raises(InvalidInput, match="currencies"):
        carts.add(backends, viewer, [euro.id])

    assert carts.count(backends, viewer) == 1


def test_a_currency_changed_later_leaves_a_cart_that_can_be_shown(backends):
    event, other = make_event(backends), make_event(backends)
    first, second = make_photo(backends, event), make_photo(backends, other)
    viewer = make_viewer()
    carts.add(backends, viewer, [first.id])
    carts.add(backends, viewer, [second.id])

    change(backends, other, currency="EUR")

    cart = carts.contents(backends, viewer)
    assert [item.photo.id for item in cart.items] == [first.id]
    assert [photo.id for photo in cart.unavailable] == [second.id]


def test_a_cart_holds_so_many_photos(backends, monkeypatch):
    event = make_event(backends)
    ids = [make_photo(backends, event).id for _ in range(3)]
    viewer = make_viewer()
    monkeypatch.setattr(carts, "LIMIT", 2)
    carts.add(backends, viewer, ids[:2])

    with pytest.raises(carts.CartFull, match="2 photos"):
        carts.add(backends, viewer, ids[2:])

    assert carts.count(backends, viewer) == 2


def test_a_browser_without_cookies_is_told_so(backends):
    photo = make_photo(backends, make_event(backends))

    with pytest.raises(Forbidden, match="cookies"):
        carts.add(backends, Viewer(""), [photo.id])


def test_photos_are_taken_out_of_ones_own_cart_only(backends):
    event = make_event(backends)
    one, two = make_photo(backends, event), make_photo(backends, event)
    mine, yours = make_viewer(), make_viewer()
    carts.add(backends, mine, [one.id, two.id])
    carts.add(backends, yours, [one.id, two.id])

    carts.remove(backends, mine, [one.id])
    carts.clear(backends, yours)

    with backends.reading() as session:
        left = [(item.visitor_key, item.photo_id) for item in session.exec(select(CartItem))]
    assert left == [(mine.visitor_key, two.id)]


def test_a_photo_bought_before_may_be_wished_for_again_and_says_so(backends):
    photo = make_photo(backends, make_event(backends, price_amount=0))
    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id])
    checkouts.place(backends, viewer, "runner@example.org")

    carts.add(backends, viewer, [photo.id])

    assert [item.is_bought for item in carts.contents(backends, viewer).items] == [True]


def test_what_an_account_bought_is_not_shown_to_the_next_person_at_the_browser(backends):
    photo = make_photo(backends, make_event(backends, price_amount=0))
    signed_in = make_viewer(make_account(backends))
    carts.add(backends, signed_in, [photo.id])
    checkouts.place(backends, signed_in, "runner@example.org")

    signed_out = Viewer(signed_in.visitor_key)

    carts.add(backends, signed_out, [photo.id])
    assert [item.is_bought for item in carts.contents(backends, signed_out).items] == [False]
    assert orders.mine(backends, signed_out) == []
    assert len(orders.mine(backends, signed_in)) == 1


def test_what_no_payment_could_be_is_not_ordered(backends):
    viewer, event = make_viewer(), make_event(backends, price_amount=quotes.LARGEST_TOTAL)
    one, two = (make_photo(backends, event) for _ in range(2))
    carts.add(backends, viewer, [one.id, two.id])

    with pytest.raises(quotes.TooDear):
        checkouts.place(backends, viewer, "runner@example.org")
    carts.remove(backends, viewer, [two.id])

    assert checkouts.place(backends, viewer, "runner@example.org").total_amount == quotes.LARGEST_TOTAL


def test_a_cart_that_keeps_changing_meanwhile_is_a_conflict(backends, monkeypatch):
    tries = []

    def overtaken(*_: object) -> int:
        tries.append(1)
        raise IntegrityError("INSERT", None, ValueError())

    monkeypatch.setattr(carts, "_add", overtaken)

    with pytest.raises(Conflict):
        carts.add(backends, make_viewer(), [some_id()])

    assert len(tries) == carts.TRIES
