"""An event's public photos."""

import streamlit as st

from core import galleries, photos, prices
from core.i18n import _
from pages.parts import place, price_offers, shop, site, style

backends = site.backends()
viewer = site.viewer()
scope = place.current(viewer)
event = scope.event
event_id = event.id

style.hero(event.name, " · ".join(part for part in (site.day(event.held_on), event.place) if part))
if event.description:
    st.markdown(style.plain(event.description).replace("\n", "  \n"))
style.main_link("visitor/find_me.py", _("Find my photos"), place.query(scope))

names = {str(gallery.id): style.plain(gallery.name) for gallery in galleries.visible(backends, scope)}
chosen = None
if len(names) > 1:
    wanted = st.query_params.get("gallery")
    chosen = st.segmented_control(
        _("Gallery"), list(names), default=wanted if wanted in names else None, format_func=names.__getitem__
    )
    site.remember("gallery", chosen or "")

page = site.page_number()
shown = photos.public(
    backends,
    event_id,
    by=viewer,
    gallery_id=int(chosen) if chosen else None,
    offset=(page - 1) * photos.PAGE,
)
view = (event_id, chosen, page)
if st.session_state.get("viewed") != view:  # a rerun is not another look
    photos.count_view(backends, event_id, len(shown.photos), by=viewer)
    st.session_state["viewed"] = view
if shown.photos:
    if event.is_on_sale(backends.now()):
        sold = prices.shown(backends, event_id, by=viewer)
        price_offers.line(sold, scope)
        price_offers.whole_event(sold, scope, viewer)
    shop.cart_link(viewer)
    shop.grid(
        shown.photos, scope, viewer, key=f"grid_{event_id}_{chosen}_{page}", heading=shop.count(shown.total)
    )
else:
    style.empty_state(
        _("No photos here yet"),
        _("Photos appear as soon as they are approved. Come back in a while."),
    )
site.pager(len(shown.photos), shown.total, photos.PAGE)
