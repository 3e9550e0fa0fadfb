"""One's own keys for programs: made, shown once, revoked."""

from datetime import timedelta

import streamlit as st

from core import keys
from core.i18n import _
from models.account import Account, ApiKey, ApiScope
from pages.parts import site, style, words

LIFETIMES = (30, 90, 365, 0)  # days; 0: no end
SECRET = "new_key_secret"  # noqa: S105  (where the session keeps it until the page is left)


def show(account: Account) -> None:
    """List the keys, and offer to make one."""
    _fresh_secret()
    own = keys.mine(site.backends(), by=account)
    for key in own:
        _row(key, account)
    if not own:
        st.caption(_("You have no key. A program that acts for you needs one."))
    with st.expander(_("Make a key")), site.refusals():
        _make(account)
    site.link("/api/docs", _("What programs can do"))


def _fresh_secret() -> None:
    """Show the secret of the key that was just made, on this look at the page only."""
    secret = st.session_state.pop(SECRET, None)
    if secret is not None:
        st.success(_("This is your key. Copy it now: it is shown this once."))
        st.code(secret, language=None, wrap_lines=True)


def _row(key: ApiKey, account: Account) -> None:
    with st.container(border=True):
        facts, button = st.columns([4, 1], vertical_alignment="center")
        facts.markdown(f"**{style.plain(key.name)}** · `{key.hint}…`")
        facts.caption(f"{', '.join(words.scope(ApiScope(one)) for one in key.scopes)} · {_times(key)}")
        with button.popover(_("Revoke")):
            st.write(_("Programs that use this key are refused at once. This cannot be undone."))
            if st.button(_("Revoke this key"), type="primary", key=f"revoke_key_{key.id}"):
                keys.revoke(site.backends(), key.id, by=account)
                st.rerun()


def _times(key: ApiKey) -> str:
    ends = _("until {day}").format(day=site.day(key.expires_at)) if key.expires_at else _("without an end")
    used = _("used {day}").format(day=site.day(key.last_used_at)) if key.last_used_at else _("never used")
    return f"{ends} · {used}"


def _make(account: Account) -> None:
    with st.form("new_key", border=False):
        name = st.text_input(_("What is it for?"), placeholder=_("Booth at the entrance"), max_chars=80)
        scopes = st.multiselect(
            _("It may"), [one for one in ApiScope if one in keys.KEY_SCOPES], format_func=words.scope
        )
        days = st.selectbox(_("Works for"), LIFETIMES, format_func=words.lifetime)
        if st.form_submit_button(_("Make key"), type="primary"):
            ends = site.backends().now() + timedelta(days=days) if days else None
            _key, secret = keys.create(site.backends(), name, scopes, ends, by=account)
            st.session_state[SECRET] = secret
            st.rerun()
