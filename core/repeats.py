"""A request sent twice is carried out once: its answer is kept for a day under its Idempotency-Key.

Answers are encrypted under that key, which we do not keep: they may hold what nobody else should read.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta

import structlog
from cryptography.fernet import Fernet
from sqlalchemy import ColumnElement, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, col, delete

from core.backends import Backends
from core.errors import Conflict, InvalidInput
from models.idempotency import KeptAnswer

log = structlog.get_logger()

PATIENCE = timedelta(minutes=1)  # after it a request that never ended may be sent again


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status_code: int
    body: bytes


@dataclass(frozen=True)
class Repeatable:
    """One request: who asks for what under which key (`name`), and its content's hash."""

    name: str
    request_sha256: str

    @property
    def key_sha256(self) -> str:
        """Under which the answer is kept."""
        return hashlib.sha256(b"kept\n" + self.name.encode()).hexdigest()

    def cipher(self, backends: Backends) -> Fernet:
        """Return what encrypts its answer."""
        secret = backends.signer.key("kept-answer") + self.name.encode()
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret).digest()))


class StillWorking(Conflict):
    """The same request is being carried out."""

    def __init__(self) -> None:
        super().__init__("This very request is being carried out. Ask again in a moment with the same key.")


class KeyReused(InvalidInput):
    """Another request had this key."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for another request. Use a new one for a new request."
        )


def begin(backends: Backends, request: Repeatable) -> Answer | None:
    """Return the answer given before, None to carry the request out. Raises StillWorking, KeyReused."""
    try:
        with backends.transaction() as session:
            known = session.get(KeptAnswer, request.key_sha256, with_for_update=True)
            if known is None:
                session.add(_row(backends, request))
                return None
            return _known(backends, session, known, request)
    except IntegrityError as error:  # the same request came twice at once
        raise StillWorking from error


def _row(backends: Backends, request: Repeatable) -> KeptAnswer:
    return KeptAnswer(
        key_sha256=request.key_sha256, request_sha256=request.request_sha256, created_at=backends.now()
    )


def _known(backends: Backends, session: Session, known: KeptAnswer, request: Repeatable) -> Answer | None:
    if known.request_sha256 != request.request_sha256:
        raise KeyReused
    if known.status_code is not None:
        return Answer(known.status_code, request.cipher(backends).decrypt(known.body.encode()))
    if backends.now() - known.created_at < PATIENCE:
        raise StillWorking
    known.created_at = backends.now()  # its site died in the middle: what it does may be done again
    session.add(known)
    return None


def end(backends: Backends, request: Repeatable, answer: Answer) -> None:
    """Keep the answer to a request that was carried out. It is given even if the database is away now."""
    body = request.cipher(backends).encrypt(answer.body).decode()
    keeping = update(KeptAnswer).where(*_unanswered(request))
    try:
        with backends.transaction() as session:
            session.execute(keeping.values(status_code=answer.status_code, body=body))
    except OperationalError:
        log.exception("answer not kept")


def forget(backends: Backends, request: Repeatable) -> None:
    """Let a request that was refused, or went wrong, be sent again under its key."""
    with backends.transaction() as session:
        session.exec(delete(KeptAnswer).where(*_unanswered(request)))


def _unanswered(request: Repeatable) -> tuple[ColumnElement[bool], ...]:
    return col(KeptAnswer.key_sha256) == request.key_sha256, col(KeptAnswer.status_code).is_(None)
