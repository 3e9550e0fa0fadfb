"""Cards: the list of events as a grid of links."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from core import covers, renditions
from models.event import Event
from pages.parts import site, style


@dataclass(frozen=True)
class EventCard:
    """One event as a visitor meets it. `href` and `cover_url` are local paths; no cover: ""."""

    title: str
    place: str
    date_text: str
    cover_url: str
    href: str
    chips: Sequence[tuple[str, style.Tone]] = ()


def of_event(event: Event, href: str, chip: tuple[str, style.Tone], *, grant: str) -> EventCard:
    """Return an event's card; `grant` is the right by which its cover is seen."""
    cover = covers.of(site.backends(), event)
    return EventCard(
        title=event.name,
        place=event.place,
        date_text=site.day(event.held_on),
        cover_url=renditions.url(site.backends(), cover, "800", grant) if cover else "",
        href=href,
        chips=[chip],
    )


def event_cards(cards: Sequence[EventCard]) -> None:
    """Show the cards as a responsive grid."""
    st.html(f'<ul class="encore-cards">{"".join(event_card(card) for card in cards)}</ul>')


def event_card(card: EventCard) -> str:
    """Return one card as safe HTML: a list item that is a link as a whole."""
    chips = "".join(style.status_chip(text, tone) for text, tone in card.chips)
    chip_row = f'<span class="encore-chips">{chips}</span>' if chips else ""
    facts = " · ".join(escape(fact) for fact in (card.date_text, card.place) if fact)
    return (
        f'<li><a href="{escape(card.href)}" target="_self">{_cover(card)}'
        f'<span class="encore-card-text"><span class="encore-card-title">{escape(card.title)}</span>'
        f'<span class="encore-card-facts">{facts}</span>'
        f"{chip_row}</span></a></li>"
    )


def _cover(card: EventCard) -> str:
    """Return the picture on top; its text stands right below it, so it has no words of its own."""
    if not card.cover_url:
        return '<span class="encore-cover encore-rest" aria-hidden="true"></span>'
    return f'<img class="encore-cover" src="{escape(card.cover_url)}" alt="" loading="lazy" decoding="async">'
