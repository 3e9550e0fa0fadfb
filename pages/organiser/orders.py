"""Orders of an event: found, opened, sent again, refunded, taken along."""

import streamlit as st

from core import paging, sales
from core.access import Action
from core.i18n import _
from core.sales import Sale
from models.event import Event
from models.order import OrderStatus
from pages.parts import event_picker, sale_list, sale_page, site, style

PER_PAGE = 25
ALL = "all"
SEARCH = "orders_search"  # the text field

backends = site.backends()
account = site.require_account()


def search(event: Event) -> tuple[str, OrderStatus | None]:
    """Ask what to look for; it is kept in the address."""
    st.session_state.setdefault(SEARCH, st.query_params.get("q", ""))
    left, right = st.columns([3, 2])
    text = left.text_input(
        _("Email, photo, number of the order or receipt"),
        key=SEARCH,
        icon=":material/search:",
        max_chars=200,
        on_change=to_the_newest,
    )
    options = [ALL, *OrderStatus]
    shown = right.selectbox(
        _("Show"),
        options,
        index=options.index(site.choice("show", options)),
        format_func=lambda key: _("All orders") if key == ALL else sale_list.status(OrderStatus(key)),
        on_change=to_the_newest,
    )
    site.remember("q", text.strip())
    site.remember("show", "" if shown == ALL else shown)
    if st.session_state.setdefault("orders_of", event.id) != event.id:
        st.session_state["orders_of"] = event.id
        to_the_newest()
    return text, None if shown == ALL else OrderStatus(shown)


def to_the_newest() -> None:
    """Begin the list anew."""
    site.remember("after", "")


def page_of(event: Event, text: str, status: OrderStatus | None) -> paging.Page[Sale]:
    """Return the page that the address names, the newest one when it names none that we made."""
    try:
        asked = paging.Asked(PER_PAGE, st.query_params.get("after"))
        return sales.listing(backends, event.id, asked, text=text, status=status, by=account)
    except paging.CursorUnknown:
        to_the_newest()
        asked = paging.Asked(PER_PAGE)
        return sales.listing(backends, event.id, asked, text=text, status=status, by=account)


def overview(event: Event) -> None:
    """Show a page of the orders that fit."""
    text, status = search(event)
    page = page_of(event, text, status)
    if page.items:
        sale_list.show(page.items, event, st.query_params.to_dict())
    elif text.strip() or status:
        told = _("Look for a part of the address, or show all orders.")
        style.empty_state(_("No order fits"), told, href=f"/sold?id={event.id}", link_text=_("All orders"))
    else:
        told = _(
            "The first order appears here at once. Share the event's link so that people find their photos."
        )
        share = _("Share the event")
        style.empty_state(_("No order yet"), told, href=f"/share?id={event.id}", link_text=share)
    with st.container(horizontal=True):
        if "after" in st.query_params:
            st.button(_("Newest"), on_click=to_the_newest)
        if page.next_cursor:
            st.button(_("Older"), on_click=site.remember, args=("after", page.next_cursor))
        if page.items:
            take_along(event)


def take_along(event: Event) -> None:
    """Offer every line of the event as a file; it is made when it is asked for."""
    st.download_button(
        _("Download all as CSV"),
        lambda: "".join(sales.export(backends, event.id, by=account)).encode(),
        f"{event.slug}-orders.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


wanted = st.query_params.get("order", "")
if wanted:
    sale_page.show(event_picker.from_address(account), wanted, account)
else:
    style.hero(_("Orders"), _("Find an order, open it, send its links again, or give money back."))
    overview(event_picker.choose(account, Action.SELL))
