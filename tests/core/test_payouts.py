"""Paying people: nothing twice, nothing that is not owed any more, and everybody sees their own."""

import csv
import io
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core import audit, bookings, earnings, ledger, payouts, statements
from core.earnings import Funds
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, SignInNeeded
from models.account import Role
from models.audit import AuditEntry
from models.event import MemberRole
from models.ledger import Book, EntryKind, LedgerEntry, Payout, PayoutStatus
from models.mail import MailKind, OutboxMail
from tests.core.test_bookings import Sold, change, make_order
from tests.core.test_on_postgresql import together
from tests.core.test_statements import at
from tests.makers import make_account, make_event, make_member, owner_of

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
SHARE = 6_480  # of `Sold()`: 60 % of what 10 % for the platform leave of ฿120
REST = 4_320  # the organiser's


@pytest.fixture
def event(backends):
    return make_event(backends, name="Hill run")


@pytest.fixture
def photographer(backends, event):
    return make_member(backends, event, MemberRole.PHOTOGRAPHER, name="Phil")


@pytest.fixture
def admin(backends):
    return make_account(backends, Role.ADMIN)


@pytest.fixture
def sold(backends, event, photographer):
    """One photo sold in October, and it is November now."""
    at(backends, 2026, 10, 17)
    order, _ = make_order(backends, event, Sold(), photographer=photographer)
    at(backends, 2026, 11, 2)
    return order


def draw_up(backends, admin, start=OCTOBER, end=NOVEMBER) -> dict[int, int]:
    """The amounts drawn up, by account."""
    drawn = payouts.draw_up(backends, start, end, "THB", by=admin)
    return {one.account_id: one.amount for one in drawn}


def due_of(backends, account, admin) -> Payout:
    """The one payout that the account waits for."""
    page = payouts.listing(backends, status=PayoutStatus.DUE, by=admin)
    (found,) = [drawn.payout for drawn in page.items if drawn.payout.account_id == account.id]
    return found


def freeze(backends, order) -> None:
    with backends.transaction() as session:
        bookings.freeze(backends, session, "d1", order)


def totals(backends) -> dict[Book, int]:
    with backends.reading() as session:
        return {book: amount for (book, _), amount in ledger.totals(session).items() if amount}


def test_everybody_who_is_owed_something_gets_a_payout(backends, event, photographer, admin, sold):
    drawn = draw_up(backends, admin)

    assert drawn == {photographer.id: SHARE, event.created_by: REST}
    payout = due_of(backends, photographer, admin)
    assert (payout.period_start, payout.period_end, payout.created_by) == (OCTOBER, NOVEMBER, admin.id)


def test_the_same_money_is_never_drawn_up_twice(backends, event, photographer, admin, sold):
    first = draw_up(backends, admin)
    again = draw_up(backends, admin)
    payouts.mark_paid(backends, due_of(backends, photographer, admin).id, "SCB 1", by=admin)

    assert first != {}
    assert again == draw_up(backends, admin) == draw_up(backends, admin, date(2026, 9, 1)) == {}


def test_what_was_earned_after_the_period_waits_for_the_next(backends, event, photographer, admin, sold):
    make_order(backends, event, Sold(), Sold(), photographer=photographer)
    october = draw_up(backends, admin)
    at(backends, 2026, 12, 1)

    november = draw_up(backends, admin, NOVEMBER, DECEMBER)

    assert (october[photographer.id], november[photographer.id]) == (SHARE, 2 * SHARE)


def test_a_period_that_was_paid_takes_nothing_of_what_was_earned_since(
    backends, event, photographer, admin, sold
):
    draw_up(backends, admin)
    payouts.mark_paid(backends, due_of(backends, photographer, admin).id, "SCB 1", by=admin)
    make_order(backends, event, Sold(), photographer=photographer)

    assert draw_up(backends, admin) == {}


def test_what_went_back_or_is_frozen_since_is_not_drawn_up(backends, event, photographer, admin, sold):
    other, lines = make_order(backends, event, Sold(), photographer=photographer)
    at(backends, 2026, 12, 1)
    change(backends, other, lines, 0)
    freeze(backends, sold)

    assert draw_up(backends, admin, OCTOBER, DECEMBER) == {}


def test_a_running_period_is_not_drawn_up(backends, admin, sold):
    at(backends, 2026, 10, 31, 23, 59)

    with pytest.raises(InvalidInput, match="not over"):
        draw_up(backends, admin)


def test_another_currency_is_another_payout(backends, event, photographer, admin, sold):
    assert payouts.draw_up(backends, OCTOBER, NOVEMBER, "EUR", by=admin) == []


def test_a_payment_is_booked_told_and_written_down(backends, photographer, admin, sold):
    draw_up(backends, admin)
    payout_id = due_of(backends, photographer, admin).id

    paid = payouts.mark_paid(backends, payout_id, " SCB 4711 ", by=admin)

    assert (paid.status, paid.reference, paid.paid_at) == (PayoutStatus.PAID, "SCB 4711", backends.now())
    assert totals(backends)[Book.PAID_OUT] == -SHARE
    assert sum(totals(backends).values()) == 0
    with backends.reading() as session:
        assert ledger.balance(session, photographer.id, "THB").owed == 0
        (mail,) = session.exec(select(OutboxMail).where(OutboxMail.kind == MailKind.PAYOUT)).all()
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "payout.paid")).one()
    assert (mail.subject, mail.to) == (str(payout_id), photographer.email)


def test_a_payout_is_paid_or_cancelled_once(backends, photographer, admin, sold):
    draw_up(backends, admin)
    payout_id = due_of(backends, photographer, admin).id
    payouts.mark_paid(backends, payout_id, "SCB 1", by=admin)

    for act in (
        lambda: payouts.mark_paid(backends, payout_id, "SCB 2", by=admin),
        lambda: payouts.cancel(backends, payout_id, by=admin),
    ):
        with pytest.raises(payouts.Settled, match="already"):
            act()
    assert totals(backends)[Book.PAID_OUT] == -SHARE


def test_money_that_a_dispute_froze_is_not_paid_out(backends, event, photographer, admin, sold):
    make_order(backends, event, Sold(6_000), photographer=photographer)
    at(backends, 2026, 12, 1)
    draw_up(backends, admin, OCTOBER, DECEMBER)
    payout = due_of(backends, photographer, admin)
    freeze(backends, sold)
    before = totals(backends)

    with pytest.raises(Conflict, match=r"says ฿97.20, and only ฿32.40 is owed now.*Cancel this payout"):
        payouts.mark_paid(backends, payout.id, "SCB 1", by=admin)

    assert due_of(backends, photographer, admin).status is PayoutStatus.DUE
    assert totals(backends) == before
    payouts.cancel(backends, payout.id, by=admin)
    assert draw_up(backends, admin, OCTOBER, DECEMBER) == {photographer.id: 3_240}


def test_what_went_back_since_is_not_paid_out(backends, event, photographer, admin):
    at(backends, 2026, 10, 17)
    order, lines = make_order(backends, event, Sold(), photographer=photographer)
    at(backends, 2026, 11, 2)
    draw_up(backends, admin)
    change(backends, order, lines, 0)

    with pytest.raises(payouts.OwedLess, match="only ฿0 is owed"):
        payouts.mark_paid(backends, due_of(backends, photographer, admin).id, "SCB 1", by=admin)


def test_a_cancelled_payout_is_owed_as_before(backends, photographer, admin, sold):
    first = draw_up(backends, admin)

    payouts.cancel(backends, due_of(backends, photographer, admin).id, by=admin)

    assert draw_up(backends, admin) == {photographer.id: first[photographer.id]}


@pytest.mark.parametrize("reference", ["", "  ", "x" * 121])
def test_a_payment_needs_the_reference_of_its_transfer(backends, photographer, admin, sold, reference):
    draw_up(backends, admin)

    with pytest.raises(InvalidInput, match="reference"):
        payouts.mark_paid(backends, due_of(backends, photographer, admin).id, reference, by=admin)


def test_an_unknown_payout_is_refused(backends, admin):
    with pytest.raises(NotFound, match="no such payout"):
        payouts.mark_paid(backends, 99, "SCB", by=admin)
    with pytest.raises(NotFound, match="no such payout"):
        payouts.cancel(backends, 99, by=admin)


@pytest.mark.parametrize("role", [*(role for role in Role if role is not Role.ADMIN), None])
def test_only_admins_pay(backends, role):
    account = None if role is None else make_account(backends, role)

    for act in (
        lambda: payouts.draw_up(backends, OCTOBER, NOVEMBER, "THB", by=account),
        lambda: payouts.mark_paid(backends, 1, "SCB", by=account),
        lambda: payouts.cancel(backends, 1, by=account),
        lambda: payouts.listing(backends, by=account),
        lambda: payouts.payees(backends, by=account),
        lambda: payouts.export(backends, by=account),
    ):
        with pytest.raises(SignInNeeded if account is None else Forbidden):
            act()


def test_the_list_says_whose_each_payout_is_newest_first(backends, event, photographer, admin, sold):
    draw_up(backends, admin)

    page = payouts.listing(backends, by=admin)

    assert {(one.name, one.payout.amount) for one in page.items} == {
        ("Phil", SHARE),
        (owner_of(backends, event).name, REST),
    }
    assert [one.payout.id for one in page.items] == sorted(
        (one.payout.id for one in page.items), reverse=True
    )
    assert payouts.listing(backends, status=PayoutStatus.PAID, by=admin).items == []


def test_payees_are_listed_with_what_they_have(backends, event, photographer, admin, sold):
    draw_up(backends, admin)
    payouts.mark_paid(backends, due_of(backends, owner_of(backends, event), admin).id, "SCB", by=admin)

    found = {payee.account_id: payee.funds for payee in payouts.payees(backends, by=admin)}

    assert found == {
        photographer.id: [Funds("THB", owed=SHARE, frozen=0, due=SHARE, paid=0)],
        event.created_by: [Funds("THB", owed=0, frozen=0, due=0, paid=REST)],
    }


def test_the_file_of_payouts_runs_no_formula(backends, event, admin, photographer, sold):
    with backends.transaction() as session:
        session.merge(photographer).name = "=1+1"
    draw_up(backends, admin)
    payouts.mark_paid(backends, due_of(backends, photographer, admin).id, "@SUM(A1)", by=admin)

    text = "".join(payouts.export(backends, by=admin))

    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))}
    mine = rows["'=1+1"]
    assert (mine["amount"], mine["amount_minor"], mine["reference"]) == ("64.80", "6480", "'@SUM(A1)")
    assert (mine["first_day"], mine["last_day"], mine["status"]) == ("2026-10-01", "2026-10-31", "paid")


# --- what people see of it -----------------------------------------------------------------


def test_people_see_what_they_are_owed_what_is_frozen_and_what_was_paid(
    backends, event, photographer, admin, sold
):
    draw_up(backends, admin)
    payouts.mark_paid(backends, due_of(backends, photographer, admin).id, "SCB", by=admin)
    other, _ = make_order(backends, event, Sold(), photographer=photographer)
    third, lines = make_order(backends, event, Sold(), photographer=photographer)
    change(backends, third, lines, 0)
    freeze(backends, other)

    mine = earnings.of_account(backends, by=photographer)

    assert mine.funds == [Funds("THB", owed=0, frozen=SHARE, due=0, paid=SHARE)]
    assert mine.frozen == [earnings.Frozen(other.id, "Hill run", "THB", SHARE)]
    assert mine.months == [
        earnings.Month(NOVEMBER, "THB", sold=2 * SHARE, back=-SHARE, paid=SHARE),
        earnings.Month(OCTOBER, "THB", sold=SHARE, back=0, paid=0),
    ]
    assert mine.events == [earnings.FromEvent(event.id, "Hill run", "THB", 2 * SHARE, 3)]
    assert [(row.kind, row.amount) for row in mine.recent["THB"]][:2] == [
        (EntryKind.DISPUTE_OPENED, SHARE),
        (EntryKind.DISPUTE_OPENED, -SHARE),
    ]
    assert [payout.status for payout in mine.payouts] == [PayoutStatus.PAID]


def test_the_last_rows_end_with_what_stands_now(backends, event, photographer):
    for _ in range(earnings.RECENT + 3):
        make_order(backends, event, Sold(), photographer=photographer)

    rows = earnings.of_account(backends, by=photographer).recent["THB"]

    assert len(rows) == earnings.RECENT
    assert (rows[0].after, rows[-1].before) == (23 * SHARE, 3 * SHARE)


def test_nobody_sees_what_others_earn(backends, event, photographer, sold):
    stranger = make_account(backends)

    mine = earnings.of_account(backends, by=stranger)

    assert mine == earnings.Earnings([], [], [], [], {}, [])
    with pytest.raises(SignInNeeded):
        earnings.of_account(backends, by=None)


# --- whatever happens ----------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(("sell", "back", "freeze", "thaw", "draw", "pay", "cancel")), st.integers(0, 9)
    ),
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_whatever_happens_in_between_nobody_is_paid_more_than_was_owed(backends, steps):
    event = make_event(backends)
    person = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    admin = make_account(backends, Role.ADMIN)
    at(backends, 2026, 10, 17)
    known = []
    for number, (what, which) in enumerate(steps):
        step(backends, event, person, admin, known, what, which, number)

    with backends.reading() as session:
        mine = select(Payout).where(Payout.account_id == person.id)
        ours = session.exec(mine).all()
        owed = ledger.balance(session, person.id, "THB").owed
        paid = [one.amount for one in ours if one.status is PayoutStatus.PAID]
        entries = select(LedgerEntry).where(LedgerEntry.kind == EntryKind.PAYOUT)
        subjects = [entry.subject for entry in session.exec(entries)]
    assert sum(totals(backends).values()) == 0
    assert len(subjects) == len(set(subjects))
    (mine,) = earnings.of_account(backends, by=person).funds or [Funds("THB", 0, 0, 0, 0)]
    assert (mine.paid, mine.owed) == (sum(paid), owed)


def step(backends, event, person, admin, known, what: str, which: int, number: int) -> None:
    """One thing that happens; what is paid is owed at that moment."""
    order, lines = known[which % len(known)] if known else (None, [])
    match what:
        case "sell":
            known.append(make_order(backends, event, Sold(1_000 + which), photographer=person))
        case "back" if order:
            change(backends, order, lines, lines[0].amount // (which + 2), subject=f"{order.id} {number}")
        case "freeze" | "thaw" if order:
            with backends.transaction() as session:
                act = bookings.freeze if what == "freeze" else bookings.thaw
                act(backends, session, f"{order.id}", order)
        case "draw":
            before = drawn(backends, person)
            at(backends, 2026, 11, 2)
            payouts.draw_up(backends, OCTOBER, NOVEMBER, "THB", by=admin)
            at(backends, 2026, 10, 17)
            assert drawn(backends, person) == max(before, owed(backends, person))
        case "pay" | "cancel":
            settle(backends, person, admin, what, which)


def owed(backends, person) -> int:
    with backends.reading() as session:
        return ledger.balance(session, person.id, "THB").owed


def drawn(backends, person) -> int:
    with backends.reading() as session:
        due = select(Payout).where(Payout.account_id == person.id, Payout.status == PayoutStatus.DUE)
        return sum(one.amount for one in session.exec(due))


def settle(backends, person, admin, what: str, which: int) -> None:
    with backends.reading() as session:
        due = select(Payout).where(Payout.account_id == person.id, Payout.status == PayoutStatus.DUE)
        waiting = session.exec(due).all()
    if not waiting:
        return
    payout = waiting[which % len(waiting)]
    before = owed(backends, person)
    if what == "cancel":
        payouts.cancel(backends, payout.id, by=admin)
        return
    if before < payout.amount:
        with pytest.raises(payouts.OwedLess):
            payouts.mark_paid(backends, payout.id, "SCB", by=admin)
        return
    payouts.mark_paid(backends, payout.id, "SCB", by=admin)
    assert owed(backends, person) == before - payout.amount >= 0


# --- several admins at once ----------------------------------------------------------------


@pytest.fixture
def several(platform):
    """A person who is owed something, on a database where writers overlap."""
    event = make_event(platform)
    person = make_member(platform, event, MemberRole.PHOTOGRAPHER)
    at(platform, 2026, 10, 17)
    make_order(platform, event, Sold(), photographer=person)
    at(platform, 2026, 11, 2)
    with platform.transaction() as session:
        audit.record(session, "first", 0, by=None)  # the log's lock
    return platform, person, make_account(platform, Role.ADMIN)


def drawn_by_six_at_once(several) -> list[int]:
    platform, person, admin = several
    together(6, lambda _: payouts.draw_up(replace(platform), OCTOBER, NOVEMBER, "THB", by=admin))
    with platform.reading() as session:
        return list(session.exec(select(Payout.amount).where(Payout.account_id == person.id)))


@pytest.mark.integration
def test_six_admins_who_draw_up_at_once_draw_up_once(several):
    assert drawn_by_six_at_once(several) == [SHARE]


@pytest.mark.integration
def test_without_the_lock_the_same_money_is_drawn_up_several_times(several, monkeypatch):
    monkeypatch.setattr(payouts, "_queue", lambda _session, account_ids: account_ids)

    assert len(drawn_by_six_at_once(several)) > 1


@pytest.mark.integration
def test_six_admins_who_pay_at_once_pay_once(several):
    platform, person, admin = several
    payouts.draw_up(platform, OCTOBER, NOVEMBER, "THB", by=admin)
    payout = due_of(platform, person, admin)

    def pay(number: int) -> bool:
        try:
            payouts.mark_paid(replace(platform), payout.id, f"SCB {number}", by=admin)
        except payouts.Settled:
            return False
        return True

    assert sum(together(6, pay)) == 1
    assert totals(platform)[Book.PAID_OUT] == -SHARE


@pytest.mark.integration
def test_people_see_what_they_earn_on_postgresql_too(several):
    platform, person, admin = several
    payouts.draw_up(platform, OCTOBER, NOVEMBER, "THB", by=admin)
    payouts.mark_paid(platform, due_of(platform, person, admin).id, "SCB", by=admin)

    mine = earnings.of_account(platform, by=person)

    assert mine.funds == [Funds("THB", owed=0, frozen=0, due=0, paid=SHARE)]
    assert [(month.sold, month.paid) for month in mine.months] == [(0, SHARE), (SHARE, 0)]
    assert [event.earned for event in mine.events] == [SHARE]
    made = statements.statement(platform, person.id, "THB", OCTOBER, DECEMBER, by=person)
    assert [row.after for row in made.rows] == [SHARE, 0]
