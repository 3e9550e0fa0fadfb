"""Approve and reject: several photos at once, with undo."""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from core import covers, events, i18n, photos, renditions
from core.access import Action
from core.i18n import _
from models.photo import Review
from pages.parts import event_picker, shop, site, style, verdicts
from pages.parts.photo_grid import GridAction, photo_grid

ALL = "all"

backends = site.backends()
account = site.require_account()
style.hero(_("Review"), _("Visitors see only what you approve."))
event = event_picker.choose(account, Action.REVIEW)
event_id = event.id
grant = renditions.member_grant(account)


def act(name: str, ids: Sequence[UUID]) -> None:
    """Do what was pressed; verdicts can be undone, deletion asks first."""
    if name == "delete":
        confirm_delete(ids)
    elif name == "cover":
        covers.choose(backends, event_id, ids[0], by=account)
        st.toast(_("This photo is the cover now."))
    else:
        verdicts.give(ids, Review(name), account)


@st.dialog(_("Delete these photos?"))
def confirm_delete(ids: Sequence[UUID]) -> None:
    """Delete after a second thought."""
    st.write(
        i18n.plural(
            "{count} photo, with its faces and every rendition, is gone for good.",
            "{count} photos, with their faces and every rendition, are gone for good.",
            len(ids),
        )
    )
    if st.button(_("Delete for good"), type="primary"):
        with site.refusals():
            photos.delete(backends, ids, by=site.require_account())
            st.rerun()


counts = events.counts(backends, event_id, by=account)
labels = {
    Review.PENDING: f"{_('Waiting')} ({counts.pending})",
    Review.APPROVED: f"{_('Approved')} ({counts.approved})",
    Review.REJECTED: f"{_('Rejected')} ({counts.rejected})",
    ALL: _("All"),
}
chosen = st.segmented_control(
    _("Show"),
    [str(key) for key in labels],
    default=site.choice("show", [str(key) for key in labels]),
    format_func=labels.__getitem__,
    required=True,
)
site.remember("show", chosen)
verdicts.offer_undo(account)
page = site.page_number()
verdict = None if chosen == ALL else Review(chosen)
found = photos.for_review(backends, event_id, verdict, by=account, offset=(page - 1) * photos.PAGE)
if found.photos:
    result = photo_grid(
        [verdicts.shown(photo, event, grant) for photo in found.photos],
        key=f"review_{event_id}_{chosen}_{page}",
        mode="choose",
        actions=[
            GridAction(Review.APPROVED, _("Approve"), "primary"),
            GridAction(Review.REJECTED, _("Reject")),
            GridAction("cover", _("Use as cover")),
            GridAction("delete", _("Delete"), "danger"),
        ],
        heading=shop.count(found.total),
        words=shop.words(),
    )
    if result.action is not None:
        act(result.action.name, [UUID(photo_id) for photo_id in result.action.ids])
elif verdict is Review.PENDING:
    style.empty_state(
        _("Nothing waits for you"),
        _("New uploads appear here as soon as their pictures are made."),
        href=f"/upload?id={event_id}",
        link_text=_("Upload photos"),
    )
else:
    style.empty_state(_("No photo here"), _("Choose another verdict above."))
site.pager(len(found.photos), found.total, photos.PAGE)
