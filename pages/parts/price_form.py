"""The form for what an event's photos are sold for: live, so that it can be tried before it is saved."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import streamlit as st

from core import prices
from core.i18n import _
from core.terms import LARGEST_COUNT, LONGEST_REFUND, MOST_TIERS, Terms, check_amount
from models.account import Account
from models.event import Event, Gallery
from pages.parts import amounts, site, style

ROWS = 5  # of tiers, where there are no more already
Own = tuple[int | None, int | None]  # prices of a gallery: full size, web size


@dataclass(frozen=True)
class Said:
    """What a form says."""

    terms: Terms
    galleries: Mapping[int, Own]  # by id


@dataclass(frozen=True)
class PriceForm:
    """One event's prices as they are saved. Widgets are named after `version`: another one begins anew."""

    event: Event
    terms: Terms
    galleries: Sequence[Gallery]
    version: int

    @property
    def saved(self) -> Said:
        """What the form said when it was saved last."""
        return Said(self.terms, {one.id: (one.price_amount, one.web_amount) for one in self.galleries})

    def save(self, said: Said, *, by: Account) -> None:
        """Save what differs. Raises InvalidInput before anything is saved."""
        said.terms.check()
        for full, web in said.galleries.values():
            check_amount(full)
            check_amount(web)
        prices.save(site.backends(), self.event.id, said.terms, by=by)
        for gallery_id, own in said.galleries.items():
            if own != self.saved.galleries[gallery_id]:
                prices.save_gallery(site.backends(), gallery_id, *own, by=by)

    def ask(self) -> Said:
        """Show the form and return what it says now."""
        price, web = self._photos()
        own = self._galleries(web is not None)
        tiers, bundle, event_pass = self._tiers(), self._bundle(), self._pass()
        free = self._free()
        early_percent, early_day = self._early()
        tax, is_included = self._tax()
        until = self.terms.early_until
        if early_day != amounts.day(self.event, until):
            until = amounts.end_of(self.event, early_day)
        terms = Terms(
            price_amount=price,
            web_amount=web,
            tiers=tiers,
            bundle_amount=bundle,
            pass_amount=event_pass,
            free_count=free,
            early_percent=early_percent,
            early_until=until if early_percent else None,
            tax_basis_points=tax,
            is_tax_included=is_included,
            refund_days=self._refunds(),
        )
        return Said(terms, own)

    def _key(self, name: str) -> str:
        return f"price_{self.event.id}_{self.version}_{name}"

    def _amount(self, label: str, amount: int | None, name: str, hint: str, width: int = 0) -> int | None:
        key, currency = self._key(name), self.event.currency
        return amounts.ask(label, amount, currency, key=key, hint=hint, width=width or amounts.WIDTH)

    def _photos(self) -> tuple[int, int | None]:
        with _section(_("Photos"), _("What one photo costs. Zero makes every photo free.")):
            price = self._amount(_("Full size"), self.terms.price_amount, "full", _("Free"))
            web = self._amount(_("Web size"), self.terms.web_amount, "web", _("Not sold"))
        return price or 0, web

    def _galleries(self, has_web: bool) -> Mapping[int, Own]:
        own: dict[int, Own] = {}
        is_open = any(one.price_amount is not None or one.web_amount is not None for one in self.galleries)
        with st.expander(_("By gallery"), expanded=is_open, key=self._key("galleries")):
            st.caption(_("A gallery may have prices of its own. What is left open is as above."))
            for gallery in self.galleries:
                with st.container(horizontal=True):
                    own[gallery.id] = self._own(gallery, has_web)
        return own

    def _own(self, gallery: Gallery, has_web: bool) -> Own:
        name, hint, wide = style.plain(gallery.name), _("As the event"), 240  # pixels
        label = _("{name}: full size").format(name=name)
        full, web = (
            self._amount(label, gallery.price_amount, f"f{gallery.id}", hint, wide),
            gallery.web_amount,
        )
        if has_web or web is not None:
            web = self._amount(_("{name}: web size").format(name=name), web, f"w{gallery.id}", hint, wide)
        return full, web

    def _tiers(self) -> tuple[tuple[int, int], ...]:
        with _section(_("Several photos"), _("Who takes more pays less for each."), is_row=False):
            rows: list[tuple[int, int]] = []
            for row in range(max(ROWS, len(self.terms.tiers))):
                if row > len(rows) or row == MOST_TIERS:
                    break  # the next row comes when this one is filled
                count, percent = self.terms.tiers[row] if row < len(self.terms.tiers) else (None, None)
                with st.container(horizontal=True):
                    label = _("From so many photos")
                    count = amounts.count(label, count, LARGEST_COUNT, key=self._key(f"n{row}"), hint="–")
                    percent = amounts.count(_("Percent off"), percent, 99, key=self._key(f"p{row}"), hint="–")
                if count is not None or percent is not None:
                    rows.append((count or 0, percent or 0))
        return tuple(sorted(rows))

    def _bundle(self) -> int | None:
        text = _("At most this for all photos that one search finds of a guest.")
        with _section(_("All my photos"), text):
            return self._amount(_("Together"), self.terms.bundle_amount, "bundle", _("Not offered"))

    def _pass(self) -> int | None:
        with _section(_("Whole event"), _("A pass to every photo, also to those that come later.")):
            return self._amount(_("Pass"), self.terms.pass_amount, "pass", _("Not offered"))

    def _free(self) -> int:
        with _section(_("Free photos"), _("Each guest gets so many for nothing, the cheapest first.")):
            label = _("Free photos per guest")
            return amounts.count(label, self.terms.free_count, LARGEST_COUNT, key=self._key("free")) or 0

    def _early(self) -> tuple[int, date | None]:
        with _section(_("Early bird"), _("Until the end of a day, each photo costs less.")):
            percent = amounts.count(
                _("Early bird: percent off"), self.terms.early_percent, 100, key=self._key("early")
            )
            if not percent:
                return 0, None
            last = amounts.day(self.event, self.terms.early_until) or amounts.later(self.event)
            day = amounts.ask_day(_("Last day"), last, key=self._key("until"))
        return percent, day

    def _tax(self) -> tuple[int, bool]:
        with _section(_("Tax"), _("Receipts show it. Zero where you owe none.")):
            percent = st.number_input(
                _("Tax in percent"),
                0.0,
                100.0,
                self.terms.tax_basis_points / 100,
                step=0.5,
                format="%.2f",
                key=self._key("tax"),
                width=amounts.WIDTH,
            )
            is_included = st.segmented_control(
                _("Prices"),
                [True, False],
                default=self.terms.is_tax_included,
                format_func=lambda included: _("include it") if included else _("come without it"),
                key=self._key("included"),
                required=True,
            )
        return round((percent or 0) * 100), bool(is_included)

    def _refunds(self) -> int:
        text = _("Within so many days buyers give back what they never downloaded, without asking you.")
        with _section(_("Refunds"), text):
            label = _("Days; 0 is never")
            return amounts.count(label, self.terms.refund_days, LONGEST_REFUND, key=self._key("refund")) or 0


@contextmanager
def _section(title: str, text: str, *, is_row: bool = True) -> Iterator[None]:
    st.subheader(title)
    st.caption(text)
    with st.container(horizontal=is_row):
        yield
