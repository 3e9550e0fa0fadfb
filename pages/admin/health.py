"""How every part is, and which face engine is on."""

from html import escape

import streamlit as st

from core import access, health
from core.i18n import _
from models.account import Role
from pages.parts import site, style

backends = site.backends()
style.hero(_("Health"), _("Every part that Encore stands on."))


@site.live(10)
def overview() -> None:
    """Show each part with its state."""
    access.require_role(site.require_account(), Role.ADMIN)
    for part in health.of(backends):
        chip = (
            style.status_chip(_("works"), "good")
            if part.is_well
            else style.status_chip(_("in trouble"), "bad")
        )
        st.html(f"<p><strong>{escape(part.name)}</strong> {chip} {escape(part.detail)}</p>")


overview()
st.caption(_("Programs read the same at /health."))
