"""The mails that are to be sent: put here in the transaction of what they tell, shown to admins.

What they say, and their way out, is `correspondence`.
"""

from uuid import UUID, uuid4

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from core import access, audit, i18n, jobs, paging
from core.backends import Backends
from core.errors import NotFound
from core.paging import Asked, Page
from core.ports import Mail
from models.account import Account, Role
from models.job import Job, JobKind
from models.mail import MailKind, MailStatus, OutboxMail

NEWEST = paging.Order[OutboxMail](
    "mails", (col(OutboxMail.created_at), col(OutboxMail.id)), is_descending=True
)

Value = int | str


class NoSuchMail(NotFound):
    """No mail has that id."""

    def __init__(self) -> None:
        super().__init__("There is no such mail. It may be forgotten already.")


def put(session: Session, kind: MailKind, subject: object, to: str, **data: Value) -> None:
    """Have a mail sent, in the caller's transaction. A second one of the same kind and subject is not.

    `subject` is the id of what it is about; `data` has what else it must know: ids and days, no secrets.
    """
    mail = OutboxMail(kind=kind, subject=str(subject), to=to, language=i18n.language(), data=data)
    session.flush()  # what the caller did wrong is none of the savepoint's business
    try:
        with session.begin_nested():
            session.add(mail)
    except IntegrityError:  # the unique key: it was put before
        return
    jobs.enqueue(session, JobKind.SEND_MAIL, mail.id)


def put_for_known(session: Session, kind: MailKind, to: str, *, is_known: bool, **data: Value) -> None:
    """Have a mail sent that anybody may ask for again and again, to an address of which we know.

    For all others it is written and taken back, so that it is the same work.
    """
    mail = OutboxMail(kind=kind, subject=str(uuid4()), to=to, language=i18n.language(), data=data)
    session.add(mail)
    job = jobs.enqueue(session, JobKind.SEND_MAIL, mail.id)
    session.flush()
    if not is_known:
        session.delete(mail)
        session.delete(job)


def retry(backends: Backends, mail_id: UUID, *, by: Account | None) -> None:
    """Send a mail that was given up, or that waits for its next try, at once. Admins only.

    Raises NoSuchMail. One that was sent, or that had nothing to say, stays as it is.
    """
    access.require_role(by, Role.ADMIN)
    with backends.transaction() as session:
        mail = session.get(OutboxMail, mail_id, with_for_update=True)
        if mail is None:
            raise NoSuchMail
        if mail.status in (MailStatus.WAITING, MailStatus.FAILED):
            mail.status = MailStatus.WAITING
            _hurry(backends, session, mail)
            audit.record(session, "mail.retry", mail.id, by=by)


def _hurry(backends: Backends, session: Session, mail: OutboxMail) -> None:
    if not jobs.hurry(backends, session, JobKind.SEND_MAIL, mail.id):
        gave_up = delete(Job).where(col(Job.kind) == JobKind.SEND_MAIL, col(Job.subject) == str(mail.id))
        session.execute(gave_up)
        jobs.enqueue(session, JobKind.SEND_MAIL, mail.id)


# --- what admins see -----------------------------------------------------------------------


def listing(
    backends: Backends, asked: Asked, *, status: MailStatus | None = None, by: Account | None
) -> Page[OutboxMail]:
    """Return the mails, newest first. Admins only."""
    access.require_role(by, Role.ADMIN)
    query = select(OutboxMail)
    if status is not None:
        query = query.where(OutboxMail.status == status)
    with backends.reading() as session:
        return paging.read(backends, session, query, NEWEST, asked)


def counts(backends: Backends, *, by: Account | None) -> dict[MailStatus, int]:
    """Return how many mails stand where. Admins only."""
    access.require_role(by, Role.ADMIN)
    query = select(OutboxMail.status, func.count()).group_by(col(OutboxMail.status))
    with backends.reading() as session:
        return {MailStatus(status): count for status, count in session.exec(query)}


def kept(backends: Backends, mail_id: UUID, *, by: Account | None) -> Mail | None:
    """Return a mail as it was sent, where mails are files here: None where they leave. Admins only.

    It may hold a code: that it was read is written down.
    """
    access.require_role(by, Role.ADMIN)
    mail = backends.mailer.kept(str(mail_id))
    if mail is not None:
        with backends.transaction() as session:
            audit.record(session, "mail.read", mail_id, by=by)
    return mail
