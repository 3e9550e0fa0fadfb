"""Background work that is in trouble: what, why, and another try."""

import streamlit as st

from core import jobs, troubles
from core.i18n import _
from models.job import JobStatus
from pages.parts import site, stuck_money, style

backends = site.backends()
style.hero(_("Jobs"), _("Work in the background. What gave up is listed with its reason."))


@site.live(5)
def overview() -> None:
    """Show the counts and every job in trouble."""
    account = site.require_account()  # a fragment runs by itself: whoever was here may be gone
    troubled = troubles.named(backends, by=account)
    counts = jobs.counts(backends)
    named = ((_("Waiting"), JobStatus.DUE), (_("Running"), JobStatus.RUNNING))
    ended = ((_("Done"), JobStatus.DONE), (_("Gave up"), JobStatus.FAILED))
    style.metrics([(label, f"{counts.get(status, 0):,}") for label, status in named + ended])
    if not troubled:
        style.empty_state(
            _("Nothing is in trouble"), _("Jobs that fail appear here with a button to try again.")
        )
    for job, event_name in troubled:
        with st.container(border=True):
            left, right = st.columns([4, 1], vertical_alignment="center")
            state = _("gave up") if job.status is JobStatus.FAILED else _("trying again")
            tries = _("{count} attempts").format(count=job.attempts)
            left.markdown(f"**{job.kind}** · {style.plain(event_name)} · {state}, {tries}")
            left.caption(style.plain(job.last_error or ""))
            if job.status is JobStatus.FAILED and right.button(_("Try again"), key=f"retry_{job.id}"):
                jobs.retry(backends, job.id, by=account)
                st.rerun(scope="fragment")


stuck_money.show(site.require_account())
overview()
