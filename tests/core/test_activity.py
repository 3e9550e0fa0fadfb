"""What happened: counted with ids and numbers, never with a name, an address or a face."""

from contextlib import suppress

from sqlmodel import select

from core import activity
from core.access import Viewer
from models.activity import Activity, ActivityKind
from tests.makers import make_account, make_event, make_viewer, some_id


def recorded(backends) -> list[Activity]:
    with backends.reading() as session:
        return list(session.exec(select(Activity)))


def test_a_row_says_what_happened_to_what_by_which_browser(backends):
    account, event, photo_id = make_account(backends), make_event(backends), some_id()
    viewer = make_viewer(account)

    with backends.transaction() as session:
        activity.record(
            session, ActivityKind.DOWNLOAD, by=viewer, event_id=event.id, subject=photo_id, count=2
        )

    row = recorded(backends)[0]
    assert row.model_dump(exclude={"id", "at"}) == {
        "kind": ActivityKind.DOWNLOAD,
        "event_id": event.id,
        "visitor_key": viewer.visitor_key,
        "account_id": account.id,
        "subject": str(photo_id),
        "numbers": {"count": 2},
    }


def test_who_has_no_cookie_is_nobody(backends):
    with backends.transaction() as session:
        activity.record(session, ActivityKind.VIEW, by=Viewer(visitor_key=""))

    row = recorded(backends)[0]
    assert (row.visitor_key, row.account_id, row.subject, row.numbers) == (None, None, None, {})


def test_what_did_not_happen_is_not_counted(backends):
    with suppress(ZeroDivisionError), backends.transaction() as session:
        activity.record(session, ActivityKind.VIEW, by=make_viewer())
        raise ZeroDivisionError

    assert recorded(backends) == []


def test_the_table_has_no_room_for_personal_data():
    """A new column is a decision: is it about a person?"""
    assert set(Activity.model_fields) == {
        "id",
        "kind",
        "at",
        "event_id",
        "visitor_key",
        "account_id",
        "subject",
        "numbers",
    }
