"""Webhooks of an event: the servers that are told what happens, and what they were told."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from core import webhooks
from core.access import Action
from core.i18n import _
from models.notice import NoticeKind
from models.webhook import WebhookEndpoint
from pages.parts import deliveries, event_picker, site, style

KINDS: list[NoticeKind] = list(NoticeKind)

backends = site.backends()
account = site.require_account()
style.hero(_("Webhooks"), _("Your own programs hear of photos and sales within seconds."))
event = event_picker.choose(account, Action.EDIT)
event_id = event.id


def new_webhook(count: int) -> None:
    """Ask where messages go and which. A new form for each: what was refused stays to be mended."""
    with st.form("new_webhook"):
        url, kinds = ask(f"new_{count}", "", [])
        if st.form_submit_button(_("Add webhook"), type="primary"):
            made = webhooks.create(backends, event_id, url, kinds, by=account)
            site.remember("hook", str(made.id))
            st.rerun()


def ask(key: str, url: str, kinds: Sequence[str]) -> tuple[str, list[NoticeKind]]:
    """Ask for an address and what it is told of."""
    given = st.text_input(
        _("Address of your program"),
        url,
        key=f"url_{key}",
        placeholder="https://example.org/encore",
        max_chars=webhooks.LONGEST_URL,
    )
    chosen = st.pills(
        _("Told of: nothing chosen means everything"),
        KINDS,
        selection_mode="multi",
        default=[NoticeKind(kind) for kind in kinds],
        key=f"kinds_{key}",
    )
    return given, list(chosen)


def show(endpoint: WebhookEndpoint) -> None:
    """Show a webhook and all that can be done with it."""
    with st.container(border=True):
        tone: style.Tone = "good" if endpoint.is_active else "warn"
        chip = style.status_chip(_("On") if endpoint.is_active else _("Off"), tone)
        st.html(f'{chip} <strong style="overflow-wrap: anywhere">{escape(endpoint.url)}</strong>')
        kinds = ", ".join(endpoint.kinds) or _("everything")
        st.caption(_("Told of: {kinds}").format(kinds=style.plain(kinds)))
        with st.container(horizontal=True, vertical_alignment="center"):
            send_test(endpoint)
            show_secret(endpoint)
            remove(endpoint)
        edit(endpoint)


def send_test(endpoint: WebhookEndpoint) -> None:
    """Let people try their program."""
    if st.button(_("Send a test"), key=f"test_{endpoint.id}", disabled=not endpoint.is_active):
        webhooks.ping(backends, endpoint.id, by=account)
        site.remember("hook", str(endpoint.id))
        st.toast(_("A test message is on its way."))


def show_secret(endpoint: WebhookEndpoint) -> None:
    """Show what the program checks messages with, and make a new one."""
    with st.popover(_("Secret")):
        st.code(webhooks.secret(backends, endpoint), language=None, wrap_lines=True)
        st.write(_("With it your program checks that a message is ours, as Standard Webhooks says."))
        st.write(_("A new secret ends this one at once: your program must know it to believe us again."))
        if st.button(_("Make a new secret"), key=f"rotate_{endpoint.id}"):
            webhooks.rotate(backends, endpoint.id, by=account)
            st.rerun()


def edit(endpoint: WebhookEndpoint) -> None:
    """Change the address, what it is told, and whether."""
    with st.expander(_("Edit")), st.form(f"edit_{endpoint.id}", border=False):
        url, kinds = ask(str(endpoint.id), endpoint.url, endpoint.kinds)
        is_active = st.toggle(_("On"), endpoint.is_active)
        if st.form_submit_button(_("Save"), type="primary"):
            webhooks.edit(backends, endpoint.id, url=url, kinds=kinds, is_active=is_active, by=account)
            st.rerun()


def remove(endpoint: WebhookEndpoint) -> None:
    """End a webhook after a second thought."""
    with st.popover(_("Remove")):
        st.write(_("This address is told nothing more, not even what waits. This cannot be undone."))
        if st.button(_("Remove this webhook"), type="primary", key=f"remove_{endpoint.id}"):
            webhooks.remove(backends, endpoint.id, by=account)
            st.rerun()


endpoints = webhooks.of_event(backends, event_id, by=account)
with site.refusals():
    new_webhook(len(endpoints))
for webhook in endpoints:
    with site.refusals():
        show(webhook)
if endpoints:
    st.subheader(_("Messages"))
    deliveries.show(event, endpoints)
else:
    text = _("Add the address of your program above, copy the webhook's secret into it, and send a test.")
    style.empty_state(_("No webhook yet"), text)
