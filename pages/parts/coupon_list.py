"""The coupons of an event: how often each was used, made, ended, and made again under a new code."""

from html import escape

import streamlit as st

from core import coupons, i18n
from core.coupons import Counted, Draft
from core.i18n import _
from core.pricing import format_amount
from models.account import Account
from models.event import Event
from models.price import Coupon
from pages.parts import amounts, site, style

PERCENT, AMOUNT = "percent", "amount"
_FORM = "coupon_form"  # which form: another number begins anew
_MODEL = "coupon_model"  # the coupon that the next one is like


def show(event: Event, account: Account) -> None:
    """Show the form for a new coupon, and all that there are."""
    new(event, account)
    found = coupons.listing(site.backends(), event.id, by=account).items
    for counted in found:
        with site.refusals():
            row(event, counted, account)
    if not found:
        text = _("Make one above, and tell its code to those who shall pay less.")
        style.empty_state(_("No coupon yet"), text)


def new(event: Event, account: Account) -> None:
    """Ask for a new coupon, like another one on wish."""
    model = st.session_state.get(_MODEL)
    model = model if model is not None and model.event_id == event.id else None
    version = st.session_state.setdefault(_FORM, 0)
    with st.expander(_("New coupon"), expanded=model is not None, key=f"new_coupon_{version}"):
        kind = st.segmented_control(
            _("It takes off"),
            [PERCENT, AMOUNT],
            default=AMOUNT if model and model.amount else PERCENT,
            format_func=lambda kind: _("a percentage") if kind == PERCENT else _("an amount"),
            required=True,
            key=f"coupon_kind_{version}",
        )
        is_for_a_time = st.toggle(_("Only for a time"), key=f"coupon_time_{version}")
        with st.form(f"coupon_{version}", border=False):
            draft = ask(event, kind, is_for_a_time, model)
            if st.form_submit_button(_("Make the coupon"), type="primary"):
                with site.refusals():
                    coupons.create(site.backends(), event.id, draft, by=account)
                    begin(None)


def begin(model: Coupon | None) -> None:
    """Begin a new form, like this coupon on wish."""
    st.session_state[_MODEL] = model
    st.session_state[_FORM] = st.session_state.get(_FORM, 0) + 1
    st.rerun()


def ask(event: Event, kind: str, is_for_a_time: bool, model: Coupon | None) -> Draft:
    """Ask for what makes a coupon."""
    with st.container(horizontal=True):
        code = st.text_input(
            _("Code"),
            f"{model.code}-2"[:32] if model else "",
            max_chars=32,
            placeholder="RUN20",
            width=amounts.WIDTH,
        )
        percent = amount = None
        if kind == PERCENT:
            percent = st.number_input(
                _("Percent off"), 1, 100, (model and model.percent) or 10, width=amounts.WIDTH
            )
        else:
            amount = amounts.ask(_("Amount off"), model.amount if model else None, event.currency)
    with st.container(horizontal=True):
        limit = _limit(_("Orders in all"), model.limit if model else None)
        per_buyer = _limit(_("Orders of each buyer"), model.limit_per_buyer if model else 1)
    first = last = None
    if is_for_a_time:
        with st.container(horizontal=True):
            first = amounts.ask_day(_("First day"), amounts.later(event, 0))
            last = amounts.ask_day(_("Last day"), amounts.later(event))
    return Draft(
        code=code or "",
        percent=percent,
        amount=amount,
        limit=limit,
        limit_per_buyer=per_buyer,
        valid_from=amounts.begin_of(event, first),
        valid_until=amounts.end_of(event, last),
    )


def _limit(label: str, number: int | None) -> int | None:
    return st.number_input(
        label, 1, coupons.LARGEST_LIMIT, number, placeholder=_("No limit"), width=amounts.WIDTH
    )


def row(event: Event, counted: Counted, account: Account) -> None:
    """Show one coupon and what can be done with it."""
    coupon = counted.coupon
    text, tone = state(counted)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.code(coupon.code, language=None, width=240)
        takes = escape(f"−{coupon.percent} %" if coupon.percent else worth(event, coupon))
        st.html(
            f"<strong>{takes}</strong> {style.status_chip(text, tone)}"
            f"<br>{escape(used(counted))}<br>{escape(validity(event, coupon))}"
        )
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            if coupon.ended_at is None:
                end(event, coupon, account)
            hint = _("A new one like this, with another code")
            if st.button(_("Make again"), key=f"again_{coupon.id}", help=hint):
                begin(coupon)


def worth(event: Event, coupon: Coupon) -> str:
    """Return an amount that a coupon takes off, in words."""
    return f"−{format_amount(coupon.amount or 0, event.currency)}"


def state(counted: Counted) -> tuple[str, style.Tone]:
    """Return whether a coupon can be used now, as the text and colour of a chip."""
    coupon, now = counted.coupon, site.backends().now()
    if coupon.ended_at is not None:
        return _("Ended"), ""
    if coupon.valid_until is not None and coupon.valid_until <= now:
        return _("Over"), ""
    if coupon.limit is not None and counted.uses >= coupon.limit:
        return _("Used up"), "warn"
    if coupon.valid_from is not None and now < coupon.valid_from:
        return _("Not yet"), "info"
    return _("Valid"), "good"


def used(counted: Counted) -> str:
    """Return how often a coupon is used, and may be."""
    limit, each = counted.coupon.limit, counted.coupon.limit_per_buyer
    text = i18n.plural("Used {count} time", "Used {count} times", counted.uses)
    if limit is not None:
        text = _("Used {count} of {limit} times").format(count=f"{counted.uses:,}", limit=f"{limit:,}")
    return text if each is None else text + " · " + _("{count} for each buyer").format(count=f"{each:,}")


def validity(event: Event, coupon: Coupon) -> str:
    """Return when a coupon is good."""
    parts = []
    if coupon.valid_from is not None:
        parts.append(_("from {time}").format(time=site.local(event, coupon.valid_from)))
    if coupon.valid_until is not None:
        parts.append(_("until {time}").format(time=site.local(event, coupon.valid_until)))
    return " ".join(parts) or _("Without end")


def end(event: Event, coupon: Coupon, account: Account) -> None:
    """Take a coupon back after a second thought."""
    with st.popover(_("End")):
        st.write(
            _("Nobody can use {code} any more. Orders that were made with it stay.").format(code=coupon.code)
        )
        if st.button(_("End this coupon"), type="primary", key=f"end_{coupon.id}"):
            coupons.end(site.backends(), event.id, coupon.id, by=account)
            st.rerun()
