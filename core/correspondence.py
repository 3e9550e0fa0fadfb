"""What each mail says, and its way out: the worker's part of the outbox.

A letter's words are made when it is sent, in the language of its row. A worker that dies between handing it
over and writing that down hands it over again, under the same message id: servers drop the second.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from core import buyer_letters, i18n, jobs, letters, staff_letters
from core.backends import Backends
from core.errors import PlatformError, Unavailable
from core.letters import Letter
from core.ports import Mail
from models.job import JobKind
from models.mail import MailKind, MailStatus, OutboxMail

Writer = Callable[[Backends, OutboxMail], Letter | None]

WRITERS: dict[MailKind, Writer] = {
    MailKind.ORDER_CONFIRMATION: buyer_letters.order_confirmation,
    MailKind.RECEIPT: buyer_letters.receipt,
    MailKind.REFUND: buyer_letters.refund,
    MailKind.ORDER_LINKS: buyer_letters.order_links,
    MailKind.PASSWORD_RESET: staff_letters.password_reset,
    MailKind.INVITATION: staff_letters.invitation,
    MailKind.PAYOUT: staff_letters.payout,
    MailKind.DAY_SUMMARY: staff_letters.day_summary,
}
UNEXPLAINED = "It could not be written. The jobs may say why."


def send(backends: Backends, subject: str) -> None:
    """Job: hand a mail over. Raises Unavailable until that works, InvalidInput to give up."""
    mail = _begin(backends, UUID(subject))
    if mail is None:
        return
    try:
        made = compose(backends, mail)
        if made is not None:
            backends.mailer.send(made)
    except PlatformError as refusal:
        _note(backends, mail, None if isinstance(refusal, Unavailable) else MailStatus.FAILED, str(refusal))
        raise
    _note(backends, mail, MailStatus.DROPPED if made is None else MailStatus.SENT, None)


def compose(backends: Backends, mail: OutboxMail) -> Mail | None:
    """Return a mail with its words, None when there is nothing left to say."""
    with _speaking(mail.language):
        letter = WRITERS[mail.kind](backends, mail)
        if letter is None:
            return None
        return Mail(mail.to, letter.headline, letters.text(letter), letters.html(letter), str(mail.id))


@contextmanager
def _speaking(language: str) -> Iterator[None]:
    before = i18n.language()
    i18n.use(language)
    try:
        yield
    finally:
        i18n.use(before)


def _begin(backends: Backends, mail_id: UUID) -> OutboxMail | None:
    """Return a mail that is to be sent, None when there is nothing to do.

    The last attempt counts as failed until it has succeeded: it has no next one to say so.
    """
    with backends.transaction() as session:
        mail = session.get(OutboxMail, mail_id)
        if mail is None or mail.status in (MailStatus.SENT, MailStatus.DROPPED):
            return None
        if jobs.is_last_attempt(session, JobKind.SEND_MAIL, mail_id):
            mail.status, mail.last_error = MailStatus.FAILED, mail.last_error or UNEXPLAINED
        else:
            mail.status = MailStatus.WAITING
    return mail


def _note(backends: Backends, mail: OutboxMail, status: MailStatus | None, error: str | None) -> None:
    """Write down what became of a mail, and where it stands now, if that is another place."""
    with backends.transaction() as session:
        row = session.get_one(OutboxMail, mail.id)
        row.last_error = None if error is None else error[:2000]
        if status is not None:
            row.status = status
        if status is MailStatus.SENT:
            row.sent_at = backends.now()
