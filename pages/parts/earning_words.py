"""What moves money between people, in words: rows of statements, payouts, periods."""

from datetime import date, timedelta

import streamlit as st

from core.bills import written
from core.i18n import _
from core.statements import Row
from models.ledger import EntryKind, Payout, PayoutStatus
from pages.parts import site, style


def what(row: Row) -> str:
    """Return what a row of a statement is about."""
    words = {
        EntryKind.SALE: _("Sold: {what}"),
        EntryKind.REFUND: _("Given back: {what}"),
        EntryKind.REFUND_FAILED: _("Refund undone: {what}"),
        EntryKind.DISPUTE_OPENED: _("Disputed, frozen: {what}"),
        EntryKind.DISPUTE_WON: _("Dispute won: {what}"),
        EntryKind.DISPUTE_LOST: _("Dispute lost: {what}"),
        EntryKind.PAYOUT: _("Paid out: {what}"),
    }
    return words[row.kind].format(what=row.label)


def how(row: Row, currency: str) -> str:
    """Return how a row's amount was computed."""
    if row.percent is not None and row.base_amount is not None:
        return _("{percent} % of {base}").format(percent=row.percent, base=written(row.base_amount, currency))
    if row.kind is EntryKind.SALE:
        parts = (row.paid_amount, row.tax_amount, row.platform_amount, row.others_amount)
        return " − ".join(written(amount, currency) for amount in parts)
    if row.paid_amount:
        return _("your part of {amount}").format(amount=written(row.paid_amount, currency))
    return ""


def days(payout: Payout) -> str:
    """Return a payout's period, "1 Oct 2026 – 31 Oct 2026"."""
    return f"{site.day(payout.period_start)} – {site.day(payout.period_end - timedelta(days=1))}"


def state(value: PayoutStatus) -> tuple[str, style.Tone]:
    """Return where a payout stands as the text and colour of a chip."""
    known: dict[PayoutStatus, tuple[str, style.Tone]] = {
        PayoutStatus.DUE: (_("Due"), "info"),
        PayoutStatus.PAID: (_("Paid"), "good"),
        PayoutStatus.CANCELLED: (_("Cancelled"), ""),
    }
    return known[value]


def ask_period(first: date, last: date, *, key: str, most: date) -> tuple[date, date]:
    """Ask for a period by its first and last day; return the first day, and the day after the last."""
    left, right = st.columns(2)
    given = left.date_input(_("First day"), first, max_value=most, key=f"{key}_first", format="YYYY-MM-DD")
    until = right.date_input(_("Last day"), last, max_value=most, key=f"{key}_last", format="YYYY-MM-DD")
    return given, until + timedelta(days=1)


def month_before(day: date) -> tuple[date, date]:
    """Return the first and the last day of the month before a day."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last
