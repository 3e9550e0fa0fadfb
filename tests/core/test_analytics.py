"""What was sold, for those who have a part in an event."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest
from sqlmodel import update

from core import analytics, carts, checkouts, payments
from core.analytics import DaySales
from core.backends import Backends
from core.errors import Forbidden, NotFound, SignInNeeded
from core.gateway import PaymentState
from core.paging import Asked
from models.account import Role
from models.event import Event, MemberRole
from models.order import Order, OrderStatus
from models.photo import Photo
from tests.makers import add_member, make_account, make_event, make_member, make_photo, make_viewer

EMAIL = "secret.runner@example.org"


def sell(backends: Backends, *photos: Photo, at: datetime | None = None) -> Order:
    """A paid order of these photos."""
    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id for photo in photos])
    order = checkouts.place(backends, viewer, EMAIL)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    paid = payments.refresh(backends, order.id)
    if at is not None:
        with backends.transaction() as session:
            session.execute(update(Order).where(Order.id == order.id).values(paid_at=at))
    return paid


def analyst_of(backends: Backends, event: Event):
    """An account that may see the event's sales."""
    return make_member(backends, event, MemberRole.ANALYST)


def test_sales_count_paid_orders_only(backends):
    event = make_event(backends, price_amount=12_000)
    one, two = make_photo(backends, event), make_photo(backends, event)
    sell(backends, one, two)
    sell(backends, one)
    for status in (OrderStatus.PENDING, OrderStatus.FAILED, OrderStatus.EXPIRED, OrderStatus.HELD):
        unpaid = sell(backends, two)
        with backends.transaction() as session:
            session.execute(update(Order).where(Order.id == unpaid.id).values(status=status))

    found = analytics.sales(backends, event.id, by=analyst_of(backends, event))

    assert (found.revenue_amount, found.order_count, found.photo_count) == (36_000, 2, 3)
    assert found.average_amount == 18_000
    assert [(best.photo.id, best.sold_count) for best in found.best] == [(one.id, 2), (two.id, 1)]


def test_a_day_is_a_day_on_the_calendar_of_the_event(backends):
    event = make_event(backends, price_amount=12_000, time_zone="Asia/Bangkok")
    photo = make_photo(backends, event)
    sell(backends, photo, at=datetime(2026, 10, 17, 16, 59, tzinfo=UTC))  # 23:59 in Bangkok
    sell(backends, photo, at=datetime(2026, 10, 17, 17, 0, tzinfo=UTC))  # midnight
    sell(backends, photo, at=datetime(2026, 10, 20, 1, 0, tzinfo=UTC))

    found = analytics.sales(backends, event.id, by=analyst_of(backends, event))

    assert found.days == (
        DaySales(date(2026, 10, 17), 12_000, 1),
        DaySales(date(2026, 10, 18), 12_000, 1),
        DaySales(date(2026, 10, 19), 0, 0),
        DaySales(date(2026, 10, 20), 12_000, 1),
    )


def test_an_order_of_two_events_counts_in_each_for_its_own_part(backends):
    owner = make_account(backends, Role.ORGANISER)
    dear = make_event(backends, owner, price_amount=20_000)
    cheap = make_event(backends, owner, price_amount=5_000)
    sell(backends, make_photo(backends, dear), make_photo(backends, cheap))

    lines = {line.event.id: line for line in analytics.overall(backends, by=owner)}

    assert analytics.sales(backends, dear.id, by=owner).revenue_amount == 20_000
    assert {
        key: (line.revenue_amount, line.order_count, line.photo_count) for key, line in lines.items()
    } == {
        dear.id: (20_000, 1, 1),
        cheap.id: (5_000, 1, 1),
    }


def test_an_event_without_sales_has_zeros(backends):
    owner = make_account(backends, Role.ORGANISER)
    event = make_event(backends, owner)

    found = analytics.sales(backends, event.id, by=owner)

    assert (found.revenue_amount, found.average_amount, found.days, found.best) == (0, 0, (), ())
    assert [line.revenue_amount for line in analytics.overall(backends, by=owner)] == [0]


def test_nothing_tells_who_bought(backends):
    event = make_event(backends)
    order = sell(backends, make_photo(backends, event))

    found = analytics.sales(backends, event.id, by=analyst_of(backends, event))

    told = str([asdict(day) for day in found.days]) + str(found)
    assert EMAIL not in told
    assert order.visitor_key not in told


@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.DOOR])
def test_other_members_may_not_see_the_sales(backends, role):
    event = make_event(backends)
    member = make_member(backends, event, role)

    with pytest.raises(Forbidden):
        analytics.sales(backends, event.id, by=member)

    assert analytics.overall(backends, by=member) == []


def test_to_strangers_the_event_does_not_exist(backends):
    event = make_event(backends)
    stranger = make_account(backends, Role.ORGANISER)

    with pytest.raises(NotFound):
        analytics.sales(backends, event.id, by=stranger)

    assert analytics.overall(backends, by=stranger) == []


def test_without_an_account_there_is_no_overview(backends):
    for ask in (
        lambda: analytics.overall(backends, by=None),
        lambda: analytics.listing(backends, Asked(), by=None),
    ):
        with pytest.raises(SignInNeeded):
            ask()


def test_an_admin_sees_the_sales_of_every_event(backends):
    events = [make_event(backends), make_event(backends)]
    admin = make_account(backends, Role.ADMIN)

    assert {line.event.id for line in analytics.overall(backends, by=admin)} == {event.id for event in events}


def page_by_page(backends, account) -> Iterator[analytics.EventSales]:
    """The overview in pages of two."""
    found = analytics.listing(backends, Asked(2), by=account)
    yield from found.items
    while found.next_cursor:
        found = analytics.listing(backends, Asked(2, found.next_cursor), by=account)
        yield from found.items


@pytest.mark.parametrize("role", [*MemberRole, None])
def test_the_pages_of_the_overview_are_the_overview(backends, role):
    event, _ = make_event(backends), make_event(backends)
    account = make_member(backends, event, role) if role else make_account(backends, Role.ADMIN)
    for _ in range(3):
        add_member(backends, make_event(backends), account, role or MemberRole.DOOR)
    sell(backends, make_photo(backends, event))

    lines = list(page_by_page(backends, account))

    assert lines == analytics.overall(backends, by=account)
