"""A minute's way to a live line, for browsers: they can send no header there."""

from dataclasses import dataclass
from datetime import timedelta

from core import access, keys, live, programs
from core.backends import Backends
from core.programs import Identity, TokenSpent
from models.account import Account
from models.notice import NoticeKind

TTL = timedelta(minutes=1)


@dataclass(frozen=True)
class Listener:
    """By what proof somebody listens to an event; asked again and again, for it may end meanwhile."""

    event_id: int
    session_sha256: str
    key_sha256: str

    def account(self, backends: Backends) -> Account:
        """Return who listens. Raises TokenSpent once the session or the key has ended."""
        if self.key_sha256:
            return keys.by_hash(backends, self.key_sha256).account
        return programs.by_session(backends, self.session_sha256)

    def kinds(self, backends: Backends) -> frozenset[NoticeKind]:
        """Return what they may hear now. Raises TokenSpent, NotFound."""
        return live.require(backends, self.event_id, by=self.account(backends))


def listener(event_id: int, identity: Identity) -> Listener:
    """Return a listener by a token or key."""
    return Listener(event_id, identity.session_sha256, identity.key_sha256)


def issue(backends: Backends, event_id: int, identity: Identity) -> str:
    """Return a ticket for a live line of the event. Raises NotFound."""
    with backends.reading() as session:
        access.require(session, identity.account, access.Action.SEE, event_id)
    expires = int((backends.now() + TTL).timestamp())
    return backends.signer.sign("live", event_id, identity.session_sha256, identity.key_sha256, expires)


def redeem(backends: Backends, event_id: int, ticket: str) -> Listener:
    """Return the listener of a ticket, as often as it is shown within its minute. Raises TokenSpent."""
    parts = backends.signer.read("live", ticket)
    if parts is None or parts[0] != event_id or parts[3] < backends.now().timestamp():
        raise TokenSpent
    return Listener(event_id, parts[1], parts[2])
