"""Consent: the words of it, and the receipt that must exist before any biometric work."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from core import access, activity, i18n
from core.access import Viewer
from core.backends import Backends
from core.errors import Conflict, InvalidInput, NotFound
from core.i18n import _
from models.activity import ActivityKind
from models.consent import ConsentReceipt, Purpose

# Raised with every change of the words that a visitor agrees to: `words`, in any language.
SEARCH_TEXT_VERSION = "2026-11.2"


class ConsentMissing(InvalidInput):
    """Nobody agreed to this use of a face."""

    def __init__(self) -> None:
        super().__init__("Please agree to the search first: without your consent no face is looked at.")


class WordsChanged(Conflict):
    """Somebody agreed to words that are not today's."""

    def __init__(self) -> None:
        super().__init__(
            "These are not the words of today: they have version {version}. Show those, and ask again.",
            version=SEARCH_TEXT_VERSION,
        )


class NoSuchConsent(NotFound):
    """Nobody gave it, or somebody else did."""

    def __init__(self) -> None:
        super().__init__("There is no such consent of yours.")


@dataclass(frozen=True)
class Words:
    """What somebody reads before their face is looked for."""

    version: str
    language: str
    text: str  # Markdown
    agreement: str  # the sentence that is said yes to


def words(*, of_friend: bool = False) -> Words:
    """Return today's words in the reader's language; a friend gives the selfie on another's phone."""
    text = _friends_text() if of_friend else _own_text()
    agreement = (
        _("The person who takes the selfie agrees that their face is compared with the photos of this event.")
        if of_friend
        else _("I agree that my face is compared with the photos of this event.")
    )
    return Words(SEARCH_TEXT_VERSION, i18n.language(), text, agreement)


def _own_text() -> str:
    return _(
        "To find your photos we measure the face in **your selfies** and compare it with the faces in "
        "**this event only**.\n\n"
        "- A selfie and its measurements are not stored: they are gone when the search ends.\n"
        "- What was found, and what you say of it, stays in this visit and goes with it.\n"
        "- We keep a note that you agreed, and counts: how many photos were found, how often you said "
        "yes or no. No name, no face.\n"
        "- You may say no and look through all photos instead."
    )


def _friends_text() -> str:
    return _(
        "Hand over the phone: only the person on the selfie can agree, for a child a parent.\n\n"
        "- Their face is measured and compared with the faces in **this event only**, as yours was.\n"
        "- Their selfie and its measurements are not stored: they are gone when the search ends.\n"
        "- Their photos appear here, beside yours, until you remove them or leave.\n"
        "- We keep a note that they agreed, and counts. No name, no face."
    )


def words_for(backends: Backends, event_id: int, *, by: Viewer) -> Words:
    """Return the words for those who may see the event. Raises NotFound."""
    with backends.reading() as session:
        access.view(session, by, event_id)
    return words()


def agree(backends: Backends, event_id: int, purpose: Purpose, version: str, *, by: Viewer) -> ConsentReceipt:
    """Write a receipt for words that were read elsewhere. Raises NotFound, WordsChanged for older ones."""
    words_for(backends, event_id, by=by)
    if version != SEARCH_TEXT_VERSION:
        raise WordsChanged
    return give(backends, event_id, purpose, by=by)


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
    """End a consent; nothing more is done under it. Raises NoSuchConsent."""
    with backends.transaction() as session:
        receipt = session.get(ConsentReceipt, receipt_id)
        if receipt is None or receipt.visitor_key != by.visitor_key:
            raise NoSuchConsent
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
