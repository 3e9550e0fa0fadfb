"""Which pages there are for whom. Hiding one is a courtesy: services check access."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core import carts, members, photos
from core.access import Action
from core.i18n import _
from models.account import Account, Role
from pages.parts import site

PAGES = Path(__file__).parents[1]
EVERYONE = frozenset(Role)
STAFF = EVERYONE - {Role.GUEST}


@dataclass(frozen=True)
class Place:
    """A page, its address, and who finds it in the navigation."""

    script: str
    path: str
    title: str
    roles: frozenset[Role] | None = None  # None: everyone, signed in or not
    is_hidden: bool = False  # reached by a link only
    action: Action | None = None  # listed for those who may do this in some event


def _places() -> list[Place]:
    admins = frozenset({Role.ADMIN})
    return [
        Place("visitor/home.py", "", _("Events")),
        Place("visitor/gallery.py", "gallery", _("Gallery"), is_hidden=True),
        Place("visitor/find_me.py", "find_me", _("Find me"), is_hidden=True),
        Place("visitor/cart.py", "cart", _("Cart")),
        Place("visitor/orders.py", "orders", _("My orders")),
        Place("visitor/lost_link.py", "lost_link", _("Lost your link?"), is_hidden=True),
        Place("visitor/order.py", "order", _("Order"), is_hidden=True),
        Place("visitor/pay.py", "pay", _("Payment"), is_hidden=True),
        Place("organiser/events.py", "events", _("My events"), STAFF),
        Place("organiser/event.py", "event", _("Event"), STAFF, is_hidden=True),
        Place("photographer/upload.py", "upload", _("Upload"), STAFF, action=Action.UPLOAD),
        Place("organiser/review.py", "review", _("Review"), STAFF, action=Action.REVIEW),
        Place("organiser/share.py", "share", _("Share"), STAFF, action=Action.SHARE),
        Place("organiser/prices.py", "prices", _("Prices"), STAFF, action=Action.SELL),
        Place("organiser/orders.py", "sold", _("Orders"), STAFF, action=Action.SELL),
        Place("analyst/sales.py", "sales", _("Sales"), STAFF, action=Action.ANALYSE),
        Place("organiser/webhooks.py", "hooks", _("Webhooks"), STAFF, action=Action.EDIT),
        Place("photographer/earnings.py", "earnings", _("Earnings"), EVERYONE, action=Action.UPLOAD),
        Place("analyst/payouts.py", "payouts", _("Payouts"), admins),
        Place("admin/accounts.py", "accounts", _("Accounts"), admins),
        Place("admin/faces.py", "faces", _("Faces"), admins),
        Place("admin/jobs.py", "jobs", _("Jobs"), admins),
        Place("admin/mails.py", "mails", _("Mails"), admins),
        Place("admin/health.py", "status", _("Health"), admins),
        Place("account/profile.py", "profile", _("Profile"), EVERYONE),
        Place("account/register.py", "register", _("Register"), is_hidden=True),
        Place("account/reset.py", "reset", _("New password"), is_hidden=True),
        Place("account/sign_in.py", "sign_in", _("Sign in")),
    ]


def choose(account: Account | None) -> StreamlitPage:
    """Build the navigation for who is here and return the page that was asked for.

    One flat list: Streamlit's sections are menus that a screen reader cannot follow.
    """
    may = members.actions(site.backends(), by=account) if account else frozenset()
    return st.navigation([_page(place, account, may) for place in _places()], position="top")


def _page(place: Place, account: Account | None, may: frozenset[Action]) -> StreamlitPage:
    """Return the page; where it is not for this reader, its address says so instead."""
    script = place.script
    if place.roles is not None and account is None:
        script = "account/gate.py"
    elif place.roles is not None and account is not None and not _is_for(place, account, may):
        script = "account/closed.py"
    is_useful = place.action is None or place.action in may
    is_visible = script == place.script and is_useful and not place.is_hidden and not _is_over(place, account)
    return st.Page(
        PAGES / script,
        title=_title(place, account) if is_visible else place.title,
        url_path=place.path,
        default=place.path == "",
        visibility="visible" if is_visible else "hidden",
    )


def _is_for(place: Place, account: Account, may: frozenset[Action]) -> bool:
    """The page is for this role, or it is work and the account has a part in some event."""
    return place.roles is None or account.role in place.roles or (place.roles == STAFF and bool(may))


def _is_over(place: Place, account: Account | None) -> bool:
    return place.path == "sign_in" and account is not None


def _title(place: Place, account: Account | None) -> str:
    count = _count(place, account)
    return f"{place.title} ({count})" if count else place.title


def _count(place: Place, account: Account | None) -> int:
    if place.path == "cart":
        return carts.count(site.backends(), site.viewer())
    if place.path == "review" and account is not None:
        return photos.pending_count(site.backends(), by=account)
    return 0


def paths() -> Iterable[str]:
    """Return every page's address, for tests that open each once."""
    return [place.path for place in _places()]
