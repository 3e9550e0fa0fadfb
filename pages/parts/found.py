"""What a search found: the sure photos, the perhaps ones folded, and a word on each that refines both."""

from collections.abc import Collection, Sequence
from uuid import UUID

import streamlit as st

from core import i18n, outlines, photos, prices, results
from core.access import Scope, Viewer
from core.i18n import _
from core.results import Found, Hit
from pages.parts import people, price_offers, shop, site, style, wishes
from pages.parts.people import People
from pages.parts.photo_grid import GridAction, PressedAction

MINE, NOT_MINE = "me", "not_me"


def show(everyone: People, view: str, scope: Scope, viewer: Viewer) -> None:
    """Show the photos of a view: what is still public of them, narrowed by filters."""
    found = _renewed(everyone.found(view), scope, viewer)
    if not found.hits:
        _explain_nothing(view, found.searched_photos)
        return
    wish = wishes.ask(found, scope)
    if wish.parts:
        wishes.clear_button()
    wanted = results.narrowed(found, wish)
    if not wanted.hits:
        wishes.explain_nothing(found, wish)
        return
    offer(everyone, view, scope, viewer)
    shop.cart_link(viewer)
    _Sections(everyone, view, scope, viewer).show(wanted)


def offer(everyone: People, view: str, scope: Scope, viewer: Viewer) -> None:
    """Show prices, and offer one person's sure photos together, whatever is filtered out of sight."""
    if scope.event.is_on_sale(site.backends().now()):
        sold = prices.shown(site.backends(), scope.event.id, by=viewer)
        price_offers.line(sold, scope)
        if view not in (people.ALL, people.ANYONE):
            price_offers.all_mine(everyone.found(view, at_first=True), sold, scope, viewer)


class _Sections:
    """The two sections of one view, and what a press in them does."""

    def __init__(self, everyone: People, view: str, scope: Scope, viewer: Viewer) -> None:
        self._everyone, self._view, self._scope, self._viewer = everyone, view, scope, viewer

    def show(self, found: Found) -> None:
        """Show both; the second is open from the start only when the first is empty."""
        if found.sure:
            st.subheader(people.heading(self._view, len(found.sure)))
            self._grid("sure", found.sure, self._actions(is_asked=False))
        else:
            st.write(_("We are sure of no photo. Have a look at these:"))
        if found.maybe:
            title = people.perhaps(self._view, len(found.maybe))
            # It must not fold under the finger when a "this is me" makes the first one sure.
            is_open = not found.sure or not self._everyone.found(self._view, at_first=True).sure
            with st.expander(title, expanded=is_open, key=f"maybe_{self._view}"):
                if not self._is_group:
                    st.caption(_("The ring shows whom we mean. Your answers sort the photos at once."))
                self._grid("maybe", found.maybe, self._actions(is_asked=True))

    @property
    def _is_group(self) -> bool:
        return self._view in (people.ALL, people.ANYONE)

    def _actions(self, *, is_asked: bool) -> Sequence[GridAction]:
        """Return what may be said of a photo. In a group it is not clear of whom it would be said."""
        if self._is_group:
            return []
        me, not_me = (
            (_("This is me"), _("Not me")) if self._view == "1" else (_("Right person"), _("Wrong person"))
        )
        no = GridAction(NOT_MINE, not_me, sign="no", is_on_tiles=is_asked)
        return [GridAction(MINE, me, sign="yes", is_on_tiles=True), no] if is_asked else [no]

    def _outlines(self, face_ids: Collection[UUID]) -> dict[UUID, outlines.Outline]:
        """Return where the faces are. Several people's photo would ring only one of them."""
        if self._is_group:
            return {}
        return outlines.of(site.backends(), self._scope.event.id, face_ids, by=self._viewer)

    def _grid(self, section: str, hits: Sequence[Hit], actions: Sequence[GridAction]) -> None:
        faces = {hit.photo.id: hit.face_id for hit in hits}
        known = self._outlines(faces.values())

        def judge(pressed: PressedAction) -> None:
            if pressed.name in (MINE, NOT_MINE):
                said_of = [faces[UUID(photo_id)] for photo_id in pressed.ids]
                with site.refusals():
                    self._everyone.say(int(self._view) - 1, said_of, is_mine=pressed.name == MINE)

        shop.grid(
            [hit.photo for hit in hits],
            self._scope,
            self._viewer,
            key=f"{section}_{self._view}_{self._scope.event.id}",
            heading="",  # the section's title says it
            actions=actions,
            on_action=judge,
            faces={photo_id: known[face_id] for photo_id, face_id in faces.items() if face_id in known},
        )


def offer_undo(everyone: People, view: str) -> None:
    """Say what the person said of the photos, and take the last of it back on wish; at the lower edge."""
    if view in (people.ALL, people.ANYONE) or not everyone[int(view) - 1].verdicts:
        return
    number = int(view) - 1

    def undo() -> None:
        with site.refusals():
            everyone.take_back(number)

    with st.container(key="encore_undo", horizontal=True, vertical_alignment="center"):
        st.text(people.verdicts(everyone[number]))
        st.button(_("Undo"), icon=":material/undo:", on_click=undo)


def _renewed(found: Found, scope: Scope, viewer: Viewer) -> Found:
    ids = [hit.photo.id for hit in found.hits]
    shown = photos.still_public(site.backends(), scope.event.id, ids, by=viewer)
    return results.renewed(found, {photo.id: photo for photo in shown})


def _explain_nothing(view: str, searched: int) -> None:
    """Say why nothing was found and what to do instead."""
    if view == people.ALL:
        title = _("No photo with all of you yet")
        text = _("Look at the photos with any of you, or at each person's own.")
    elif searched:
        title = _("No photo of you yet") if view == "1" else _("No photo yet")
        text = i18n.plural(
            "We compared the face with {count} photo. Add a selfie in better light, or look through all.",
            "We compared the face with {count} photos. Add a selfie in better light, or look through all.",
            searched,
        )
    else:
        title = _("No photo yet")
        text = _("No photo is ready yet. Photos appear as they are approved: come back in a while.")
    style.empty_state(title, text)
