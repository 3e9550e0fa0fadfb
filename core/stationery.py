"""What all letters share: how they begin and end, and how days are written in them."""

from datetime import date

from core.backends import Backends
from core.i18n import _


def greeting(name: str = "") -> str:
    """Return how a letter begins."""
    return _("Hello {name},").format(name=name) if name else _("Hello,")


def footer(backends: Backends, reason: str) -> tuple[str, ...]:
    """Return how a letter ends: who sent it, and why to this address."""
    site = backends.settings.public_url.partition("//")[2]
    return (_("Encore · {site}").format(site=site), reason)


def written(day: date) -> str:
    """Return a day as people write it: 17 Oct 2026."""
    return f"{day.day} {day:%b %Y}"
