"""The names of states on the screen, and their colours."""

from core import i18n
from core.i18n import _
from models.account import ApiScope, Role
from models.event import EventStatus, MemberRole, Visibility
from models.photo import Review
from pages.parts.style import Tone


def status(value: EventStatus) -> str:
    """Return an event's status in words."""
    return {
        EventStatus.DRAFT: _("Draft"),
        EventStatus.SHOOTING: _("Shooting"),
        EventStatus.UPLOADED: _("Uploaded"),
        EventStatus.ON_SALE: _("On sale"),
        EventStatus.CLOSED: _("Closed"),
    }[value]


def status_meaning(value: EventStatus) -> str:
    """Return what a status means for visitors."""
    return {
        EventStatus.DRAFT: _("Only members see the event."),
        EventStatus.SHOOTING: _("Visitors see approved photos, nothing is on sale yet."),
        EventStatus.UPLOADED: _("All photos are in; visitors see the approved ones, nothing is on sale yet."),
        EventStatus.ON_SALE: _("Visitors find, buy and download their photos."),
        EventStatus.CLOSED: _("Visitors see nothing any more; buyers keep their downloads."),
    }[value]


def status_chip(value: EventStatus) -> tuple[str, Tone]:
    """Return a status as the text and colour of a chip."""
    tones: dict[EventStatus, Tone] = {EventStatus.ON_SALE: "good", EventStatus.SHOOTING: "info"}
    return status(value), tones.get(value, "")


def visibility(value: Visibility) -> str:
    """Return who finds an event, in words."""
    return {
        Visibility.LISTED: _("Everyone: listed on the front page"),
        Visibility.BY_LINK: _("Only by share link or QR code"),
    }[value]


def member_role(value: MemberRole) -> str:
    """Return a part in an event, in words."""
    return {
        MemberRole.CO_ORGANISER: _("Co-organiser"),
        MemberRole.PHOTOGRAPHER: _("Photographer"),
        MemberRole.ANALYST: _("Analyst"),
        MemberRole.DOOR: _("Door"),
    }[value]


def role(value: Role) -> str:
    """Return an account's role, in words."""
    return {
        Role.ADMIN: _("Admin"),
        Role.ORGANISER: _("Organiser"),
        Role.PHOTOGRAPHER: _("Photographer"),
        Role.ANALYST: _("Analyst"),
        Role.GUEST: _("Guest"),
    }[value]


def review(value: Review) -> str:
    """Return a verdict, in words."""
    return {
        Review.PENDING: _("Waiting"),
        Review.APPROVED: _("Approved"),
        Review.REJECTED: _("Rejected"),
    }[value]


def scope(value: ApiScope) -> str:
    """Return what a scope allows, in words."""
    return {
        ApiScope.EVENTS_READ: _("read events"),
        ApiScope.EVENTS_WRITE: _("change events and prices"),
        ApiScope.PHOTOS_READ: _("read photos"),
        ApiScope.PHOTOS_WRITE: _("upload and review photos"),
        ApiScope.SEARCH: _("search by selfie"),
        ApiScope.SHOP: _("order and download"),
        ApiScope.REPORTS: _("read reports, listen live"),
        ApiScope.SALES: _("read orders, give money back"),
        ApiScope.WEBHOOKS: _("manage webhooks"),
        ApiScope.ACCOUNT: _("manage the account"),
    }[value]


def lifetime(days: int) -> str:
    """Return for how long something works, in words; 0 is without an end."""
    return i18n.plural("{count} day", "{count} days", days) if days else _("Until I revoke it")
