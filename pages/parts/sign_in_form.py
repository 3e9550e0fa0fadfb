"""The password form of streamlit-authenticator, without its cookie, its state and its list of accounts.

Its session cookie would be one that scripts can read. Only the form and the bcrypt check are used.
"""

from typing import Any

import streamlit as st
from streamlit_authenticator.controllers import AuthenticationController
from streamlit_authenticator.views import Authenticate

from core import limits, sessions
from core.errors import InvalidInput
from core.i18n import _
from pages.parts import site

_LEFT_BEHIND = ("authentication_status", "username", "name", "email", "roles", "logout", "password_hint")


class WrongSignIn(InvalidInput):
    """Address and password do not belong together; which of them is wrong is not told."""

    def __init__(self) -> None:
        super().__init__("The address or the password is wrong.")


def ask() -> int | None:
    """Show the form and return the id of the account whose password was given, None while nobody asked.

    Raises WrongSignIn, LockedOut, TooOften.
    """
    _forget()  # what an earlier run left here proves nothing
    form = _Form()
    try:
        form.login(
            fields={
                "Form name": _("With your email"),
                "Username": _("Email"),
                "Password": _("Password"),
                "Login": _("Sign in"),
            },
            key="sign_in",
        )
    finally:
        _forget()
    return form.authentication_controller.account_id


def _forget() -> None:
    for key in _LEFT_BEHIND:
        st.session_state.pop(key, None)


class _NoCookie:
    """Stands where the package keeps its cookie component."""

    def get_cookie(self) -> None:
        """Nobody is signed in by a cookie of the package."""

    def set_cookie(self) -> None:
        """The session cookie is set by a route, out of reach of scripts."""


class _OneAccount(AuthenticationController):  # type: ignore[misc]  # the package has no types
    """Checks the typed name against its own entry only, loaded when the form is sent."""

    account_id: int | None = None

    def login(
        self, username: str | None = None, password: str | None = None, *args: Any, **more: Any
    ) -> bool:
        """Return True for the right password. Raises WrongSignIn, LockedOut, TooOften."""
        limits.take(site.backends(), limits.SIGN_IN, site.client())
        credentials = sessions.credentials(site.backends(), username or "")
        self.authentication_model.credentials = credentials
        if not password or not super().login(username, password, *args, **more):
            raise WrongSignIn
        (entry,) = credentials["usernames"].values()
        self.account_id = entry["id"]
        return True


class _Form(Authenticate):  # type: ignore[misc]
    """The login view over `_OneAccount`."""

    def __init__(self) -> None:
        # The package's own would mount the cookie component, in a frame that our headers forbid.
        self.attrs = {"login_sleep_time": 0}
        self.path = None
        self.cookie_controller = _NoCookie()
        self.authentication_controller = _OneAccount({"usernames": {}}, auto_hash=False)
