"""The files of a paid order: those that can be fetched, and those whose money went back."""

from collections.abc import Sequence

import streamlit as st

from core import downloads, i18n, orders, renditions
from core.downloads import DownloadLink
from core.i18n import _
from models.cart import Size
from models.order import Order
from pages.parts import money, shop, site, style

PER_PAGE = 60  # files


def show(order: Order) -> None:
    """Show the files, page by page, and the way to all of them at once."""
    links = downloads.links(site.backends(), order)
    open_ones = [link for link in links if link.left]
    if open_ones:
        archive = f"/downloads/zip/{orders.address_token(site.backends(), order)}"
        style.button_link(archive, _("Download all as ZIP"))
        until = money.when(min(link.expires_at for link in open_ones))
        st.caption(_("Files can be fetched until {time}.").format(time=until))
    if not links:
        st.info(_("No photo is there yet. They appear here as they are approved."), icon=":material/info:")
    page = site.page_number()
    shown: Sequence[DownloadLink] = links[(page - 1) * PER_PAGE : page * PER_PAGE]
    money.tiles([tile(order, link) for link in shown])
    site.pager(len(shown), len(links), PER_PAGE)


def tile(order: Order, link: DownloadLink) -> money.Tile:
    """Return one photo with its file."""
    grant = renditions.order_grant(order)
    url = "" if link.is_withdrawn else renditions.url(site.backends(), link.photo.id, "300", grant)
    return money.Tile(url, link.filename, note(link), link.url if link.left else "")


def note(link: DownloadLink) -> str:
    """Return in what size a photo is there and how often, or why not."""
    if link.is_withdrawn:
        return _("Refunded: no longer there.")
    if not link.left:
        return _("No downloads left. Write to the organiser with this page's link.")
    left = i18n.plural("{count} download left", "{count} downloads left", link.left)
    return f"{shop.size_name(link.size)} · {left}" if link.size is Size.WEB else left
