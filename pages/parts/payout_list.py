"""The payouts, and what can be done with each: paid, cancelled, accounted for."""

from html import escape

import streamlit as st

from core import paging, payouts, statements
from core.i18n import _
from core.payouts import Drawn
from core.pricing import format_amount
from models.account import Account
from models.ledger import Payout, PayoutStatus
from pages.parts import earning_words, money, site, style

PER_PAGE = 20
ALL = "all"


def every_one(account: Account) -> None:
    """Show the payouts, newest first, with all that can be done with them."""
    st.subheader(_("Payouts"), anchor=False)
    page = _page_of(_choose(), account)
    for drawn in page.items:
        _show(drawn, account)
    if not page.items:
        style.empty_state(_("No payout here"), _("Draw up payouts above; each is listed until it is paid."))
    with st.container(horizontal=True):
        if "after" in st.query_params:
            st.button(_("Newest"), on_click=_to_the_newest)
        if page.next_cursor:
            st.button(_("Older"), on_click=site.remember, args=("after", page.next_cursor))
        if page.items:
            st.download_button(
                _("Download all as CSV"),
                lambda: "".join(payouts.export(site.backends(), by=account)).encode(),
                "payouts.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
            )


def _choose() -> PayoutStatus | None:
    """Return which payouts are asked for; the choice is kept in the address."""
    options = [ALL, *PayoutStatus]
    chosen = st.segmented_control(
        _("Show"),
        options,
        default=site.choice("show", options),
        format_func=lambda key: _("All") if key == ALL else earning_words.state(PayoutStatus(key))[0],
        on_change=_to_the_newest,
        required=True,
    )
    site.remember("show", "" if chosen == ALL else chosen)
    return None if chosen == ALL else PayoutStatus(chosen)


def _to_the_newest() -> None:
    """Begin the list anew."""
    site.remember("after", "")


def _page_of(status: PayoutStatus | None, account: Account) -> paging.Page[Drawn]:
    """Return the page that the address names, the newest one when it names none that we made."""
    try:
        asked = paging.Asked(PER_PAGE, st.query_params.get("after"))
        return payouts.listing(site.backends(), asked, status=status, by=account)
    except paging.CursorUnknown:
        _to_the_newest()
        return payouts.listing(site.backends(), paging.Asked(PER_PAGE), status=status, by=account)


def _show(drawn: Drawn, account: Account) -> None:
    """Show a payout with its actions."""
    payout = drawn.payout
    with st.container(border=True):
        left, right = st.columns([3, 2], vertical_alignment="center")
        amount = format_amount(payout.amount, payout.currency)
        facts = escape(_facts(drawn))
        left.html(
            f"{style.status_chip(*earning_words.state(payout.status))} <strong>{escape(drawn.name)} · "
            f"{escape(amount)}</strong>"
            f'<span class="encore-card-facts" style="display:block;margin-top:4px">{facts}</span>'
        )
        with right.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
            if payout.status is PayoutStatus.DUE:
                _pay(drawn, amount, account)
                _cancel(payout, account)
            _statement(payout, account)


def _facts(drawn: Drawn) -> str:
    payout = drawn.payout
    facts = [drawn.email, earning_words.days(payout)]
    if payout.paid_at:
        facts.append(
            _("paid {time}, {reference}").format(time=money.when(payout.paid_at), reference=payout.reference)
        )
    return " · ".join(facts)


def _pay(drawn: Drawn, amount: str, account: Account) -> None:
    payout = drawn.payout
    with st.popover(_("Mark as paid")), st.form(f"pay_{payout.id}", border=False):
        told = _("Transfer {amount} to {name} first. They get a mail with this reference.")
        st.write(told.format(amount=style.plain(amount), name=style.plain(drawn.name)))
        reference = st.text_input(
            _("Reference of the transfer"), max_chars=payouts.LONGEST_REFERENCE, key=f"reference_{payout.id}"
        )
        if st.form_submit_button(_("It is paid"), type="primary"):
            with site.refusals():
                payouts.mark_paid(site.backends(), payout.id, reference, by=account)
                st.rerun()


def _cancel(payout: Payout, account: Account) -> None:
    with st.popover(_("Cancel")):
        st.write(_("Nothing is paid. The money stays owed and can be drawn up anew."))
        if st.button(_("Cancel this payout"), type="primary", key=f"cancel_{payout.id}"):
            with site.refusals():
                payouts.cancel(site.backends(), payout.id, by=account)
                st.rerun()


def _statement(payout: Payout, account: Account) -> None:
    """Offer the rows of its period as a file; it is made when it is asked for."""

    def made() -> bytes:
        rows = statements.statement(
            site.backends(),
            payout.account_id,
            payout.currency,
            payout.period_start,
            payout.period_end,
            by=account,
        )
        return "".join(statements.statement_csv(rows)).encode()

    name = f"statement-{payout.account_id}-{payout.currency}-{payout.period_start}-{payout.period_end}.csv"
    label, key = _("Statement"), f"statement_{payout.id}"
    st.download_button(label, made, name, "text/csv", key=key, on_click="ignore")
