"""Who has a part in an event: listed, added, removed."""

import streamlit as st

from core import members
from core.i18n import _
from models.account import Account
from models.event import MemberRole
from pages.parts import site, style, words

MEMBER_ROLES: list[MemberRole] = list(MemberRole)


def show(event_id: int, account: Account, *, may_edit: bool) -> None:
    """Show who has a part in the event; those who may add and remove them here."""
    backends = site.backends()
    for member in members.of_event(backends, event_id, by=account):
        who, remove = st.columns([5, 1], vertical_alignment="center")
        known = [f"**{style.plain(member.name)}**", style.plain(member.email), words.member_role(member.role)]
        who.markdown(" · ".join(filter(None, known)))
        if may_edit and remove.button(_("Remove"), key=f"member_{member.account_id}"):
            members.remove(backends, event_id, member.account_id, by=account)
            st.rerun()
    if may_edit:
        _add(event_id, account)


def _add(event_id: int, account: Account) -> None:
    """Ask for an address and a part."""
    with st.form("new_member", border=False):
        address, part = st.columns(2)
        email = address.text_input(_("Address of an account"), max_chars=254)
        role = part.selectbox(_("Part"), MEMBER_ROLES, index=1, format_func=words.member_role)
        commission = st.number_input(_("Commission (%)"), 0, 100, 0)
        if st.form_submit_button(_("Add member")):
            members.put(site.backends(), event_id, email, role, commission, by=account)
            st.rerun()
