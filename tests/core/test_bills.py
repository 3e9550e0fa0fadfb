"""Bills in words."""

from uuid import uuid4

import pytest

from core import bills
from core.pricing import BillRow, RowKind
from models.cart import Size
from models.order import LineItem, LineKind, Order


@pytest.mark.parametrize(
    ("row", "text", "amount"),
    [
        (
            BillRow(RowKind.PHOTOS, "Run 1", 3, 12_000, amount=36_000, size="full"),
            "Run 1 · full size: 3 × ฿120",
            "฿360",
        ),
        (
            BillRow(RowKind.PHOTOS, "Run 1", 1, 5_050, amount=5_050, size="web"),
            "Run 1 · web size: 1 × ฿50.50",
            "฿50.50",
        ),
        (
            BillRow(RowKind.PASS, "Run 1", 1, 49_000, amount=49_000, size="full"),
            "Run 1 · pass to all photos: ฿490",
            "฿490",
        ),
        (BillRow(RowKind.EARLY, percent=10, amount=-3_600), "Early bird −10 %", "−฿36"),
        (BillRow(RowKind.GIFT, count=1, amount=-12_000), "1 free photo", "−฿120"),
        (BillRow(RowKind.GIFT, count=2, amount=-24_000), "2 free photos", "−฿240"),
        (BillRow(RowKind.TIER, count=5, percent=10, amount=-100), "5 photos or more −10 %", "−฿1"),
        (
            BillRow(RowKind.BUNDLE, count=9, unit_amount=49_000, amount=-59_000),
            "All my photos for ฿490",
            "−฿590",
        ),
        (BillRow(RowKind.COUPON, "RUN10", percent=10, amount=-1_000), "Coupon RUN10 −10 %", "−฿10"),
        (BillRow(RowKind.COUPON, "GIFT", amount=-5_000), "Coupon GIFT", "−฿50"),
        (BillRow(RowKind.TAX_INCLUDED, amount=700, basis_points=700), "Includes VAT 7 %", "฿7"),
        (BillRow(RowKind.TAX_ADDED, amount=725, basis_points=725), "VAT 7.25 %", "฿7.25"),
        (BillRow(RowKind.TAX_ADDED, amount=1_000, basis_points=1_050), "VAT 10.5 %", "฿10"),
    ],
)
def test_every_row_is_said_in_words(row, text, amount):
    assert bills.words(row, "THB") == (text, amount)


def test_every_kind_of_row_has_words():
    for kind in RowKind:
        text, amount = bills.words(BillRow(kind, "Run", 2, 100, 10, -100), "EUR")

        assert text
        assert amount == "−€1"


def some_order(**fields) -> Order:
    return Order(visitor_key="k", email="a@example.org", total_amount=0, currency="THB", gateway="", **fields)


def test_a_bill_comes_back_from_its_order_as_it_was():
    rows = [
        BillRow(RowKind.PHOTOS, "Run 1", 3, 12_000, amount=36_000, size=Size.WEB),
        BillRow(RowKind.COUPON, "RUN10", percent=10, amount=-3_600),
        BillRow(RowKind.TAX_INCLUDED, amount=700, basis_points=700),
    ]

    packed = bills.packed(rows)

    assert bills.rows(some_order(bill=packed)) == rows
    assert {type(value) for row in packed for value in row.values()} == {str, int}


def test_an_order_from_before_there_were_bills_is_billed_by_its_lines():
    order = some_order(bill=[])
    lines = [
        LineItem(order_id=order.id, event_id=1, photo_id=uuid4(), label=label, amount=amount, currency="THB")
        for label, amount in (
            ("Run · A · IMG_1.jpg", 12_000),
            ("Run · A · IMG_2.jpg", 12_000),
            ("Lake · X.jpg", 0),
        )
    ]
    lines.append(
        LineItem(
            order_id=order.id, event_id=1, kind=LineKind.PASS, label="Hill", amount=49_000, currency="THB"
        )
    )

    assert bills.rows(order, lines) == [
        BillRow(RowKind.PASS, "Hill", 1, 49_000, amount=49_000, size="full"),
        BillRow(RowKind.PHOTOS, "Lake", 1, 0, amount=0, size="full"),
        BillRow(RowKind.PHOTOS, "Run · A", 2, 12_000, amount=24_000, size="full"),
    ]
