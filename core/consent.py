"""Consent: the receipt that must exist before any biometric work."""

from uuid import UUID

from sqlmodel import Session

from core import access, activity, i18n
from core.access import Viewer
from core.backends import Backends
from core.errors import Forbidden
from models.activity import ActivityKind
from models.consent import ConsentReceipt, Purpose

# Raised with every change of the words that a visitor agrees to.
SEARCH_TEXT_VERSION = "2026-11.2"


class ConsentMissing(Forbidden):
    """Nobody agreed to this use of a face."""

    def __init__(self) -> None:
        super().__init__("Please agree to the search first: without your consent no face is looked at.")


def give(backends: Backends, event_id: int, purpose: Purpose, *, by: Viewer) -> ConsentReceipt:
    """Write a receipt: who (a browser), for which event and purpose, which words, which language, when."""
    with backends.transaction() as session:
        access.view(session, by, event_id)
        receipt = ConsentReceipt(
            visitor_key=by.visitor_key,
            event_id=event_id,
            purpose=purpose,
            version=SEARCH_TEXT_VERSION,
            language=i18n.language(),
        )
        session.add(receipt)
        activity.record(session, ActivityKind.CONSENT, by=by, event_id=event_id, subject=receipt.id)
    return receipt


def withdraw(backends: Backends, receipt_id: UUID, *, by: Viewer) -> None:
    """End a consent; nothing more is done under it."""
    with backends.transaction() as session:
        receipt = session.get(ConsentReceipt, receipt_id)
        if receipt is not None and receipt.visitor_key == by.visitor_key:
            receipt.withdrawn_at = receipt.withdrawn_at or backends.now()


def require(
    session: Session, receipt_id: UUID | None, event_id: int, purpose: Purpose, *, by: Viewer
) -> None:
    """Raises ConsentMissing unless this visitor agreed to this purpose, in this event, in today's words."""
    receipt = session.get(ConsentReceipt, receipt_id) if receipt_id else None
    if (
        receipt is None
        or receipt.withdrawn_at is not None
        or (receipt.visitor_key, receipt.event_id) != (by.visitor_key, event_id)
        or (receipt.purpose, receipt.version) != (purpose, SEARCH_TEXT_VERSION)
    ):
        raise ConsentMissing
