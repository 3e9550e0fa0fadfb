"""The money of an order as its buyer reads it: the bill as it was, papers, and what goes back."""

from collections.abc import Collection, Mapping, Sequence
from html import escape
from uuid import UUID

import streamlit as st

from core import bills, disputes, receipts, refunds
from core.i18n import _
from core.pricing import format_amount
from models.order import LineItem, Order, OrderStatus
from models.refund import DisputeStatus, Receipt, ReceiptKind, Refund, RefundStatus
from pages.parts import money, site, style

_ITEM = (
    "display:flex;flex-wrap:wrap;gap:4px 16px;align-items:center;min-height:44px;margin:0;padding:6px 0;"
    "border-top:1px solid var(--encore-line);font-size:1rem"
)
_LINK = "font-weight:600;line-height:32px;color:var(--encore-accent)"


def chips(order: Order, lines: Sequence[LineItem]) -> str:
    """Return where an order stands, with what went back and who disputes it, as safe HTML."""
    found = [money.chip(order.status)]
    if order.status is OrderStatus.PAID and any(line.refunded_amount for line in lines):
        found.append(style.status_chip(_("Partly refunded"), "warn"))
    if any(one.status is DisputeStatus.OPEN for one in disputes.of_order(site.backends(), order)):
        found.append(style.status_chip(_("Disputed"), "warn"))
    return f'<div class="encore-chips">{"".join(found)}</div>'


def bill(order: Order, lines: Sequence[LineItem]) -> None:
    """Show what was ordered and how its total came about."""
    st.subheader(_("What you ordered"), anchor=False)
    money.bill(bills.rows(order, lines), order.total_amount, order.currency)


def papers(order: Order) -> None:
    """Show the receipt and the credit notes, each to be opened and printed."""
    found = receipts.of_order(site.backends(), order)
    if found:
        st.subheader(_("Receipts"), anchor=False)
        _list([_paper(order, one) for one in found])


def _paper(order: Order, paper: Receipt) -> str:
    is_receipt = paper.kind is ReceiptKind.RECEIPT
    name = (_("Receipt {code}") if is_receipt else _("Credit note {code}")).format(code=paper.code)
    amount = bills.written(paper.amount if is_receipt else -paper.amount, paper.currency)
    address = escape(receipts.address(site.backends(), order, paper))
    link = f'<a href="{address}" target="_blank" rel="noopener" style="{_LINK}">{escape(name)}</a>'
    return f"{link}<span>{escape(money.when(paper.issued_at))}</span><span>{escape(amount)}</span>"


def going_back(order: Order) -> None:
    """Show what of the money went back, or is on its way."""
    found = refunds.of_order(site.backends(), order)
    if found:
        st.subheader(_("Refunds"), anchor=False)
        _list([_refund(one) for one in found])


def _refund(refund: Refund) -> str:
    texts: Mapping[RefundStatus, tuple[str, style.Tone, str]] = {
        RefundStatus.REQUESTED: (_("Asked for"), "info", _up_to()),
        RefundStatus.PENDING: (_("On its way"), "info", _up_to()),
        RefundStatus.DONE: (_("Given back"), "good", _up_to()),
        RefundStatus.FAILED: (_("Failed"), "bad", _("The photos are yours again. Write to the organiser.")),
    }
    word, tone, text = texts[refund.status]
    amount = escape(format_amount(refund.amount, refund.currency))
    said = escape(f"{money.when(refund.created_at)} · {text}")
    quiet = f'<span style="color:var(--encore-quiet)">{said}</span>'
    return f"<strong>{amount}</strong>{style.status_chip(word, tone)}{quiet}"


def _up_to() -> str:
    return _("Your bank may take up to ten days to show it.")


def _list(items: Sequence[str]) -> None:
    body = "".join(f'<li style="{_ITEM}">{item}</li>' for item in items)
    st.html(f'<ul style="list-style:none;margin:0;padding:0;max-width:720px">{body}</ul>')


def offer_refund(order: Order, lines: Sequence[LineItem]) -> None:
    """Let the buyer give photos back by themselves, as long as the event's rule lets them."""
    may = set(refunds.may_ask(site.backends(), order))
    names = {line.id: _named(line) for line in lines if line.id in may}
    if not names:
        return
    with st.expander(_("Give photos back")):
        st.write(_("What you have not downloaded yet can be given back. Choose it, and see what you get."))
        chosen = st.multiselect(
            _("Give back"), list(names), format_func=names.__getitem__, placeholder=_("Choose photos")
        )
        amount = sum(line.amount - line.refunded_amount for line in lines if line.id in chosen)
        price = style.plain(format_amount(amount, order.currency))
        with st.popover(_("Give back {amount} …").format(amount=price), disabled=not chosen):
            confirm(order, chosen, price)


def _named(line: LineItem) -> str:
    left = format_amount(line.amount - line.refunded_amount, line.currency)
    return f"{line.label.rpartition(' · ')[2]} · {left}"


def confirm(order: Order, line_ids: Collection[UUID], price: str) -> None:
    """Give back after a second thought."""
    st.write(_("**{amount}** goes back the way you paid.").format(amount=price), _up_to())
    st.write(_("The files of these photos can no longer be fetched, from now on."))
    label = _("Yes, give back {amount}").format(amount=price)
    if st.button(label, type="primary", key="confirm_refund", disabled=not line_ids):
        with site.refusals():
            refunds.ask(site.backends(), order, line_ids, by=site.viewer())
            st.toast(_("Done. The money is on its way."))
            st.rerun()
