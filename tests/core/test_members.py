"""Who has a part in an event; most of it is told in `test_events`."""

import pytest
from sqlmodel import Session

from core import members
from core.errors import Conflict
from models.event import MemberRole
from tests.makers import make_account, make_event, make_member, owner_of


def test_who_is_put_is_returned_as_they_are_listed(backends):
    event, account = make_event(backends), make_account(backends)
    owner = owner_of(backends, event)

    put = members.put(backends, event.id, account.email, MemberRole.PHOTOGRAPHER, 60, by=owner)

    assert put == members.Member(account.id, account.name, account.email, MemberRole.PHOTOGRAPHER, 60)
    assert put in members.of_event(backends, event.id, by=owner)


def test_a_member_put_by_two_at_once_clashes_in_a_sentence(backends, monkeypatch):
    event = make_event(backends)
    account, owner = make_member(backends, event, MemberRole.DOOR), owner_of(backends, event)
    monkeypatch.setattr(Session, "merge", Session.add)  # as if the other's row was not seen yet

    with pytest.raises(Conflict, match="same moment"):
        members.put(backends, event.id, account.email, MemberRole.ANALYST, by=owner)
