"""Sign in by address and password; on this machine, with one click as a demo account."""

import streamlit as st

from core import demo, sessions
from core.i18n import _
from pages.parts import sign_in_form, site, style


def _demo_accounts(target: str) -> None:
    accounts = sessions.demo(site.backends())
    if not accounts:
        return
    st.subheader(_("Demo accounts"))
    st.caption(
        _("They work on this machine only. The password of each: `{password}`").format(password=demo.PASSWORD)
    )
    for account in accounts:
        who, button = st.columns([3, 1], vertical_alignment="center")
        who.text(f"{account.name} · {account.email}")
        if button.button(_("Sign in"), key=f"demo_{account.id}", width="stretch"):
            site.enter(account.id, target)


def _page() -> None:
    target = site.next_path()
    signed_in = site.account()
    if signed_in is not None:
        style.hero(_("You are signed in"), signed_in.email)
        site.link(target, _("Go on"))
        return
    if "again" in st.query_params:
        st.info(_("That sign-in took too long or was used already. Sign in once more."))
    style.hero(_("Sign in"))
    if "changed" in st.query_params:
        st.success(_("Your new password is saved. Sign in with it."))
    site.links(  # above the form: a refusal ends the page below it
        (site.with_next("/register", target), _("New here? Make an account")),
        ("/reset", _("Forgot your password?")),
    )
    account_id = sign_in_form.ask()
    if account_id is not None:
        site.enter(account_id, target)
    _demo_accounts(target)


with st.container(width=site.FORM_WIDTH):
    _page()
