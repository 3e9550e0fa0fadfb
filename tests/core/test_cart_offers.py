"""What makes a cart cheaper, and what else than photos lies in it: sizes, searches, passes, free photos."""

import pytest
from sqlmodel import select

from core import carts, checkouts, matching, payments, prices, result_tokens
from core.access import Viewer
from core.coupons import Draft, create
from core.errors import Forbidden, InvalidInput, NotFound
from core.gateway import PaymentState
from core.pricing import RowKind
from core.quotes import NotForThese
from core.results import Found, Hit
from core.stock import NoPass, NotForSale, SizeNotSold
from core.terms import Terms
from models.activity import Activity, ActivityKind
from models.cart import CartItem, Size
from models.event import Event, Gallery, Visibility
from models.face import Face, FaceIndex
from models.order import LineItem, Order
from models.photo import Photo, Review
from models.sharing import ShareLink, VisitorAccess
from tests.makers import gallery_of, make_account, make_event, make_photo, make_viewer, owner_of, some_id

EMAIL = "runner@example.org"
TERMS = Terms(
    price_amount=10_000,
    web_amount=4_000,
    tiers=((5, 10),),
    bundle_amount=25_000,
    pass_amount=90_000,
)


@pytest.fixture
def event(backends):
    return make_offer(backends, TERMS)


def make_offer(backends, terms: Terms, **fields) -> Event:
    """An event that sells so."""
    event = make_event(backends, **fields)
    prices.save(backends, event.id, terms, by=owner_of(backends, event))
    return event


def make_result(backends, event, viewer: Viewer, sure: list[Photo], maybe: list[Photo] = ()) -> str:
    """A search's result with a face in each of the photos."""
    with backends.transaction() as session:
        index = session.exec(select(FaceIndex).where(FaceIndex.event_id == event.id)).first()
        if index is None:
            facts = {"engine": "e", "weights_sha256": "", "alignment": "", "metric": "", "collection": ""}
            index = FaceIndex(event_id=event.id, status="serving", dimension=1, **facts)
            session.add(index)
            session.flush()
        hits = [
            Hit(photo, add_face(session, index, photo), matching.SURE if photo in sure else matching.MAYBE)
            for photo in (*sure, *maybe)
        ]
    found = Found(hits[: len(sure)], hits[len(sure) :], 10, index.id)
    return result_tokens.write(backends, event.id, found, by=viewer)


def add_face(session, index: FaceIndex, photo: Photo):
    box = {"left": 0.1, "top": 0.1, "right": 0.2, "bottom": 0.2}
    known = {name: box.get(name, 1) for name, field in Face.model_fields.items() if field.is_required()}
    face = Face(
        **known | {"index_id": index.id, "id": some_id(), "photo_id": photo.id, "is_searchable": True}
    )
    session.add(face)
    return face.id


def total(backends, viewer) -> int:
    return carts.contents(backends, viewer).quote.total_amount


def kinds(backends, viewer) -> list[RowKind]:
    return [row.kind for row in carts.contents(backends, viewer).quote.rows]


def own_link(backends, event, gallery_id=None) -> Viewer:
    """A visitor who opened a share link to the event, or to a gallery of it."""
    viewer = make_viewer()
    with backends.transaction() as session:
        link = ShareLink(
            event_id=event.id, gallery_id=gallery_id, nonce=some_id().hex, created_by=event.created_by
        )
        session.add(link)
        session.flush()
        session.add(VisitorAccess(visitor_key=viewer.visitor_key, share_link_id=link.id))
    return viewer


# Sizes and prices


def test_a_photo_is_wanted_in_a_size_and_the_size_may_change(backends, event):
    viewer, photo = make_viewer(), make_photo(backends, event)
    carts.add(backends, viewer, [photo.id], Size.WEB)
    small = carts.contents(backends, viewer)

    carts.set_size(backends, viewer, photo.id, Size.FULL)

    assert (small.items[0].size, small.quote.total_amount) == (Size.WEB, 4_000)
    assert total(backends, viewer) == 10_000


def test_adding_again_keeps_the_size_that_was_chosen(backends, event):
    viewer, photo = make_viewer(), make_photo(backends, event)
    carts.add(backends, viewer, [photo.id], Size.WEB)

    carts.add(backends, viewer, [photo.id])

    assert total(backends, viewer) == 4_000


def test_a_size_that_is_not_sold_cannot_be_wanted(backends):
    event = make_event(backends)
    viewer, photo = make_viewer(), make_photo(backends, event)

    with pytest.raises(SizeNotSold):
        carts.add(backends, viewer, [photo.id], Size.WEB)
    carts.add(backends, viewer, [photo.id])
    with pytest.raises(SizeNotSold):
        carts.set_size(backends, viewer, photo.id, Size.WEB)
    with pytest.raises(NotForSale):
        carts.set_size(backends, viewer, make_photo(backends, event).id, Size.FULL)

    assert total(backends, viewer) == 12_000


def test_a_size_that_is_no_longer_sold_is_never_ordered_and_can_be_chosen_anew(backends, event):
    viewer, photo = make_viewer(), make_photo(backends, event)
    carts.add(backends, viewer, [photo.id], Size.WEB)
    prices.save(backends, event.id, Terms(10_000), by=owner_of(backends, event))

    cart = carts.contents(backends, viewer)
    carts.add(backends, viewer, [photo.id])

    assert (cart.items, [gone.id for gone in cart.unavailable]) == ((), [photo.id])
    assert total(backends, viewer) == 10_000


def test_a_photos_price_is_its_own_or_its_gallerys_or_the_events(backends, event):
    owner, viewer = owner_of(backends, event), make_viewer()
    with backends.transaction() as session:
        finish = Gallery(event_id=event.id, name="Finish", price_amount=7_000)
        session.add(finish)
    usual = make_photo(backends, event)
    finished = make_photo(backends, event, gallery_id=finish.id)
    single = make_photo(backends, event, gallery_id=finish.id)
    prices.save_photo(backends, single.id, 1_000, by=owner)

    carts.add(backends, viewer, [usual.id, finished.id, single.id])

    assert {item.photo.id: item.line.amount for item in carts.contents(backends, viewer).items} == {
        usual.id: 10_000,
        finished.id: 7_000,
        single.id: 1_000,
    }


# All that a search found


def test_all_sure_photos_of_a_search_come_together_and_cost_the_bundles_price_at_most(backends, event):
    viewer = make_viewer()
    mine, perhaps = [make_photo(backends, event) for _ in range(4)], make_photo(backends, event)
    token = make_result(backends, event, viewer, mine, [perhaps])

    added = carts.add_found(backends, viewer, event.id, token)
    carts.add(backends, viewer, [perhaps.id])

    cart = carts.contents(backends, viewer)
    assert added == 4
    assert {item.photo.id for item in cart.items if item.is_found} == {photo.id for photo in mine}
    assert cart.quote.total_amount == 25_000 + 9_000
    assert kinds(backends, viewer) == [RowKind.PHOTOS, RowKind.BUNDLE, RowKind.TIER]


def test_what_lay_in_the_cart_before_joins_the_search_that_found_it(backends, event):
    viewer, mine = make_viewer(), [make_photo(backends, event) for _ in range(4)]
    carts.add(backends, viewer, [mine[0].id], Size.WEB)

    added = carts.add_found(backends, viewer, event.id, make_result(backends, event, viewer, mine))
    again = carts.add_found(backends, viewer, event.id, make_result(backends, event, viewer, mine))

    assert (added, again) == (3, 0)
    assert total(backends, viewer) == 25_000
    assert {item.size for item in carts.contents(backends, viewer).items} == {Size.FULL, Size.WEB}


def test_nobody_makes_up_what_a_search_found(backends, event):
    viewer, photos = make_viewer(), [make_photo(backends, event) for _ in range(4)]
    other = make_event(backends)
    token = make_result(backends, event, viewer, photos)

    for reader, event_id, text in (
        (make_viewer(), event.id, token),
        (viewer, other.id, token),
        (viewer, event.id, token[:-1]),
        (viewer, event.id, ""),
    ):
        with pytest.raises(InvalidInput):
            carts.add_found(backends, reader, event_id, text)
    with pytest.raises(Forbidden):
        carts.add_found(backends, Viewer(""), event.id, token)

    assert carts.count(backends, viewer) == 0


def test_of_a_search_only_what_is_still_for_sale_is_added(backends, event):
    viewer, stays, goes = make_viewer(), make_photo(backends, event), make_photo(backends, event)
    token = make_result(backends, event, viewer, [stays, goes])
    with backends.transaction() as session:
        session.get_one(Photo, goes.id).review = Review.REJECTED

    assert carts.add_found(backends, viewer, event.id, token) == 1
    assert carts.photo_ids(backends, viewer) == {stays.id}
    with backends.transaction() as session:
        session.get_one(Photo, stays.id).review = Review.REJECTED
    with pytest.raises(NotForSale):
        carts.add_found(backends, viewer, event.id, token)


# Passes


def test_a_pass_takes_the_place_of_the_events_photos(backends, event):
    viewer, other = make_viewer(), make_event(backends)
    carts.add(backends, viewer, [make_photo(backends, event).id, make_photo(backends, event).id])
    carts.add(backends, viewer, [make_photo(backends, other).id])

    carts.add_pass(backends, viewer, event.id)
    carts.add_pass(backends, viewer, event.id)

    cart = carts.contents(backends, viewer)
    assert [item.event.id for item in cart.items] == [other.id]
    assert [(one.event.id, one.line.amount, one.is_bought) for one in cart.passes] == [
        (event.id, 90_000, False)
    ]
    assert (cart.quote.total_amount, carts.count(backends, viewer)) == (102_000, 2)
    assert carts.pass_event_ids(backends, viewer) == {event.id}


def test_nobody_pays_for_a_photo_beside_a_pass_to_it(backends, event):
    viewer, photo = make_viewer(), make_photo(backends, event)
    carts.add_pass(backends, viewer, event.id)

    with pytest.raises(carts.PassCovers):
        carts.add(backends, viewer, [photo.id])
    carts.remove_pass(backends, viewer, event.id)

    assert carts.add(backends, viewer, [photo.id]) == 1


def test_a_pass_is_for_who_sees_the_whole_event(backends):
    event = make_offer(backends, TERMS, visibility=Visibility.BY_LINK)
    whole, part = own_link(backends, event), own_link(backends, event, gallery_of(backends, event).id)

    carts.add_pass(backends, whole, event.id)
    with pytest.raises(NoPass):
        carts.add_pass(backends, part, event.id)
    with pytest.raises(NotFound):
        carts.add_pass(backends, make_viewer(), event.id)
    with pytest.raises(NoPass):
        carts.add_pass(backends, make_viewer(), make_event(backends).id)


def test_a_pass_that_is_no_longer_sold_is_never_ordered(backends, event):
    viewer = make_viewer()
    carts.add_pass(backends, viewer, event.id)

    prices.save(backends, event.id, Terms(10_000), by=owner_of(backends, event))

    cart = carts.contents(backends, viewer)
    assert (cart.passes, [gone.id for gone in cart.gone_passes]) == ((), [event.id])
    with pytest.raises(checkouts.CartIsEmpty):
        checkouts.place(backends, viewer, EMAIL)


def test_a_pass_in_another_currency_is_refused(backends, event):
    euro = make_offer(backends, TERMS, currency="EUR")
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id])

    with pytest.raises(InvalidInput, match="currencies"):
        carts.add_pass(backends, viewer, euro.id)


def test_who_has_a_pass_has_every_photo_of_the_event(backends, event):
    viewer, photo = make_viewer(), make_photo(backends, event)
    carts.add_pass(backends, viewer, event.id)
    order = checkouts.place(backends, viewer, EMAIL)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    payments.refresh(backends, order.id)
    left = carts.count(backends, viewer)

    carts.add(backends, viewer, [photo.id])

    assert left == 0
    assert [item.is_bought for item in carts.contents(backends, viewer).items] == [True]


# Free photos


def test_a_guests_free_photos_are_counted_over_all_orders(backends):
    event = make_offer(backends, Terms(10_000, free_count=2))
    account = make_account(backends)
    viewer = make_viewer(account)
    carts.add(backends, viewer, [make_photo(backends, event).id])
    checkouts.place(backends, viewer, EMAIL)
    carts.add(backends, viewer, [make_photo(backends, event).id for _ in range(2)])
    elsewhere, stranger = make_viewer(account), make_viewer()
    for other in (elsewhere, stranger):
        carts.add(backends, other, [make_photo(backends, event).id for _ in range(2)])

    assert total(backends, viewer) == 10_000
    assert total(backends, elsewhere) == 10_000
    assert total(backends, stranger) == 0
    assert checkouts.place(backends, stranger, EMAIL).total_amount == 10_000  # it is the same address


def test_looking_at_the_cart_of_an_open_order_shows_its_price_again(backends):
    event = make_offer(backends, Terms(10_000, free_count=1))
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id for _ in range(2)])

    order = checkouts.place(backends, viewer, EMAIL)

    assert order.total_amount == total(backends, viewer) == 10_000
    assert checkouts.place(backends, viewer, EMAIL).id == order.id


# The whole


def test_emptying_the_cart_takes_passes_and_the_coupon_out_too(backends, event):
    create(backends, event.id, Draft("RUN10", percent=10), by=owner_of(backends, event))
    viewer, other = make_viewer(), make_viewer()
    for one in (viewer, other):
        carts.add_pass(backends, one, event.id)
        carts.enter_coupon(backends, one, "RUN10")

    carts.clear(backends, viewer)

    assert carts.count(backends, viewer) == 0
    assert carts.contents(backends, viewer).coupon is None
    assert total(backends, other) == 81_000


def test_a_coupon_without_its_event_in_the_cart_says_so_and_stops_nobody(backends, event):
    create(backends, event.id, Draft("RUN10", percent=10), by=owner_of(backends, event))
    viewer, photo = make_viewer(), make_photo(backends, event)
    carts.add(backends, viewer, [photo.id, make_photo(backends, make_event(backends)).id])
    carts.enter_coupon(backends, viewer, "RUN10")
    carts.remove(backends, viewer, [photo.id])

    cart = carts.contents(backends, viewer)
    order = checkouts.place(backends, viewer, EMAIL)

    assert isinstance(cart.refusal, NotForThese)
    assert (order.total_amount, order.coupon_id) == (12_000, None)


def test_wishes_are_counted_with_passes_as_one(backends, event):
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id])

    carts.add_pass(backends, viewer, event.id)

    with backends.reading() as session:
        noted = session.exec(select(Activity).where(Activity.kind == ActivityKind.CART)).all()
    assert [row.numbers for row in noted] == [{"count": 1}, {"count": 1}]


def test_a_cart_names_no_price(backends, event):
    """T38: nothing that a visitor can write to is an amount."""
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id])

    with backends.reading() as session:
        row = session.exec(select(CartItem)).one()

    assert not [name for name in row.model_dump() if "amount" in name or "price" in name]


def test_bought_photos_leave_the_cart_and_others_stay(backends, event):
    viewer, later = make_viewer(), make_photo(backends, event)
    carts.add(backends, viewer, [make_photo(backends, event).id])
    order = checkouts.place(backends, viewer, EMAIL)
    carts.add(backends, viewer, [later.id])

    with backends.transaction() as session:
        items = session.exec(select(LineItem).where(LineItem.order_id == order.id)).all()
        carts.take_out_bought(session, session.get_one(Order, order.id), items)

    assert carts.photo_ids(backends, viewer) == {later.id}
