"""Upload photos to an event and watch them become searchable."""

import streamlit as st

from core import events, galleries
from core.access import Action
from core.i18n import _
from pages.parts import event_picker, happenings, site, style
from pages.parts.uploader import WORDS, uploader

backends = site.backends()
account = site.require_account()
style.hero(_("Upload"), _("Drop files or a whole folder. What is here already is recognised and skipped."))
event = event_picker.choose(account, Action.UPLOAD)
event_id = event.id
names = {str(gallery.id): gallery.name for gallery in galleries.listing(backends, event_id, by=account)}
gallery_id = next(iter(names))
if len(names) > 1:
    gallery_id = (
        st.segmented_control(
            _("Gallery"),
            list(names),
            default=gallery_id,
            format_func=lambda key: style.plain(names[key]),
            required=True,
        )
        or gallery_id
    )

result = uploader(
    f"/api/uploads/{gallery_id}",
    key=f"uploader_{gallery_id}",
    max_bytes=backends.settings.max_upload_mib * 2**20,
    words={name: _(text) for name, text in WORDS.items()},
)


@site.live(3)
def progress() -> None:
    """Show how far the event's photos are, and what gave up."""
    who = site.require_account()  # a fragment runs by itself: whoever was here may be gone
    counts = happenings.kept("counts", event_id, lambda: events.counts(backends, event_id, by=who), by=who)
    if counts.uploaded:
        text = _("{done} of {total} photos are searchable, {faces} faces found").format(
            done=counts.indexed, total=counts.uploaded, faces=counts.faces
        )
        st.progress(counts.indexed / counts.uploaded, text)

    event_picker.failures(event, who)


progress()
site.link(f"/event?id={event_id}", _("To the event"))
