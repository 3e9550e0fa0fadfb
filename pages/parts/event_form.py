"""The form for what is written about an event, for new ones and for changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from core import i18n
from core.events import Details
from core.i18n import _
from core.offers import DEFAULT_CURRENCY
from models.event import Event, Visibility
from pages.parts import amounts, site, words

VISIBILITIES: list[Visibility] = list(Visibility)
LIFETIMES = (0, 30, 90, 180, 365)  # days after the event; 0: no end


def ask(event: Event | None, *, submit: str) -> Details | None:
    """Show the form, filled with the event if there is one; return the details once they are sent."""
    with st.form(f"event_{event.id if event else 'new'}", border=False):
        name = st.text_input(_("Name"), event.name if event else "")
        left, right = st.columns(2)
        held_on = left.date_input(_("Date"), event.held_on if event else date.today())
        time_zone = right.selectbox(_("Time zone"), _zones(), index=_zones().index(_zone(event)))
        place = st.text_input(_("Place"), event.place if event else "")
        description = st.text_area(_("Description"), event.description if event else "")
        price = amounts.ask(
            _("Price per photo"),
            event.price_amount if event else 12_000,
            event.currency if event else DEFAULT_CURRENCY,
            hint=_("Free"),
        )
        st.caption(_("Zero makes every photo free."))
        if event is not None:
            site.link(f"/prices?id={event.id}", _("Sizes, discounts, passes and coupons"))
        visibility = st.radio(
            _("Who finds the event?"),
            VISIBILITIES,
            index=VISIBILITIES.index(event.visibility) if event else 1,
            format_func=words.visibility,
        )
        expiry = st.selectbox(
            _("Visitors may come"),
            _lifetimes(event),
            index=_lifetimes(event).index(_days(event)),
            format_func=_lifetime,
        )
        if not st.form_submit_button(submit, type="primary"):
            return None
    return Details(
        name=name.strip(),
        held_on=held_on,
        time_zone=time_zone,
        place=place.strip(),
        description=description.strip(),
        price_amount=price or 0,
        visibility=visibility,
        expires_at=_end_of(held_on, expiry, time_zone),
    )


def _zones() -> list[str]:
    return sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "System"))
    )


def _zone(event: Event | None) -> str:
    return event.time_zone if event and event.time_zone in _zones() else "Asia/Bangkok"


def _days(event: Event | None) -> int:
    """Return for how many days after it was held visitors may see the event, 0 for ever."""
    if event is None or event.expires_at is None:
        return 0
    return max(1, (event.expires_at.astimezone(event.zone).date() - event.held_on).days)


def _lifetimes(event: Event | None) -> list[int]:
    return sorted({*LIFETIMES, _days(event)})


def _lifetime(days: int) -> str:
    if not days:
        return _("Without end")
    return i18n.plural("Until {count} day after the event", "Until {count} days after the event", days)


def _end_of(held_on: date, days: int, time_zone: str) -> datetime | None:
    """Return the last second of the last day where the event is, in UTC."""
    if not days:
        return None
    last = datetime.combine(held_on + timedelta(days=days), time(23, 59, 59), tzinfo=ZoneInfo(time_zone))
    return last.astimezone(UTC)
