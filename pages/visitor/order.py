"""One order: where it stands, and its files once it is paid. Who has the address may see it."""

import streamlit as st

from core import i18n, orders, payments
from core.i18n import _
from core.pricing import format_amount
from models.order import Order, OrderStatus
from pages.parts import money, order_files, order_money, site, style

backends = site.backends()
order = orders.by_token(backends, st.query_params.get("o", ""))
if order.status is OrderStatus.PENDING:
    order = payments.refresh(backends, order.id)


@st.fragment(run_every=3)
def wait(order: Order) -> None:
    """Ask the gateway again and again; show the whole page anew when it has answered."""
    if payments.refresh(backends, order.id).status is not OrderStatus.PENDING:
        st.rerun()
    st.info(_("Waiting for the payment. This page changes by itself."), icon=":material/hourglass_empty:")


def pending() -> None:
    """Show that nothing was paid yet, and the way to pay."""
    wait(order)
    if order.checkout_url:
        style.button_link(money.local_path(order.checkout_url), _("Go to the payment"))
        st.caption(_("Open until {time}.").format(time=money.when(order.expires_at)))
    else:
        st.warning(_("The payment page could not be opened. Go to your cart and pay again."))
        site.link("/cart", _("To your cart"))


def paid() -> None:
    """Show the files, and all about the money."""
    thanks = (
        _("Paid. Thank you: your photos are ready.") if order.total_amount else _("Your photos are ready.")
    )
    st.success(thanks, icon=":material/check:")
    order_files.show(order)
    with site.refusals():
        order_money.offer_refund(order, lines)


def keep_link() -> None:
    """Show the private address, to be copied."""
    st.subheader(_("Keep this link"), anchor=False)
    st.write(_("It opens your order on any device. Whoever has it can fetch the photos, so do not post it."))
    st.code(backends.settings.url(orders.address(backends, order)), language=None, wrap_lines=True)


def over() -> None:
    """Say why nothing is delivered, and what to do."""
    text = {
        OrderStatus.FAILED: _(
            "The payment was refused and nothing was charged. Your cart is as you left it."
        ),
        OrderStatus.EXPIRED: _(
            "The time to pay is over and nothing was charged. Your cart is as you left it."
        ),
        OrderStatus.HELD: _(
            "A payment arrived that does not fit this order. We look into it. Nothing is "
            "lost: what cannot be delivered goes back to you."
        ),
        OrderStatus.REFUNDED: _("All of the money went back, so the files are no longer there."),
    }
    st.warning(text[order.status], icon=":material/info:")
    if order.status in (OrderStatus.FAILED, OrderStatus.EXPIRED):
        style.button_link("/cart", _("To your cart"))


lines = orders.lines(backends, order)
amount = format_amount(order.total_amount, order.currency)
count = i18n.plural("{count} item", "{count} items", len(lines))
style.hero(_("Your order"), f"{count} · {amount} · {money.when(order.created_at)}")
st.html(order_money.chips(order, lines))
if order.status is OrderStatus.PENDING:
    pending()
elif order.status is OrderStatus.PAID:
    paid()
else:
    over()
order_money.going_back(order)
order_money.bill(order, lines)
order_money.papers(order)
if order.status is OrderStatus.PAID:
    keep_link()
