"""Numbered papers: in the order of the money, without gaps, whatever is rolled back or happens at once."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlmodel import select

from core import receipts
from models.fields import utc_now
from models.order import Order, OrderStatus
from models.refund import Receipt, ReceiptKind, Refund


def make_order(backends, total: int = 10_700, tax: int = 700) -> Order:
    """A paid order without lines: papers are about sums."""
    order = Order(
        visitor_key="v",
        email="runner@example.org",
        status=OrderStatus.PAID,
        total_amount=total,
        tax_amount=tax,
        currency="THB",
        gateway="demo",
        expires_at=utc_now() + timedelta(minutes=30),
    )
    with backends.transaction() as session:
        session.add(order)
    return order


def issue(backends, order: Order) -> str:
    with backends.transaction() as session:
        return receipts.issue(backends, session, order).code


def at(backends, year: int) -> None:
    backends.now = lambda: datetime(year, 6, 1, tzinfo=UTC)


def test_receipts_are_numbered_through_a_year(backends):
    at(backends, 2026)
    first = [issue(backends, make_order(backends)) for _ in range(2)]
    at(backends, 2027)

    assert [*first, issue(backends, make_order(backends))] == ["R2026-000001", "R2026-000002", "R2027-000001"]


def test_a_number_that_was_rolled_back_is_given_to_the_next(backends):
    at(backends, 2026)
    issue(backends, make_order(backends))
    failing = make_order(backends)

    with suppress(ZeroDivisionError), backends.transaction() as session:
        receipts.issue(backends, session, failing)
        _ = 1 // 0

    assert issue(backends, make_order(backends)) == "R2026-000002"


def test_what_costs_nothing_has_no_receipt(backends):
    order = make_order(backends, total=0, tax=0)

    with backends.transaction() as session:
        assert receipts.issue(backends, session, order) is None


def test_a_receipt_copies_amounts_and_the_seller(backends):
    backends.settings.seller = "Encore Ltd. | 1 Rama Road, Bangkok | Tax ID 0105"
    order = make_order(backends)

    issue(backends, order)

    (paper,) = receipts.of_order(backends, order)
    assert (paper.amount, paper.tax_amount, paper.currency) == (10_700, 700, "THB")
    assert paper.seller == "Encore Ltd.\n1 Rama Road, Bangkok\nTax ID 0105"


def test_a_credit_note_has_its_own_series_and_its_part_of_the_tax(backends):
    at(backends, 2026)
    order = make_order(backends)
    issue(backends, order)
    refund = Refund(order_id=order.id, amount=5_350, currency="THB")

    with backends.transaction() as session:
        session.add(refund)
        session.flush()
        note = receipts.credit(backends, session, order, refund)

    assert (note.code, note.kind, note.amount, note.tax_amount) == (
        "C2026-000001",
        ReceiptKind.CREDIT_NOTE,
        5_350,
        350,
    )


def test_many_payments_at_once_leave_no_gap_and_no_double(backends):
    orders = [make_order(backends) for _ in range(8)]
    barrier = threading.Barrier(len(orders))

    def run(order: Order) -> None:
        barrier.wait()
        issue(backends, order)

    threads = [threading.Thread(target=run, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with backends.reading() as session:
        assert sorted(session.exec(select(Receipt.number))) == list(range(1, 9))
