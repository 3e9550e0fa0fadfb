"""Paying people: who is owed what, payouts drawn up for a period, marked paid, cancelled, taken along."""

from datetime import UTC

import streamlit as st

from core import i18n, payouts
from core.i18n import _
from core.payouts import Payee
from core.pricing import format_amount
from models.ledger import Payout
from pages.parts import earning_words, payout_list, site, style, tables

backends = site.backends()
account = site.require_account()
today = backends.now().astimezone(UTC).date()


def owed(payees: list[Payee]) -> None:
    """Show what everybody has."""
    head = (_("Name"), _("Owed"), _("On its way"), _("Frozen"), _("Paid so far"))
    rows = [
        (payee.name, *(format_amount(n, one.currency) for n in (one.owed, one.due, one.frozen, one.paid)))
        for payee in payees
        for one in payee.funds
    ]
    tables.show(_("What is owed"), head, rows, numbers=4)


def draw_up(currencies: list[str]) -> None:
    """Draw up payouts for a period."""
    st.subheader(_("Draw up payouts"), anchor=False)
    st.caption(
        _(
            "One for everybody who was owed something at the end of the last day, in UTC, and is owed it "
            "now. What was drawn up or paid before is not again."
        )
    )
    first, last = earning_words.month_before(today)
    with st.form("draw_up"):
        start, end = earning_words.ask_period(first, last, key="payouts", most=today)
        currency = st.selectbox(_("Currency"), currencies)
        if st.form_submit_button(_("Draw up payouts"), type="primary"):
            with site.refusals():
                told(payouts.draw_up(backends, start, end, currency, by=account))


def told(drawn: list[Payout]) -> None:
    """Say what was drawn up."""
    if drawn:
        count = i18n.plural("{count} payout is drawn up.", "{count} payouts are drawn up.", len(drawn))
        st.toast(count)
        st.rerun()
    st.info(_("Nothing is owed for these days that is not in a payout already."))


style.hero(_("Payouts"), _("Shares of what was sold, paid to organisers and photographers by bank."))
people = payouts.payees(backends, by=account)
if people:
    owed(people)
    draw_up(sorted({one.currency for payee in people for one in payee.funds}))
    payout_list.every_one(account)
else:
    told_nothing = _("When photos are sold, everybody with a share is listed here with what they are owed.")
    style.empty_state(_("Nobody is owed anything"), told_nothing)
