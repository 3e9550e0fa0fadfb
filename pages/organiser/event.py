"""One event: how far its photos are, what visitors may do, its galleries, members and words."""

import streamlit as st

from core import events, galleries, reindex
from core.access import Action
from core.events import Counts
from core.i18n import _
from core.reindex import Progress
from models.account import Account
from models.event import EventStatus
from pages.parts import engines, event_form, event_picker, happenings, member_list, site, style, words

backends = site.backends()
account = site.require_account()
event = event_picker.from_address(account)
event_id = event.id
may_edit = Action.EDIT in events.actions(backends, event_id, by=account)


def read(who: Account) -> tuple[Counts, Progress]:
    """Return how far the photos are, and their faces."""
    return events.counts(backends, event_id, by=who), reindex.progress(backends, event_id, by=who)


@site.live(3)
def progress() -> None:
    """Show how far the pipeline is, what gave up and what came last, live."""
    who = site.require_account()  # a fragment runs by itself: whoever was here may be gone
    counts, faces = happenings.kept("progress", event_id, lambda: read(who), by=who)
    style.metrics(
        [
            (_("Photos"), f"{counts.uploaded:,}"),
            (_("Waiting for review"), f"{counts.pending:,}"),
            (_("Approved"), f"{counts.approved:,}"),
            (_("Faces found"), f"{counts.faces:,}"),
        ]
    )
    if counts.indexed < counts.uploaded:
        text = _("{done} of {total} photos are ready").format(done=counts.indexed, total=counts.uploaded)
        st.progress(counts.indexed / counts.uploaded, text)
    engines.line(faces)
    event_picker.failures(event, who)
    happenings.show(event, by=who)


def status_bar() -> None:
    """Move the event on, or back, saying what that means."""
    status = st.segmented_control(
        _("Status"), list(EventStatus), default=event.status, format_func=words.status, required=True
    )
    if status is not None and status != event.status:
        events.set_status(backends, event_id, status, by=account)
        st.toast(words.status_meaning(status))
        st.rerun()
    st.caption(words.status_meaning(event.status))
    if event.expires_at and event.expires_at <= backends.now():
        st.warning(
            _("Visitors' time ended on {day}. Change it under Details.").format(
                day=site.local(event, event.expires_at)
            )
        )


def edit_galleries() -> None:
    """Add, rename and remove galleries."""
    for gallery in galleries.listing(backends, event_id, by=account):
        name, save, remove = st.columns([4, 1, 1], vertical_alignment="bottom")
        new_name = name.text_input(_("Gallery"), gallery.name, key=f"gallery_{gallery.id}", max_chars=80)
        if save.button(_("Rename"), key=f"rename_{gallery.id}", disabled=new_name == gallery.name):
            galleries.rename(backends, gallery.id, new_name, by=account)
            st.rerun()
        if remove.button(_("Remove"), key=f"remove_{gallery.id}"):
            galleries.remove(backends, gallery.id, by=account)
            st.rerun()
    with st.form("new_gallery", border=False):
        added = st.text_input(_("New gallery"), placeholder=_("Finish"), max_chars=80)
        if st.form_submit_button(_("Add gallery")):
            galleries.add(backends, event_id, added, by=account)
            st.rerun()


def edit_details() -> None:
    """Change what is written about the event."""
    details = event_form.ask(event, submit=_("Save"))
    if details is not None:
        events.edit(backends, event_id, details, by=account)
        st.toast(_("Saved."))
        st.rerun()


style.hero(event.name, " · ".join(part for part in (site.day(event.held_on), event.place) if part))
event_picker.links(event, account)
if may_edit:
    status_bar()
progress()
if may_edit:
    galleries_tab, members_tab, details_tab = st.tabs([_("Galleries"), _("Members"), _("Details")])
    with galleries_tab, site.refusals():
        edit_galleries()
    with members_tab, site.refusals():
        member_list.show(event_id, account, may_edit=may_edit)
    with details_tab, site.refusals():
        edit_details()
else:
    st.subheader(_("Members"))
    member_list.show(event_id, account, may_edit=may_edit)
