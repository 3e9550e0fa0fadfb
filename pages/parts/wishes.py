"""Filters over what was found: only those that can divide it, kept in the address."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import streamlit as st

from core import galleries, results
from core.access import Scope
from core.i18n import _
from core.results import Company, Found, Part, Wish
from models.event import Event
from pages.parts import site, style

NAMES = ("from", "until", "by", "gallery", "company")  # in the address
LONG = timedelta(hours=2)  # a longer result is divided by quarters of an hour, a shorter one by minutes
_ROUND = "wishes_round"


def ask(found: Found, scope: Scope) -> Wish:
    """Offer the filters that can divide this result, folded away, and return what is wished for."""
    parts = results.dividing(found)
    if not parts:
        return Wish()
    photos = [hit.photo for hit in found.hits]
    with st.expander(_("Filter"), icon=":material/tune:", key="filter"):
        span = _span([photo.taken_at for photo in photos if photo.taken_at], scope.event, Part.TIME in parts)
        gallery_ids = _several("gallery", _("Gallery"), _galleries(found, scope), Part.GALLERY in parts)
        by = sorted({photo.uploaded_by for photo in photos})
        # Their names are nowhere on the site, so they stay numbers here.
        names = {str(one): _("Photographer {number}").format(number=n) for n, one in enumerate(by, 1)}
        photographer_ids = _several("by", _("Photographer"), names, Part.PHOTOGRAPHER in parts)
        company = _company(Part.COMPANY in parts)
    return Wish(*span, photographer_ids=photographer_ids, gallery_ids=gallery_ids, company=company)


def clear_button() -> None:
    """Offer to say nothing about the photos any more."""
    st.button(_("Clear filters"), icon=":material/filter_alt_off:", on_click=_clear)


def explain_nothing(found: Found, wish: Wish) -> None:
    """Say which filter hides everything, and how to loosen it."""
    words = {
        Part.TIME: _("the time"),
        Part.PHOTOGRAPHER: _("the photographer"),
        Part.GALLERY: _("the gallery"),
        Part.COMPANY: _("alone or in a group"),
    }
    either = [words[part] for part in results.hindering(found, wish)]
    if either:
        text = _("Loosen one filter to see photos again: {filters}.").format(filters=_(" or ").join(either))
    else:
        text = _("No photo fits these filters together. Clear them to see all.")
    style.empty_state(_("Your filters hide every photo"), text)


def _clear() -> None:
    for name in NAMES:
        st.query_params.pop(name, None)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _key(name: str, *options: object) -> str:
    """Return a key that is new after clearing, and when there is something else to choose from."""
    return "_".join(map(str, (name, st.session_state.get(_ROUND, 0), *options)))


def _span(
    taken: Sequence[datetime], event: Event, is_offered: bool
) -> tuple[datetime | None, datetime | None]:
    """Return from when to when, None for no limit. It is asked in the event's time."""
    if not is_offered:
        return None, None
    there = [at.astimezone(event.zone).replace(tzinfo=None) for at in taken]
    step = timedelta(minutes=15 if max(there) - min(there) > LONG else 1)
    first = _rounded(min(there), step)
    last = _rounded(max(there), step) + step
    low, high = st.slider(
        _("Taken between"),
        first,
        last,
        (_given("from", first, last, first), _given("until", first, last, last)),
        step=step,
        format="HH:mm" if first.date() == last.date() else "D MMM HH:mm",
        key=_key("span", first, last),
    )
    site.remember("from", "" if low == first else low.isoformat(timespec="minutes"))
    site.remember("until", "" if high == last else high.isoformat(timespec="minutes"))
    return (
        None if low == first else low.replace(tzinfo=event.zone),
        None if high == last else high.replace(tzinfo=event.zone),
    )


def _rounded(at: datetime, step: timedelta) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // step * step


def _given(name: str, first: datetime, last: datetime, otherwise: datetime) -> datetime:
    """Return a time of the address, if it is one and within the result."""
    try:
        at = datetime.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        return otherwise
    return at if at.tzinfo is None and first <= at <= last else otherwise


def _galleries(found: Found, scope: Scope) -> Mapping[str, str]:
    with_photos = {hit.photo.gallery_id for hit in found.hits}
    visible = galleries.visible(site.backends(), scope)
    return {str(one.id): style.plain(one.name) for one in visible if one.id in with_photos}


def _several(name: str, label: str, labels: Mapping[str, str], is_offered: bool) -> frozenset[int]:
    """Return the ids that are chosen, none for no limit."""
    if not is_offered:
        return frozenset()
    given = st.query_params.get(name, "").split(",")
    chosen = st.pills(
        label,
        list(labels),
        selection_mode="multi",
        default=[one for one in labels if one in given],
        format_func=labels.__getitem__,
        key=_key(name, *labels),
    )
    site.remember(name, ",".join(chosen))
    return frozenset(map(int, chosen))


def _company(is_offered: bool) -> Company:
    if not is_offered:
        return Company.ANY
    labels = {Company.ANY: _("Any"), Company.ALONE: _("Alone"), Company.GROUP: _("In a group")}
    chosen = Company(
        st.segmented_control(
            _("How many people"),
            [str(one) for one in labels],
            default=site.choice("company", [str(one) for one in labels]),
            format_func=lambda one: labels[Company(one)],
            required=True,
            key=_key("company"),
        )
    )
    site.remember("company", "" if chosen is Company.ANY else chosen)
    return chosen
