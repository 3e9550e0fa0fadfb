"""Mails on the page: what they are about and where they stand, in words. All HTML here is escaped."""

from html import escape
from pathlib import Path

from core.i18n import _
from models.mail import MailKind, MailStatus, OutboxMail
from pages.parts import site, style


def folder() -> Path:
    """Return where mails lie that are files, as short as can be said."""
    found = site.backends().settings.data / "mail"
    return found.relative_to(Path.cwd()) if found.is_relative_to(Path.cwd()) else found


def status(value: MailStatus) -> tuple[str, style.Tone]:
    """Return where a mail stands as the text and colour of a chip."""
    known: dict[MailStatus, tuple[str, style.Tone]] = {
        MailStatus.WAITING: (_("Waiting"), "info"),
        MailStatus.SENT: (_("Sent"), "good"),
        MailStatus.FAILED: (_("Gave up"), "bad"),
        MailStatus.DROPPED: (_("Not needed"), ""),
    }
    return known[value]


def kind(value: MailKind) -> str:
    """Return what a mail is about, in words."""
    return {
        MailKind.ORDER_CONFIRMATION: _("Order confirmation"),
        MailKind.RECEIPT: _("Receipt"),
        MailKind.REFUND: _("Refund"),
        MailKind.ORDER_LINKS: _("Links to orders"),
        MailKind.PASSWORD_RESET: _("New password"),
        MailKind.INVITATION: _("Invitation"),
        MailKind.PAYOUT: _("Payout"),
        MailKind.DAY_SUMMARY: _("Summary of a day"),
    }[value]


def summary(mail: OutboxMail, when: str) -> str:
    """Return a mail in a few lines of safe HTML: where it stands, what it is, to whom, when, and why not."""
    chip = style.status_chip(*_shown(mail))
    name = escape(f"{kind(mail.kind)} {mail.subject}" if mail.kind is MailKind.RECEIPT else kind(mail.kind))
    facts = "<br>".join(map(escape, filter(None, (f"{mail.to} · {when}", mail.last_error))))
    below = f'<span class="encore-card-facts" style="overflow-wrap:anywhere">{facts}</span>'
    return f"{chip} <strong>{name}</strong><br>{below}"


def _shown(mail: OutboxMail) -> tuple[str, style.Tone]:
    if mail.status is MailStatus.WAITING and mail.last_error:
        return _("Trying again"), "warn"
    return status(mail.status)
