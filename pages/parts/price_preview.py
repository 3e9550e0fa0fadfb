"""What a guest would pay by prices that need not be saved yet, step by step."""

from dataclasses import dataclass
from html import escape

import streamlit as st

from core import i18n, prices
from core.errors import PlatformError
from core.i18n import _
from core.pricing import Quote, format_amount
from core.terms import Terms
from models.account import Account
from models.cart import Size
from models.event import Event
from pages.parts import money, shop, site

COUNTS = (1, 3, 5, 10)
FOUND = 20  # photos of one guest, in the example of all that a search finds

_CASE = "border-top:1px solid var(--encore-line);padding:4px 0"
_SUMMARY = (
    "display:flex;gap:12px;justify-content:space-between;align-items:center;min-height:44px;cursor:pointer"
)


@dataclass(frozen=True)
class _Case:
    title: str
    count: int
    is_bundle: bool = False
    is_pass: bool = False


def show(event: Event, terms: Terms, *, by: Account) -> None:
    """Show what some carts come to; what is not to be tried says why."""
    st.subheader(_("What a guest pays"))
    size = Size.FULL
    if terms.web_amount is not None:
        size = st.segmented_control(
            _("In size"),
            list(Size),
            default=Size.FULL,
            format_func=shop.size_name,
            required=True,
            key="try_size",
        )
    code = st.text_input(_("With the coupon"), key="try_coupon", max_chars=32, placeholder=_("None"))
    with site.refusals():
        _cases(event, terms, size, _usable(event, terms, code, by), by)
    st.caption(_("For a new guest. Photos and galleries with prices of their own are not in these examples."))


def _usable(event: Event, terms: Terms, code: str | None, by: Account) -> str:
    """Return the coupon's code when it can be used; else say why not, and go on without it."""
    if not code:
        return ""
    try:
        prices.preview(site.backends(), event.id, terms, 0, coupon_code=code, by=by)
    except PlatformError as refusal:
        terms.check()  # when the prices are at fault, that is said instead
        st.warning(i18n.refusal(refusal), icon=":material/info:")
        return ""
    return code


def _cases(event: Event, terms: Terms, size: Size, code: str, by: Account) -> None:
    cases = [_Case(i18n.plural("{count} photo", "{count} photos", count), count) for count in COUNTS]
    if terms.bundle_amount is not None:
        cases.append(_Case(_("All my photos: {count} found").format(count=FOUND), FOUND, is_bundle=True))
    if terms.pass_amount is not None:
        cases.append(_Case(_("Pass to the whole event"), 1, is_pass=True))
    shown = [
        _shown(
            case.title,
            prices.preview(
                site.backends(),
                event.id,
                terms,
                case.count,
                size=size,
                is_bundle=case.is_bundle,
                coupon_code=code,
                is_pass=case.is_pass,
                by=by,
            ),
        )
        for case in cases
    ]
    st.html("".join(shown))


def _shown(title: str, quote: Quote) -> str:
    """Return one cart as safe HTML: its total, and on wish how that came about."""
    total = escape(format_amount(quote.total_amount, quote.currency) if quote.total_amount else _("Free"))
    listed = sum(line.list_amount for line in quote.lines)
    before = f"<s>{escape(format_amount(listed, quote.currency))}</s> " if listed > quote.total_amount else ""
    quiet = f'<span style="color:var(--encore-quiet)">{before}</span>' if before else ""
    head = (
        f'<span>{escape(title)}</span><span style="white-space:nowrap">{quiet}<strong>{total}</strong></span>'
    )
    steps = money.steps(quote.rows, quote.currency)
    return f'<details style="{_CASE}"><summary style="{_SUMMARY}">{head}</summary>{steps}</details>'
