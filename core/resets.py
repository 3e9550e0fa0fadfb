"""A new password by mail, for who has forgotten theirs: asked for, sent, and redeemed once."""

from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from core import addresses, audit, codes, jobs, limits, passwords, sessions
from core.backends import Backends
from core.codes import CodeSpent
from core.ports import Mail
from models.account import Account, CodePurpose, OneTimeCode, SignInSession
from models.job import JobKind

TTL = timedelta(hours=1)
NOBODY = 0  # no account has this id

SUBJECT = "Your new password for Encore"
TEXT = """\
Hello {name},

somebody asked for a new password for your account at {site}.
Open this address to choose one:

{url}

It works once, for {minutes} minutes. Keys of programs stay; look at them in your profile.

You did not ask? Then there is nothing to do: your password stays as it is, and nobody who
cannot read your mail can change it.
"""


def request(backends: Backends, email: str) -> None:
    """Have a link sent to the address if an account has it. Who asks is never told. Raises InvalidInput.

    An address that nobody has takes as long, and one asked for too often is sent nothing more.
    """
    address = addresses.checked(email)
    try:
        limits.take(backends, limits.RESET, address)
    except limits.TooOften:
        return
    with backends.transaction() as session:
        account = session.exec(select(Account).where(Account.email == address)).first()
        is_known = account is not None and sessions.may_sign_in(backends, account)
        job = jobs.enqueue(session, JobKind.SEND_PASSWORD_RESET, account.id if account else NOBODY)
        session.flush()
        if not is_known:  # written and taken back, so that it is the same work
            session.delete(job)


def send(backends: Backends, subject: str) -> None:
    """Mail a fresh link to an account. Raises what the mailer raises."""
    with backends.transaction() as session:
        account = session.get(Account, int(subject))
        if account is None or not sessions.may_sign_in(backends, account):
            return  # gone or disabled meanwhile
        code = codes.issue(backends, session, CodePurpose.PASSWORD_RESET, TTL, account.id)
    backends.mailer.send(_mail(backends, account, code))


def _mail(backends: Backends, account: Account, code: str) -> Mail:
    text = TEXT.format(
        name=account.name,
        site=backends.settings.public_url.partition("//")[2],
        url=backends.settings.url(f"/reset?code={code}"),
        minutes=TTL // timedelta(minutes=1),
    )
    return Mail(to=account.email, subject=SUBJECT, text=text)


def owner(backends: Backends, code: str) -> Account:
    """Return whose password a code changes, without spending it. Raises CodeSpent."""
    with backends.reading() as session:
        return _owner(backends, session, codes.find(backends, session, CodePurpose.PASSWORD_RESET, code))


def redeem(backends: Backends, code: str, password: str) -> Account:
    """Spend a code and give its account the password; whoever was signed in to it is so no more.

    Raises CodeSpent, and WeakPassword: the code then still works.
    """
    asked = owner(backends, code)
    passwords.check_for(password, asked.email, asked.name)
    password_hash = passwords.hashed(password)
    with backends.transaction() as session:
        spent = codes.redeem(backends, session, CodePurpose.PASSWORD_RESET, code)
        account = _owner(backends, session, spent)
        account.password_hash = password_hash
        _end_codes(session, account)
        sessions.revoke(backends, session, col(SignInSession.account_id) == account.id)
        sessions.clear_failures(session, account.email)
        audit.record(session, "account.password_reset", account.id, by=account)
    return account


def _owner(backends: Backends, session: Session, code: OneTimeCode | None) -> Account:
    account = session.get(Account, code.account_id) if code and code.account_id else None
    if account is None or not sessions.may_sign_in(backends, account):
        raise CodeSpent
    return account


def _end_codes(session: Session, account: Account) -> None:
    """Delete the other links that were mailed, and a sign-in that the old password began."""
    of_account = col(OneTimeCode.account_id) == account.id
    session.execute(delete(OneTimeCode).where(of_account))
