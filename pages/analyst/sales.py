"""What an event sold: the sums, the days, the best photos."""

import streamlit as st

from core import analytics, i18n, renditions
from core.access import Action
from core.analytics import Sales
from core.i18n import _
from core.pricing import format_amount
from models.event import Event
from pages.parts import charts, event_picker, money, site, style

backends = site.backends()
account = site.require_account()


def written(event: Event, amount: int) -> str:
    """Return an amount in the event's currency."""
    return format_amount(amount, event.currency)


def sums(sales: Sales) -> None:
    """Show the four numbers that everyone asks for."""
    numbers = (
        (_("Revenue"), written(sales.event, sales.revenue_amount)),
        (_("Orders"), f"{sales.order_count:,}"),
        (_("Photos sold"), f"{sales.photo_count:,}"),
        (_("Average order"), written(sales.event, sales.average_amount)),
    )
    with st.container(horizontal=True):
        for label, value in numbers:
            st.metric(label, value.replace("$", r"\$"), border=True)


def days(sales: Sales) -> None:
    """Show revenue by day, as bars and as a table."""
    st.subheader(_("Revenue per day"), anchor=False)
    st.altair_chart(
        charts.revenue_per_day(sales), alt=_("Bars: revenue per day; the table below has the numbers.")
    )
    with st.expander(_("As a table")):
        st.dataframe(
            {
                _("Day"): [site.day(day.day) for day in sales.days],
                _("Revenue"): [written(sales.event, day.revenue_amount) for day in sales.days],
                _("Photos sold"): [day.photo_count for day in sales.days],
            },
            hide_index=True,
        )


def best(sales: Sales) -> None:
    """Show the photos that were sold most often."""
    st.subheader(_("Best photos"), anchor=False)
    grant = renditions.member_grant(account)
    money.tiles(
        [
            money.Tile(
                renditions.url(backends, one.photo.id, "300", grant),
                one.photo.filename,
                i18n.plural("sold once", "sold {count} times", one.sold_count),
            )
            for one in sales.best
        ]
    )


def overview() -> None:
    """Show every event of the account side by side."""
    lines = analytics.overall(backends, by=account)
    if len(lines) < 2:
        return
    st.subheader(_("All your events"), anchor=False)
    st.dataframe(
        {
            _("Event"): [line.event.name for line in lines],
            _("Revenue"): [written(line.event, line.revenue_amount) for line in lines],
            _("Orders"): [line.order_count for line in lines],
            _("Photos sold"): [line.photo_count for line in lines],
        },
        hide_index=True,
    )


style.hero(_("Sales"), _("Paid orders, less what was given back. Days are those of the event's calendar."))
event = event_picker.choose(account, Action.ANALYSE)
sales = analytics.sales(backends, event.id, by=account)
if sales.order_count:
    sums(sales)
    days(sales)
    best(sales)
else:
    style.empty_state(
        _("Nothing sold yet"),
        _("The first sale appears here at once. Share the event's link so that people find their photos."),
        href=f"/share?id={event.id}",
        link_text=_("Share the event"),
    )
overview()
