"""One order: where it stands, and its files once it is paid. Who has the address may see it."""

import streamlit as st

from core import downloads, i18n, orders, renditions
from core.downloads import DownloadLink
from core.i18n import _
from core.pricing import format_amount
from models.order import Order, OrderStatus
from pages.parts import money, site, style

backends = site.backends()
order = orders.by_token(backends, st.query_params.get("o", ""))
if order.status is OrderStatus.PENDING:
    order = orders.refresh(backends, order.id)


@st.fragment(run_every=3)
def wait(order: Order) -> None:
    """Ask the gateway again and again; show the whole page anew when it has answered."""
    if orders.refresh(backends, order.id).status is not OrderStatus.PENDING:
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
    """Show the files."""
    links = downloads.links(backends, order)
    thanks = (
        _("Paid. Thank you: your photos are ready.") if order.total_amount else _("Your photos are ready.")
    )
    st.success(thanks, icon=":material/check:")
    if any(link.left for link in links):
        archive = f"/downloads/zip/{orders.address_token(backends, order)}"
        style.button_link(archive, _("Download all as ZIP"))
        st.caption(_("Files can be fetched until {time}.").format(time=money.when(links[0].expires_at)))
    money.tiles([tile(link) for link in links])
    keep_link()


def tile(link: DownloadLink) -> money.Tile:
    """Return one photo with its file."""
    url = renditions.url(backends, link.photo.id, "300", renditions.order_grant(order))
    left = i18n.plural("{count} download left", "{count} downloads left", link.left)
    note = left if link.left else _("No downloads left. Write to the organiser with this page's link.")
    return money.Tile(url, downloads.file_name(link.photo), note, link.url if link.left else "")


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
            "A payment arrived that does not fit this order. We look into it; nothing is lost."
        ),
    }
    st.warning(text[order.status], icon=":material/info:")
    if order.status is not OrderStatus.HELD:
        style.button_link("/cart", _("To your cart"))


amount = format_amount(order.total_amount, order.currency)
count = i18n.plural("{count} photo", "{count} photos", len(orders.lines(backends, order)))
style.hero(_("Your order"), f"{count} · {amount} · {money.when(order.created_at)}")
st.html(money.chip(order.status))
if order.status is OrderStatus.PENDING:
    pending()
elif order.status is OrderStatus.PAID:
    paid()
else:
    over()
