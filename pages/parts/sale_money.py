"""Money of an order that goes back, as its organiser gives it; what became of it, and disputes."""

from html import escape
from uuid import UUID

import streamlit as st

from core import refunds, sales
from core.i18n import _
from core.pricing import format_amount
from core.sales import Details, GivenBack, Sale
from models.account import Account
from models.event import Event
from models.order import LineItem, OrderStatus
from models.refund import DisputeStatus, RefundStatus
from pages.parts import sale_list, site, style

REFRESH_SECONDS = 4
ALL, SOME = "all", "some"
OPEN = "refund_open"  # the order whose refund is being asked for


def is_disputed(details: Details) -> bool:
    """The buyer's bank wants the money: until that is decided nothing can be given back."""
    return any(dispute.status is DisputeStatus.OPEN for dispute in details.disputes)


def left(sale: Sale) -> list[LineItem]:
    """Return the lines of which something can be given back."""
    return [line for line in sale.lines if line.amount > line.refunded_amount]


def offer(details: Details) -> None:
    """Offer to give money back where there is some."""
    sale = details.sale
    if sale.status is not OrderStatus.PAID or not left(sale):
        return
    if st.button(_("Refund…"), icon=":material/undo:", disabled=is_disputed(details)):
        st.session_state[OPEN] = sale.id
    if st.session_state.get(OPEN) == sale.id and not is_disputed(details):
        st.dialog(_("Refund"), on_dismiss=_close)(_ask)(sale)


def _close() -> None:
    st.session_state.pop(OPEN, None)


def _ask(sale: Sale) -> None:
    """Ask what goes back and why, say how much that is, and give it back."""
    chosen = _choose(sale)
    reason = st.text_input(
        _("Why? The event's organisers see it"), max_chars=500, key=f"refund_reason_{sale.id}"
    )
    total = sum(line.amount - line.refunded_amount for line in chosen)
    amount = style.plain(format_amount(total, sale.currency))
    told = _("The buyer gets {amount} back the way it was paid, and can no longer fetch these files.")
    st.write(told.format(amount=amount))
    give = _("Give {amount} back").format(amount=amount)
    if st.button(give, type="primary", disabled=not chosen, key=f"refund_give_{sale.id}"):
        with site.refusals():
            ids = [line.id for line in chosen]
            refunds.give_back(site.backends(), sale.id, ids, reason, by=site.require_account())
            _close()
            st.rerun()


def _choose(sale: Sale) -> list[LineItem]:
    """Ask which lines go back: all that are left, or some."""
    lines = left(sale)
    if len(lines) == 1:
        return lines
    words = {ALL: _("Everything"), SOME: _("Some of it")}
    part = st.segmented_control(
        _("What goes back"),
        [ALL, SOME],
        default=ALL,
        format_func=lambda key: words[key],
        required=True,
        key=f"refund_part_{sale.id}",
    )
    if part != SOME:
        return lines
    names = {line.id: f"{sale_list.name(line)} · {_worth(line)}" for line in lines}
    wanted = st.multiselect(
        _("Photos"),
        list(names),
        format_func=lambda line_id: names[line_id],
        placeholder=_("Choose what goes back"),
        key=f"refund_lines_{sale.id}",
    )
    return [line for line in lines if line.id in wanted]


def _worth(line: LineItem) -> str:
    return format_amount(line.amount - line.refunded_amount, line.currency)


# --- what became of it ---------------------------------------------------------------------


def show(event: Event, order_id: UUID) -> None:
    """Show an order's refunds and disputes, live: banks take their time."""

    @site.live(REFRESH_SECONDS)
    def run() -> None:
        account = site.require_account()  # a fragment runs by itself: whoever was here may be gone
        details = sales.find(site.backends(), event.id, order_id, by=account)
        _disputes(details, event)
        if details.refunds:
            st.subheader(_("Refunds"), anchor=False)
        for one in details.refunds:
            _refund(one, details.sale, event, account)

    run()


def _disputes(details: Details, event: Event) -> None:
    for dispute in details.disputes:
        opened = site.local(event, dispute.opened_at)
        if dispute.status is DisputeStatus.OPEN:
            told = _(
                "The buyer's bank has disputed this payment on {time}. An admin answers it at the payment "
                "service. Until it is decided the shares are frozen, and nothing can be given back here."
            )
            st.warning(told.format(time=opened), icon=":material/gavel:")
        elif dispute.status is DisputeStatus.LOST:
            st.error(_("The dispute of {time} was lost: the bank took the money.").format(time=opened))
        else:
            st.caption(_("The dispute of {time} was won: the money is yours.").format(time=opened))


def _refund(one: GivenBack, sale: Sale, event: Event, account: Account) -> None:
    with st.container(border=True):
        amount = escape(format_amount(one.amount, sale.currency))
        facts = " · ".join((_who(one), site.local(event, one.created_at)))
        st.html(
            f"{style.status_chip(*_state(one))} <strong>{amount}</strong>"
            f'<span class="encore-card-facts" style="display:block;margin-top:4px">{escape(facts)}</span>'
        )
        if one.reason:
            st.text(one.reason)
        if one.status is RefundStatus.FAILED and not one.is_foreign:
            st.caption(style.plain(_(one.last_error or "")))
            if left(sale) and st.button(_("Try again"), key=f"retry_{one.id}"):
                refunds.retry(site.backends(), one.id, by=account)
                st.rerun(scope="fragment")


def _state(one: GivenBack) -> tuple[str, style.Tone]:
    known: dict[RefundStatus, tuple[str, style.Tone]] = {
        RefundStatus.REQUESTED: (_("On its way"), "info"),
        RefundStatus.PENDING: (_("At the bank"), "info"),
        RefundStatus.DONE: (_("Given back"), "good"),
        RefundStatus.FAILED: (_("Failed"), "bad"),
    }
    return known[one.status]


def _who(one: GivenBack) -> str:
    if one.is_foreign:
        return _("made at the payment service")
    return _("asked for by the buyer") if one.is_by_buyer else _("given by an organiser")
