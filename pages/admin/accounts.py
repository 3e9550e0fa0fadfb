"""Admins find accounts, make them, give roles, and disable them."""

from collections.abc import Sequence

import streamlit as st

from core import access, accounts
from core.i18n import _
from models.account import Account, Role
from pages.parts import site, style, words


def _create(admin: Account) -> None:
    with st.expander(_("Make an account")), st.form("create", border=False):
        name = st.text_input(_("Name"), max_chars=100)
        email = st.text_input(_("Email"), max_chars=254)
        password = st.text_input(_("Password"), type="password", autocomplete="new-password")
        role = st.selectbox(_("Role"), list(Role), index=list(Role).index(Role.GUEST), format_func=words.role)
        if st.form_submit_button(_("Make account"), type="primary"):
            made = accounts.create(site.backends(), email, name, password, role or Role.GUEST, by=admin)
            st.toast(_("The account of {name} is made.").format(name=style.plain(made.name)))


def _table(found: Sequence[Account]) -> None:
    rows = [
        {
            _("Name"): account.name,
            _("Email"): account.email,
            _("Role"): words.role(account.role),
            _("May sign in"): account.is_active,
            _("Since"): account.created_at.date(),
        }
        for account in found
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def _change(chosen: Account, admin: Account) -> None:
    roles = list(Role)
    # The key holds the role, so that the choice follows a change made elsewhere.
    key = f"role_{chosen.id}_{chosen.role}"
    role = st.selectbox(_("Role"), roles, roles.index(chosen.role), format_func=words.role, key=key)
    if st.button(_("Save role"), disabled=role is chosen.role):
        accounts.set_rights(site.backends(), chosen.id, role, by=admin)
        st.rerun()
    if not chosen.is_active:
        if st.button(_("Enable account")):
            accounts.set_rights(site.backends(), chosen.id, is_active=True, by=admin)
            st.rerun()
        return
    is_sure = st.checkbox(
        _("Disable {name}: every browser is signed out at once").format(name=style.plain(chosen.name)),
        key=f"sure_{chosen.id}",
    )
    if st.button(_("Disable account"), disabled=not is_sure):
        accounts.set_rights(site.backends(), chosen.id, is_active=False, by=admin)
        st.rerun()


def _page() -> None:
    admin = access.require_role(site.account(), Role.ADMIN)
    style.hero(_("Accounts"))
    _create(admin)
    text = st.text_input(_("Search by name or email"), icon=":material/search:")
    page = accounts.everyone(site.backends(), by=admin, text=text)
    found = page.items
    if not found:
        st.info(_("No account has this in its name or address."))
        return
    _table(found)
    if page.next_cursor:
        st.caption(_("More accounts fit than are shown. Search for one."))
    by_id = {account.id: account for account in found}
    label = {key: f"{account.name} · {account.email}" for key, account in by_id.items()}
    chosen = st.selectbox(_("Account to change"), list(by_id), index=None, format_func=label.__getitem__)
    if chosen is not None:
        _change(by_id[chosen], admin)


_page()
