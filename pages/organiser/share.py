"""Share links and QR codes of an event."""

from datetime import timedelta

import streamlit as st

from core import galleries, sharing
from core.access import Action
from core.i18n import _
from models.sharing import ShareLink
from pages.parts import event_picker, site, style, words

LIFETIMES = (0, 1, 7, 30, 90)  # days; 0: no end

backends = site.backends()
account = site.require_account()
style.hero(_("Share"), _("Guests open a link or scan its QR code: no account, no app."))
event = event_picker.choose(account, Action.SHARE)
event_id = event.id
names = {gallery.id: gallery.name for gallery in galleries.listing(backends, event_id, by=account)}


def new_link() -> None:
    """Ask what to open and for how long."""
    with st.form("new_link", clear_on_submit=True):
        label = st.text_input(_("What is it for?"), placeholder=_("Poster at the entrance"), max_chars=80)
        left, right = st.columns(2)
        gallery_id = left.selectbox(
            _("Opens"), [None, *names], format_func=lambda key: names[key] if key else _("The whole event")
        )
        days = right.selectbox(_("Works for"), LIFETIMES, format_func=words.lifetime)
        if st.form_submit_button(_("Create link"), type="primary"):
            ends = backends.now() + timedelta(days=days) if days else None
            sharing.create(
                backends, event_id, by=account, label=label, gallery_id=gallery_id, expires_at=ends
            )
            st.rerun()


def show(link: ShareLink) -> None:
    """Show a link with its code, and its end."""
    url = sharing.address(backends, link)
    is_open = link.is_open(backends.now())
    with st.container(border=True):
        picture, facts = st.columns([1, 2])
        if is_open:
            png = sharing.qr_png(url)
            picture.image(png, width=200, alt=_("QR code of the link {name}").format(name=link.label))
            picture.download_button(
                _("Download QR"), png, f"{event.slug}-qr.png", "image/png", key=f"qr_{link.id}"
            )
        facts.markdown(f"**{style.plain(link.label or _('Share link'))}**")
        facts.caption(describe(link))
        if is_open:
            facts.code(url, language=None, wrap_lines=True)
            revoke(link)


def describe(link: ShareLink) -> str:
    """Return what a link opens and until when, in words."""
    opens = style.plain(names.get(link.gallery_id, "")) if link.gallery_id else _("The whole event")
    if link.revoked_at:
        return f"{opens} · {_('revoked')} {site.local(event, link.revoked_at)}"
    if link.expires_at is None:
        return f"{opens} · {_('until revoked')}"
    return f"{opens} · {_('until')} {site.local(event, link.expires_at)}"


def revoke(link: ShareLink) -> None:
    """End a link after a second thought."""
    with st.popover(_("Revoke")):
        st.write(_("Everyone who came by this link loses access at once. This cannot be undone."))
        if st.button(_("Revoke this link"), type="primary", key=f"revoke_{link.id}"):
            sharing.revoke(backends, link.id, by=account)
            st.rerun()


if not event.is_open_to_visitors(backends.now()):
    st.warning(_("Visitors cannot enter now: look at the event's status and at how long visitors may come."))
new_link()
links = sharing.of_event(backends, event_id, by=account)
for share_link in links:
    show(share_link)
if not links:
    style.empty_state(_("No link yet"), _("Create one above, print its QR code and put it up at the venue."))
