"""A new password by mail, for who has forgotten theirs: asked for, sent, and redeemed once."""

from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from core import addresses, audit, codes, limits, outbox, passwords, sessions
from core.backends import Backends
from core.codes import CodeSpent
from models.account import Account, CodePurpose, OneTimeCode, SignInSession
from models.mail import MailKind

TTL = timedelta(hours=1)
NOBODY = 0  # no account has this id


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
        account_id = account.id if account else NOBODY
        outbox.put_for_known(
            session, MailKind.PASSWORD_RESET, address, is_known=is_known, account_id=account_id
        )


def issue(backends: Backends, account_id: int) -> tuple[Account, str] | None:
    """Return an account and a fresh code for it, None when it is gone or disabled meanwhile."""
    with backends.transaction() as session:
        account = session.get(Account, account_id)
        if account is None or not sessions.may_sign_in(backends, account):
            return None
        return account, codes.issue(backends, session, CodePurpose.PASSWORD_RESET, TTL, account.id)


def address(code: str) -> str:
    """Return where a code is redeemed, as a local path."""
    return f"/reset?code={code}"


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
