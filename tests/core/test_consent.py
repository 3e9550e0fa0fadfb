"""Receipts: written before any face is looked at, and worth what they say."""

import pytest
from sqlmodel import select

from core import consent, i18n
from core.errors import NotFound
from models.activity import Activity, ActivityKind
from models.consent import ConsentReceipt, Purpose
from models.event import Visibility
from tests.makers import make_event, make_viewer, some_id


@pytest.fixture
def event(backends):
    return make_event(backends)


def receipts(backends) -> list[ConsentReceipt]:
    with backends.reading() as session:
        return list(session.exec(select(ConsentReceipt)))


def holds(backends, receipt_id, event, viewer) -> bool:
    try:
        with backends.reading() as session:
            consent.require(session, receipt_id, event.id, Purpose.SEARCH, by=viewer)
    except consent.ConsentMissing:
        return False
    return True


def test_a_receipt_says_who_agreed_to_what_in_which_words(backends, event):
    viewer = make_viewer()

    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)

    written = receipts(backends)[0]
    assert written.model_dump(exclude={"id", "given_at"}) == {
        "visitor_key": viewer.visitor_key,
        "event_id": event.id,
        "purpose": Purpose.SEARCH,
        "version": consent.SEARCH_TEXT_VERSION,
        "language": i18n.language(),
        "withdrawn_at": None,
    }
    assert abs((backends.now() - written.given_at).total_seconds()) < 60
    with backends.reading() as session:
        activity = session.exec(select(Activity)).one()
    assert (activity.kind, activity.subject) == (ActivityKind.CONSENT, str(receipt.id))


def test_nobody_agrees_for_an_event_that_may_not_be_seen(backends):
    hidden = make_event(backends, visibility=Visibility.BY_LINK)

    with pytest.raises(NotFound):
        consent.give(backends, hidden.id, Purpose.SEARCH, by=make_viewer())

    assert receipts(backends) == []


def test_a_receipt_holds_for_its_visitor_and_event_only(backends, event):
    viewer, other = make_viewer(), make_event(backends)
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)

    assert holds(backends, receipt.id, event, viewer)
    assert not holds(backends, receipt.id, other, viewer)
    assert not holds(backends, receipt.id, event, make_viewer())
    assert not holds(backends, some_id(), event, viewer)
    assert not holds(backends, None, event, viewer)


def test_a_withdrawn_receipt_holds_no_more_and_remembers_the_first_time(backends, event):
    viewer = make_viewer()
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)

    consent.withdraw(backends, receipt.id, by=viewer)
    first_time = receipts(backends)[0].withdrawn_at
    consent.withdraw(backends, receipt.id, by=viewer)

    assert not holds(backends, receipt.id, event, viewer)
    assert receipts(backends)[0].withdrawn_at == first_time is not None


def test_only_its_visitor_withdraws_a_receipt(backends, event):
    viewer = make_viewer()
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)

    with pytest.raises(consent.NoSuchConsent):
        consent.withdraw(backends, receipt.id, by=make_viewer())
    with pytest.raises(consent.NoSuchConsent):
        consent.withdraw(backends, some_id(), by=viewer)

    assert holds(backends, receipt.id, event, viewer)


def test_new_words_need_a_new_agreement(backends, event, monkeypatch):
    viewer = make_viewer()
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)

    monkeypatch.setattr(consent, "SEARCH_TEXT_VERSION", "2027-01")

    assert not holds(backends, receipt.id, event, viewer)
