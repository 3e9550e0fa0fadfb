"""What is owed to who is signed in: how much, why, since when, and how it was computed."""

import streamlit as st

from core import earnings, shares
from core.bills import written
from core.earnings import Earnings, Funds
from core.i18n import _
from core.statements import Row
from models.ledger import EntryKind
from pages.parts import earning_statement, site, style, tables

backends = site.backends()
account = site.require_account()


def sums(funds: Funds) -> None:
    """Show the numbers that everyone asks for."""
    amounts = (
        (_("Owed to you"), funds.owed),
        (_("Of that on its way"), funds.due),
        (_("Frozen"), funds.frozen),
        (_("Paid so far"), funds.paid),
    )
    style.metrics([(label, written(amount, funds.currency)) for label, amount in amounts])
    if funds.owed < 0:
        st.info(_("More went back to buyers than was owed: your next sales make up for it."))


def frozen(mine: Earnings) -> None:
    """Say why money is frozen."""
    for one in mine.frozen:
        told = _(
            "{amount} of {event} is frozen: the bank of the buyer of order {id} wants the money back. If the "
            "dispute is won it is owed to you again."
        )
        amount = style.plain(written(one.amount, one.currency))
        st.warning(
            told.format(amount=amount, event=style.plain(one.event), id=str(one.order_id)[:8]),
            icon=":material/ac_unit:",
        )


def explain(mine: Earnings) -> None:
    """Say how a share is computed, by one of the account's own where there is one."""
    with st.expander(_("How a share is computed")):
        st.write(
            _(
                "From what a buyer paid for a photo the tax goes first, then the platform's share. Of the "
                "rest the photographer gets the agreed percentage, rounded half up to the smallest coin, "
                "and the organiser what is left. A refund takes back the same parts."
            )
        )
        rows = [(row, currency) for currency, recent in mine.recent.items() for row in recent]
        sold = [(row, currency) for row, currency in rows if row.kind is EntryKind.SALE and row.percent]
        st.write(example(*sold[0]) if sold else made_up())


def example(row: Row, currency: str) -> str:
    """Return how one share came about."""
    told = _(
        "For example {label}: {paid} paid − {tax} tax − {platform} platform = {base}; {percent} % of it is "
        "{amount}."
    )
    amounts = (row.paid_amount, row.tax_amount, row.platform_amount, row.base_amount or 0, row.amount)
    paid, tax, platform, base, amount = (style.plain(written(one, currency)) for one in amounts)
    label, percent = style.plain(row.label), row.percent
    return told.format(
        label=label, paid=paid, tax=tax, platform=platform, base=base, percent=percent, amount=amount
    )


def made_up() -> str:
    """Return an example for who has sold nothing yet."""
    platform = shares.percent_of(12_000, backends.settings.platform_percent)
    base = 12_000 - platform
    told = _("For example ฿120 paid − ฿0 tax − {platform} platform = {base}; 60 % of it is {amount}.")
    amounts = {"platform": platform, "base": base, "amount": shares.percent_of(base, 60)}
    return told.format(**{name: written(amount, "THB") for name, amount in amounts.items()})


def months(mine: Earnings) -> None:
    """Show what each month brought, and each event."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(_("Month by month"), anchor=False)
        head = (_("Month"), _("Sold"), _("Went back"), _("Paid out"))
        rows = [
            (f"{one.first:%b %Y}", *(written(n, one.currency) for n in (one.sold, one.back, one.paid)))
            for one in mine.months
        ]
        tables.show(_("Month by month"), head, rows, numbers=3)
    with right:
        st.subheader(_("Event by event"), anchor=False)
        of_events = [
            (one.name, f"{one.sale_count:,}", written(one.earned, one.currency)) for one in mine.events
        ]
        columns = (_("Event"), _("Sales"), _("Your share"))
        tables.show(_("Event by event"), columns, of_events, numbers=2)


style.hero(_("Earnings"), _("Your share of what is sold, to the last coin, and how it was computed."))
found = earnings.of_account(backends, by=account)
for one in found.funds:
    sums(one)
frozen(found)
if found.funds:
    months(found)
    earning_statement.show(found, account)
else:
    style.empty_state(
        _("Nothing earned yet"),
        _("When photos are sold of which you have a share, it appears here at once."),
        href="/events",
        link_text=_("My events"),
    )
explain(found)
