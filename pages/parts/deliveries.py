"""What a webhook was told: message by message, each with its answer and another try."""

import json
from collections.abc import Sequence
from html import escape

import streamlit as st

from core import i18n, paging, webhooks
from core.i18n import _
from models.account import Account
from models.event import Event
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from pages.parts import site, style

PER_PAGE = 10
REFRESH_SECONDS = 3


def show(event: Event, endpoints: Sequence[WebhookEndpoint]) -> None:
    """Show the messages to one of the webhooks, live; which one is kept in the address."""
    by_id = {str(endpoint.id): endpoint for endpoint in endpoints}
    chosen = site.choice("hook", list(by_id))
    if len(by_id) > 1:
        chosen = st.selectbox(
            _("Webhook"),
            list(by_id),
            index=list(by_id).index(chosen),
            format_func=lambda key: by_id[key].url,
            on_change=_to_the_newest,
        )
    site.remember("hook", chosen)

    @site.live(REFRESH_SECONDS)
    def messages() -> None:
        _list(event, by_id[chosen], site.require_account())  # whoever was here may be gone

    messages()


def _list(event: Event, endpoint: WebhookEndpoint, account: Account) -> None:
    page = _page(endpoint, account)
    for delivery in page.items:
        _show_one(event, endpoint, delivery, account)
    if not page.items:
        text = _("Messages to this webhook appear here with what its program answered. Try it: send a test.")
        style.empty_state(_("Nothing was told yet"), text)
    with st.container(horizontal=True):
        if "after" in st.query_params:
            st.button(_("Newest"), on_click=_to_the_newest)
        if page.next_cursor:
            st.button(_("Older"), on_click=site.remember, args=("after", page.next_cursor))


def _page(endpoint: WebhookEndpoint, account: Account) -> paging.Page[WebhookDelivery]:
    """Return the page that the address names, the newest one when it names none that we made."""
    try:
        asked = paging.Asked(PER_PAGE, st.query_params.get("after"))
        return webhooks.deliveries(site.backends(), endpoint.id, asked=asked, by=account)
    except paging.CursorUnknown:
        _to_the_newest()
        return webhooks.deliveries(site.backends(), endpoint.id, asked=paging.Asked(PER_PAGE), by=account)


def _to_the_newest() -> None:
    site.remember("after", "")


def _show_one(event: Event, endpoint: WebhookEndpoint, delivery: WebhookDelivery, account: Account) -> None:
    with st.container(border=True):
        left, right = st.columns([3, 2], vertical_alignment="center")
        chip, facts = style.status_chip(*_status(delivery)), " · ".join(_facts(event, delivery))
        left.html(f"{chip} <strong>{escape(delivery.kind)}</strong><br>{_quiet(facts)}")
        with right.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
            with st.popover(_("Message")):
                body = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
                st.code(body, language=None, wrap_lines=True)
                st.caption(style.plain(f"webhook-id: {delivery.id}"))
            if endpoint.is_active and st.button(_again(delivery), key=f"again_{delivery.id}"):
                webhooks.resend(site.backends(), delivery.id, by=account)
                st.rerun()


def _quiet(text: str) -> str:
    return f'<span class="encore-card-facts">{escape(text)}</span>'


def _status(delivery: WebhookDelivery) -> tuple[str, style.Tone]:
    """Return where a message stands as the text and colour of a chip."""
    if delivery.status is DeliveryStatus.DELIVERED:
        return _("Delivered"), "good"
    if delivery.status is DeliveryStatus.FAILED:
        return _("Gave up"), "bad"
    return (_("Trying again"), "warn") if delivery.attempts else (_("Waiting"), "info")


def _again(delivery: WebhookDelivery) -> str:
    return _("Send now") if delivery.status is DeliveryStatus.WAITING else _("Send again")


def _facts(event: Event, delivery: WebhookDelivery) -> list[str]:
    """Return when it was told, how often, and what the answer was."""
    tries = i18n.plural("{count} attempt", "{count} attempts", delivery.attempts)
    return list(filter(None, (site.local(event, delivery.created_at), tries, delivery.last_answer)))
