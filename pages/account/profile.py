"""One's own account: name, password, orders, keys for programs, and the ways to sign out."""

import streamlit as st

from core import accounts, sessions
from core.i18n import _
from core.signing import token_hash
from models.account import Account
from pages.parts import api_keys, site, style


def _name(account: Account) -> None:
    with st.form("name"):
        name = st.text_input(_("Name"), value=account.name, max_chars=100, autocomplete="name")
        is_sent = st.form_submit_button(_("Save name"))
    if is_sent:
        accounts.rename(site.backends(), name, by=account)
        st.toast(_("Your name is saved."))


def _password(account: Account) -> None:
    with st.form("password"):
        old = st.text_input(_("Current password"), type="password", autocomplete="current-password")
        new = st.text_input(_("New password"), type="password", autocomplete="new-password")
        is_sent = st.form_submit_button(_("Change password"))
    if is_sent:
        accounts.change_password(site.backends(), old, new, by=account, keep=token_hash(site.session_token()))
        st.success(_("Your password is changed. Other browsers were signed out."))


def _sign_out(account: Account) -> None:
    here, everywhere = st.columns(2)
    if here.button(_("Sign out"), width="stretch"):
        sessions.sign_out(site.backends(), site.session_token())
        site.go("/session/ended")
    with everywhere.popover(_("Sign out everywhere"), width="stretch"):
        st.write(_("Every browser and program has to sign in again, this one too. Keys stay."))
        if st.button(_("Sign out of all of them"), type="primary"):
            sessions.sign_out_everywhere(site.backends(), account)
            site.go("/session/ended")


def _page() -> None:
    account = site.require_account()
    style.hero(_("Your account"), account.email)
    site.link("/orders", _("Your orders"))
    _sign_out(account)
    st.subheader(_("Name"))
    _name(account)
    st.subheader(_("Password"))
    _password(account)
    st.subheader(_("Keys for programs"))
    api_keys.show(account)


with st.container(width=site.FORM_WIDTH):
    _page()
