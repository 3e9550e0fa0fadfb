"""A statement for a chosen period, on the page and as a file; and what was paid out."""

from collections.abc import Sequence
from datetime import UTC
from html import escape

import streamlit as st

from core import i18n, statements
from core.bills import written
from core.earnings import Earnings
from core.i18n import _
from core.statements import Row, Statement
from models.account import Account
from models.ledger import Book, Payout
from pages.parts import earning_words, site, style, tables

SHOWN = 15  # rows on the page; the file has all
_LIST = "list-style:none;margin:0;padding:0"
_NUMBER = "text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"
_ROW = (
    "display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 16px;margin:0;padding:9px 0;"
    "border-top:1px solid var(--encore-line);font-size:1rem;line-height:1.5"
)


def show(mine: Earnings, account: Account) -> None:
    """Ask for a period, and show what moved in it."""
    st.subheader(_("Statement"), anchor=False)
    today = site.backends().now().astimezone(UTC).date()
    currencies = [one.currency for one in mine.funds]
    currency = currencies[0]
    if len(currencies) > 1:
        currency = st.selectbox(_("Currency"), currencies, key="statement_currency")
    newest = mine.recent[currency][0].at.date()
    first, end = earning_words.ask_period(newest.replace(day=1), today, key="statement", most=today)
    with site.refusals():
        made = statements.statement(site.backends(), account.id, currency, first, end, by=account)
        _sums(made)
        _rows(made)
        download(made, "statement")
    _payouts(mine.payouts)


def download(made: Statement, key: str) -> None:
    """Offer a statement as a file."""
    st.download_button(
        _("Download statement (CSV)"),
        "".join(statements.statement_csv(made)).encode(),
        f"statement-{made.currency}-{made.period_start}-{made.period_end}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"{key}_csv",
    )


def _sums(made: Statement) -> None:
    before, after = (
        written(balance.owed + balance.frozen, made.currency) for balance in (made.opening, made.closing)
    )
    rows = i18n.plural("{count} movement", "{count} movements", len(made.rows))
    told = _("{rows}, from {before} to {after}. Days are in UTC.")
    st.caption(style.plain(told.format(rows=rows, before=before, after=after)))


def _rows(made: Statement) -> None:
    shown = made.rows[::-1][:SHOWN]
    if not shown:
        st.write(_("Nothing moved in these days. Choose others."))
        return
    st.html(f'<ul style="{_LIST}">{"".join(_item(row, made.currency) for row in shown)}</ul>')
    if len(made.rows) > SHOWN:
        told = _("The newest {count} are shown; the file has all of them.")
        st.caption(told.format(count=SHOWN))


def _item(row: Row, currency: str) -> str:
    told = (site.day(row.at.date()), row.event, earning_words.how(row, currency))
    facts = " · ".join(part for part in told if part)
    stands = _("{amount} frozen") if row.book is Book.FROZEN else _("then {amount}")
    after = stands.format(amount=written(row.after, currency))
    return (
        f'<li style="{_ROW}"><span style="overflow-wrap:anywhere"><strong>{escape(earning_words.what(row))}'
        f"</strong>{_quiet(facts)}</span>"
        f'<span style="{_NUMBER}">{escape(written(row.amount, currency))}{_quiet(after)}</span></li>'
    )


def _quiet(text: str) -> str:
    return f'<span class="encore-card-facts" style="display:block">{escape(text)}</span>'


def _payouts(payouts: Sequence[Payout]) -> None:
    st.subheader(_("Payouts"), anchor=False)
    if not payouts:
        st.write(_("Nothing was paid out yet. Payouts are drawn up after the end of a period."))
        return
    head = (_("Period"), _("State"), _("Reference"), _("Amount"))
    rows = [
        (
            earning_words.days(one),
            earning_words.state(one.status)[0],
            one.reference or "–",
            written(one.amount, one.currency),
        )
        for one in payouts
    ]
    tables.show(_("Payouts"), head, rows, numbers=1)
