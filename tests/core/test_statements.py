"""What people were owed, row by row, so that everybody can compute it again."""

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core import bookings, ledger, payouts, shares, statements
from core.errors import InvalidInput, NotFound, SignInNeeded
from core.ledger import Balance
from core.spreadsheets import BOM
from models.account import Role
from models.event import MemberRole
from models.ledger import Book, EntryKind, LedgerPosting
from models.order import LineItem, LineKind
from tests.core.test_bookings import Sold, amounts, change, make_order
from tests.makers import make_account, make_event, make_member, make_photo, owner_of

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
EVER = (date(2026, 1, 1), date(2100, 1, 1))


@pytest.fixture
def event(backends):
    return make_event(backends, name="Hill run")


@pytest.fixture
def photographer(backends, event):
    return make_member(backends, event, MemberRole.PHOTOGRAPHER, name="Phil")


def at(backends, *when: int) -> None:
    """Set the clock."""
    moment = datetime(*when, tzinfo=UTC)
    backends.now = lambda: moment


def of(backends, account, start=EVER[0], end=EVER[1]) -> statements.Statement:
    return statements.statement(backends, account.id, "THB", start, end, by=account)


def test_a_row_says_what_was_sold_and_how_the_share_was_computed(backends, event, photographer):
    photo = make_photo(backends, event, filename="IMG_7.jpg")
    at(backends, 2026, 10, 17, 12)
    order, _ = make_order(
        backends, event, Sold(10_700, tax=700), photographer=photographer, photo_id=photo.id
    )

    made = of(backends, photographer)

    assert made.rows == [
        statements.Row(
            at=datetime(2026, 10, 17, 12, tzinfo=UTC),
            kind=EntryKind.SALE,
            book=Book.OWED,
            event="Hill run",
            order_id=order.id,
            label="IMG_7.jpg",
            paid_amount=10_700,
            tax_amount=700,
            platform_amount=1_000,
            others_amount=3_600,
            base_amount=9_000,
            percent=60,
            amount=5_400,
            before=0,
            after=5_400,
        )
    ]
    assert (made.name, made.opening, made.closing) == ("Phil", Balance(0, 0), Balance(5_400, 0))


def test_what_is_left_to_the_organiser_is_paid_less_tax_platform_and_others(backends, event, photographer):
    make_order(backends, event, Sold(10_700, tax=700), photographer=photographer)

    (row,) = of(backends, owner_of(backends, event)).rows

    assert (row.base_amount, row.percent, row.others_amount) == (None, None, 5_400)
    assert row.amount == row.paid_amount - row.tax_amount - row.platform_amount - row.others_amount == 3_600


def test_a_period_begins_with_what_stood_before_and_ends_before_its_end(backends, event, photographer):
    for moment in ((2026, 10, 31, 23, 59), (2026, 11, 1), (2026, 11, 30, 23, 59), (2026, 12, 1)):
        at(backends, *moment)
        make_order(backends, event, Sold(), photographer=photographer)

    made = of(backends, photographer, NOVEMBER, DECEMBER)

    assert (made.opening, made.closing) == (Balance(6_480, 0), Balance(19_440, 0))
    assert [(row.at.day, row.before, row.after) for row in made.rows] == [
        (1, 6_480, 12_960),
        (30, 12_960, 19_440),
    ]


def test_a_dispute_shows_what_is_frozen_and_what_was_lost(backends, event, photographer):
    order, _ = make_order(backends, event, Sold(10_000, platform=0), photographer=photographer)
    with backends.transaction() as session:
        bookings.freeze(backends, session, "d1", order)
        bookings.lose(backends, session, "d1", order, 5_000)

    made = of(backends, photographer)

    assert [(row.kind, row.book, row.amount, row.paid_amount, row.after) for row in made.rows] == [
        (EntryKind.SALE, Book.OWED, 6_000, 10_000, 6_000),
        (EntryKind.DISPUTE_OPENED, Book.OWED, -6_000, 0, 0),
        (EntryKind.DISPUTE_OPENED, Book.FROZEN, 6_000, 0, 6_000),
        (EntryKind.DISPUTE_LOST, Book.FROZEN, -6_000, 0, 0),
        (EntryKind.DISPUTE_LOST, Book.OWED, 6_000, 0, 6_000),
        (EntryKind.DISPUTE_LOST, Book.OWED, -3_000, -5_000, 3_000),
    ]
    assert made.closing == Balance(3_000, 0)


def test_a_payout_is_a_row_with_its_reference(backends, event, photographer):
    admin = make_account(backends, Role.ADMIN)
    at(backends, 2026, 10, 17)
    make_order(backends, event, Sold(), photographer=photographer)
    at(backends, 2026, 11, 2)
    (drawn, *_) = [
        one
        for one in payouts.draw_up(backends, OCTOBER, NOVEMBER, "THB", by=admin)
        if one.account_id == photographer.id
    ]

    payouts.mark_paid(backends, drawn.id, "SCB 42", by=admin)

    row = of(backends, photographer).rows[-1]
    assert (row.kind, row.label, row.amount, row.after) == (EntryKind.PAYOUT, "SCB 42", -6_480, 0)


def recompute(row: statements.Row) -> int:
    """What the row's own numbers come to, as its owner would reckon."""
    if row.percent is not None:
        return shares.percent_of(row.base_amount, row.percent)
    return row.paid_amount - row.tax_amount - row.platform_amount - row.others_amount


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sold=st.lists(amounts, min_size=1, max_size=4), data=st.data())
def test_every_share_can_be_computed_again_and_all_of_them_add_up_to_what_was_paid(
    backends, event, photographer, sold, data
):
    order, lines = make_order(backends, event, *sold, photographer=photographer)
    whole = data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    left = [
        0 if is_back else data.draw(st.integers(0, line.amount))
        for line, is_back in zip(lines, whole, strict=True)
    ]
    change(backends, order, lines, *left, subject=str(order.id))

    people = [of(backends, who) for who in (photographer, owner_of(backends, event))]

    mine = [[row for row in one.rows if row.order_id == order.id] for one in people]
    assert all(row.amount == recompute(row) for rows in mine for row in rows)
    assert all(row.after - row.before == row.amount for rows in mine for row in rows)
    assert all(one.closing.owed == sum(row.amount for row in one.rows) for one in people)
    with backends.reading() as session:
        assert Counter(ledger.totals(session)).total() == 0
        of_lines = select(LedgerPosting).where(LedgerPosting.line_item_id.in_([line.id for line in lines]))
        books = Counter()
        for posting in session.exec(of_lines):
            books[posting.book] += posting.amount
    people_have = sum(row.amount for rows in mine for row in rows)
    assert books[Book.GATEWAY] == sum(left) == people_have - books[Book.TAX] - books[Book.PLATFORM]


def test_a_pass_is_named_by_its_label(backends, event, photographer):
    make_photo(backends, event, uploaded_by=photographer.id)
    _order, (line,) = make_order(backends, event, Sold(), kind=LineKind.PASS)
    with backends.transaction() as session:
        session.get_one(LineItem, line.id).label = "Hill run · pass"

    assert [row.label for row in of(backends, owner_of(backends, event)).rows] == ["Hill run · pass"]


def test_others_do_not_learn_what_somebody_is_owed_nor_whether_there_is_such_an_account(
    backends, event, photographer
):
    organiser = owner_of(backends, event)

    for account_id in (photographer.id, 10**6):
        with pytest.raises(NotFound, match="their own only"):
            statements.statement(backends, account_id, "THB", *EVER, by=organiser)
    with pytest.raises(SignInNeeded):
        statements.statement(backends, photographer.id, "THB", *EVER, by=None)


def test_an_admin_reads_anybodys_statement(backends, event, photographer):
    make_order(backends, event, Sold(), photographer=photographer)

    made = statements.statement(
        backends, photographer.id, "THB", *EVER, by=make_account(backends, Role.ADMIN)
    )

    assert made == of(backends, photographer)


@pytest.mark.parametrize("end", [OCTOBER, date(2026, 9, 30)])
def test_a_period_has_a_day_at_least(backends, photographer, end):
    with pytest.raises(InvalidInput, match="one day at least"):
        of(backends, photographer, OCTOBER, end)


def test_the_file_has_amounts_as_decimals_and_in_minor_units_and_runs_no_formula(
    backends, event, photographer
):
    photo = make_photo(backends, event, filename="=HYPERLINK(1).jpg")
    at(backends, 2026, 10, 17, 12)
    order, lines = make_order(backends, event, Sold(12_345), photographer=photographer, photo_id=photo.id)
    change(backends, order, lines, 0)

    text = "".join(statements.statement_csv(of(backends, photographer)))

    assert text.startswith(BOM)
    sale, back = csv.DictReader(io.StringIO(text.removeprefix(BOM)))
    assert (sale["date"], sale["what"], sale["currency"]) == ("2026-10-17T12:00:00Z", "sale", "THB")
    assert (sale["photo"], sale["order"]) == ("'=HYPERLINK(1).jpg", str(order.id))
    assert (sale["base"], sale["percent"], sale["amount"]) == ("111.10", "60", "66.66")
    assert (back["amount"], back["amount_minor"], back["after_minor"]) == ("-66.66", "-6666", "0")
    assert Decimal(sale["paid_by_buyer"]) * 100 == 12_345
