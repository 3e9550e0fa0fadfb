"""The links to one's orders, sent again by mail to who has lost them."""

import streamlit as st

from core import limits, lost_links
from core.i18n import _
from pages.parts import site, style


def _page() -> None:
    style.hero(
        _("Lost your link?"),
        _("Write the address you paid with. We send it the links to its orders, and nothing to anyone else."),
    )
    with st.form("ask", border=True):
        email = st.text_input(_("Email"), max_chars=254, autocomplete="email")
        is_sent = st.form_submit_button(_("Send my links"), type="primary")
    if is_sent:
        limits.take(site.backends(), limits.SIGN_IN, site.client())
        lost_links.ask(site.backends(), email)
        st.success(
            _(
                "If this address has paid for photos, a mail with the links is on its way. "
                "Nothing there after some minutes? Look among the unwanted mail, or try another address."
            )
        )
    site.link("/orders", _("Back to my orders"))


with st.container(width=site.FORM_WIDTH):
    _page()
