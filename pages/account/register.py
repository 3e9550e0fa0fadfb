"""Make an account: a guest's, or with the code from start-up the first admin's."""

import streamlit as st

from core import accounts, limits
from core.i18n import _
from models.account import Account
from pages.parts import site, style


def _register(code: str, email: str, name: str, password: str) -> Account:
    limits.take(site.backends(), limits.REGISTER, site.client())
    if code:
        return accounts.register_first_admin(site.backends(), code, email, name, password)
    return accounts.register(site.backends(), email, name, password)


def _page() -> None:
    target, code = site.next_path(), st.query_params.get("admin", "")
    style.hero(_("Make the first admin account") if code else _("Make an account"))
    site.link(site.with_next("/sign_in", target), _("You have an account? Sign in"))
    with st.form("register", border=True):
        name = st.text_input(_("Name"), max_chars=100, autocomplete="name")
        email = st.text_input(_("Email"), max_chars=254, autocomplete="email")
        password = st.text_input(
            _("Password"),
            type="password",
            autocomplete="new-password",
            help=_("At least 10 characters. Four ordinary words make a good one."),
        )
        is_sent = st.form_submit_button(_("Make account"), type="primary")
    if is_sent:
        site.enter(_register(code, email, name, password).id, target)


with st.container(width=site.FORM_WIDTH):
    _page()
