"""Charts of numbers that `core.analytics` has counted."""

import altair as alt
import streamlit as st

from core.analytics import Sales
from core.i18n import _
from core.pricing import format_amount
from pages.parts import money, site

FEW = 10  # days; their bars would be as broad as the page
_BAR = "#0f827c"  # 3:1 or more against both grounds of the theme


def revenue_per_day(sales: Sales) -> alt.Chart:
    """Return bars of revenue per day, on the calendar of the event and in its currency."""
    currency = sales.event.currency
    rows = [
        {
            "day": site.day(day.day),
            "revenue": money.major(day.revenue_amount, currency),
            "amount": format_amount(day.revenue_amount, currency),
            "photos": day.photo_count,
        }
        for day in sales.days
    ]
    # Days are names here: a date would be moved by the browser's time zone.
    day = alt.X("day:N", sort=None, title=None, axis=_axis(labelAngle=0, labelOverlap=True))
    unit = _("Revenue, {currency}").format(currency=currency)
    revenue = alt.Y("revenue:Q", title=unit, axis=_axis(tickCount=5))
    tooltip = [
        alt.Tooltip("day:N", title=_("Day")),
        alt.Tooltip("amount:N", title=_("Revenue")),
        alt.Tooltip("photos:Q", title=_("Photos sold")),
    ]
    look = {"color": _BAR, "cornerRadiusEnd": 3} | ({"size": 40} if len(rows) <= FEW else {})
    chart = alt.Chart(alt.Data(values=rows)).mark_bar(**look)
    return chart.encode(x=day, y=revenue, tooltip=tooltip).properties(height=280)


def _axis(**look: object) -> alt.Axis:
    # Streamlit's own grey for axes is too pale to read on either ground.
    quiet = "#b5bdbd" if st.context.theme.type == "dark" else "#545b61"
    return alt.Axis(labelColor=quiet, titleColor=quiet, labelFontSize=13, titleFontSize=13, **look)
