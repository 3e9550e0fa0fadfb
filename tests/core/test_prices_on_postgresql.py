"""The last use of a coupon, and price lists, on a real PostgreSQL where several come at once."""

from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from sqlmodel import func, select

from core import carts, checkouts, coupons, prices
from core.access import Viewer
from core.terms import Terms
from models.event import Event
from models.order import Order
from models.price import Coupon, PriceList
from tests.core.test_on_postgresql import together
from tests.makers import make_event, make_photo, make_viewer, owner_of

pytestmark = pytest.mark.integration


def buyers_with_coupon(platform, number: int, **limits: int) -> list[Viewer]:
    """Visitors who each want a photo and have entered the same coupon."""
    event = make_event(platform)
    draft = coupons.Draft("RUN10", percent=10, **limits)
    coupons.create(platform, event.id, draft, by=owner_of(platform, event))
    viewers = [make_viewer() for _ in range(number)]
    for viewer in viewers:
        carts.add(platform, viewer, [make_photo(platform, event).id])
        carts.enter_coupon(platform, viewer, "RUN10")
    return viewers


def place_all(platform, viewers: list[Viewer], email: str = "") -> list[str]:
    """Every visitor orders at the same moment; what became of each."""

    def place(number: int) -> str:
        try:
            address = email or f"runner{number}@example.org"
            return checkouts.place(platform, viewers[number], address).status
        except (coupons.UsedUp, coupons.UsedByBuyer) as refusal:
            return type(refusal).__name__

    return sorted(together(len(viewers), place))


def uses(platform) -> int:
    with platform.reading() as session:
        return session.exec(select(func.count()).where(Order.coupon_id.is_not(None))).one()


def slow_counts(monkeypatch, number: int) -> None:
    """Let buyers who do not queue count at the same moment; one who waits for another goes on alone."""
    gate, count = Barrier(number), coupons._count

    def meet(*arguments, **options) -> int:
        counted = count(*arguments, **options)
        with suppress(BrokenBarrierError):
            gate.wait(timeout=0.5)
        return counted

    monkeypatch.setattr(coupons, "_count", meet)


def test_the_last_use_of_a_coupon_is_one_buyers_only(platform, monkeypatch):
    viewers = buyers_with_coupon(platform, 3, limit=1)
    slow_counts(monkeypatch, 3)

    outcomes = place_all(platform, viewers)

    assert outcomes == ["UsedUp", "UsedUp", "pending"]
    assert uses(platform) == 1


def test_one_person_in_two_browsers_has_one_use(platform, monkeypatch):
    viewers = buyers_with_coupon(platform, 2, limit_per_buyer=1)
    slow_counts(monkeypatch, 2)

    outcomes = place_all(platform, viewers, "runner@example.org")

    assert outcomes == ["UsedByBuyer", "pending"]
    assert uses(platform) == 1


def test_without_the_lock_buyers_share_the_last_use(platform, monkeypatch):
    """The negative control: it is the coupon's row that makes them queue."""
    viewers = buyers_with_coupon(platform, 2, limit=1)
    slow_counts(monkeypatch, 2)
    monkeypatch.setattr(type(select(Coupon)), "with_for_update", lambda self, **_: self)

    outcomes = place_all(platform, viewers)

    assert outcomes == ["pending", "pending"]
    assert uses(platform) == 2


def test_a_cart_placed_in_two_tabs_is_one_order_with_one_use(platform):
    viewers = buyers_with_coupon(platform, 1, limit=1) * 4

    outcomes = place_all(platform, viewers, "runner@example.org")

    assert outcomes == ["pending"] * 4
    assert uses(platform) == 1


def test_two_who_make_an_events_first_price_list_at_once_make_one(platform):
    event = make_event(platform)
    owner = owner_of(platform, event)

    together(4, lambda number: prices.save(platform, event.id, Terms(1_000 + number), by=owner))

    with platform.reading() as session:
        assert len(session.exec(select(PriceList)).all()) == 1
    assert prices.terms(platform, event.id, by=owner).price_amount in range(1_000, 1_004)


def test_a_list_of_coupons_counts_living_orders(platform):
    place_all(platform, buyers_with_coupon(platform, 2))
    with platform.reading() as session:
        event = session.exec(select(Event)).one()

    listed = coupons.listing(platform, event.id, by=owner_of(platform, event)).items

    assert [one.uses for one in listed] == [2]
