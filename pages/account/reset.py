"""A new password for who has forgotten theirs: ask for a mail, or come from the link in it."""

import streamlit as st

from core import limits, resets
from core.codes import CodeSpent
from core.i18n import _
from pages.parts import mail_words, site, style


def _ask() -> None:
    style.hero(_("Forgot your password?"), _("We send a link to your address. It lets you choose a new one."))
    site.link("/sign_in", _("Back to sign-in"))
    with st.form("ask", border=True):
        email = st.text_input(_("Email"), max_chars=254, autocomplete="email")
        is_sent = st.form_submit_button(_("Send the link"), type="primary")
    if is_sent:
        limits.take(site.backends(), limits.SIGN_IN, site.client())
        resets.request(site.backends(), email)
        _say_it_is_sent()


def _say_it_is_sent() -> None:
    st.success(
        _(
            "If this address has an account, a mail is on its way. Its link works for an hour. "
            "Nothing there after some minutes? Look among the unwanted mail."
        )
    )
    settings = site.backends().settings
    if settings.smtp_host is None and settings.is_loopback:
        told = _("This site has no mail server yet: its mails are files in `{folder}`.")
        st.info(told.format(folder=mail_words.folder()))


def _choose(code: str) -> None:
    account = resets.owner(site.backends(), code)
    st.text(account.email)
    with st.form("choose", border=True):
        password = st.text_input(
            _("New password"),
            type="password",
            autocomplete="new-password",
            help=_("At least 10 characters. Four ordinary words make a good one."),
        )
        is_sent = st.form_submit_button(_("Save password"), type="primary")
    if is_sent:
        resets.redeem(site.backends(), code, password)
        site.go("/sign_in?changed=1")


def _page() -> None:
    code = st.query_params.get("code", "")
    if not code:
        _ask()
        return
    style.hero(_("Choose a new password"))
    try:
        _choose(code)
    except CodeSpent:
        style.empty_state(
            _("This link no longer works"),
            _("It was used already, or is more than an hour old."),
            href="/reset",
            link_text=_("Send me another"),
        )


with st.container(width=site.FORM_WIDTH):
    _page()
