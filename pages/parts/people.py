"""The people whose photos are looked for, one or a group: what was found of each, and what they said of it.

All of it lives in this visit's session only. A selfie is gone by the time its result is here.
"""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, replace
from uuid import UUID

import streamlit as st

from core import consent, results, search
from core.i18n import _
from core.results import Found
from pages.parts import site

MOST = 5  # people in one group: their names fit a phone
ALL, ANYONE = "all", "any"  # beside "1", "2", …: whose photos are shown


@dataclass(frozen=True)
class Verdict:
    """One word of a person on some of the faces that were found."""

    face_ids: frozenset[UUID]
    is_mine: bool


@dataclass(frozen=True)
class Person:
    """Somebody who agreed to be looked for, and what of the event is theirs."""

    receipt_id: UUID
    selfies: int  # given so far
    found: Found  # by the selfies
    shown: Found  # after the verdicts
    verdicts: Sequence[Verdict] = ()  # the newest last

    def said(self, *, is_mine: bool) -> Set[UUID]:
        """Return the faces of which they last said this."""
        last = {face_id: verdict.is_mine for verdict in self.verdicts for face_id in verdict.face_ids}
        return {face_id for face_id, was_mine in last.items() if was_mine is is_mine}


class People:
    """Everybody who is looked for in one event, in this visit."""

    def __init__(self, event_id: int) -> None:
        self._event_id = event_id
        self._all: list[Person] = st.session_state.setdefault(f"people_{event_id}", [])

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, number: int) -> Person:
        return self._all[number]

    def search(self, number: int, receipt_id: UUID, selfies: Sequence[bytes]) -> Found:
        """Search with selfies of a person; of one who is here already they must show the same."""
        known = self._all[number].found if number < len(self._all) else None
        return search.by_selfies(
            site.backends(), self._event_id, selfies, receipt_id=receipt_id, by=site.viewer(), known=known
        )

    def add(self, number: int, receipt_id: UUID, found: Found, selfies: int) -> None:
        """Add a person, or what another selfie found of one who is here."""
        if number == len(self._all):
            self._all.append(Person(receipt_id, selfies, found, found))
        else:
            known = self._all[number]
            found = results.merged([known.found, found])
            self._set(number, replace(known, selfies=known.selfies + selfies, found=found))

    def say(self, number: int, face_ids: Collection[UUID], *, is_mine: bool) -> None:
        """Note what a person says of some faces, and look again."""
        known = self._all[number]
        verdict = Verdict(frozenset(face_ids), is_mine)
        self._set(number, replace(known, verdicts=(*known.verdicts, verdict)))

    def take_back(self, number: int) -> None:
        """Forget a person's last verdict, and look again."""
        known = self._all[number]
        self._set(number, replace(known, verdicts=known.verdicts[:-1]))

    def remove(self, number: int) -> None:
        """Let go of a person, and end their consent."""
        consent.withdraw(site.backends(), self._all.pop(number).receipt_id, by=site.viewer())

    def start_over(self) -> UUID:
        """Let go of every result and of friends; return the receipt of the first, who has agreed before."""
        while len(self._all) > 1:
            self.remove(-1)
        return self._all.pop().receipt_id

    def found(self, view: str, *, at_first: bool = False) -> Found:
        """Return what one person, all or anyone is in; `at_first`: before any verdict."""
        each = [person.found if at_first else person.shown for person in self._all]
        if view in (ALL, ANYONE):
            return results.together(each, everyone=view == ALL)
        return each[int(view) - 1]

    def _set(self, number: int, person: Person) -> None:
        shown = person.found
        if person.verdicts:
            mine, not_mine = person.said(is_mine=True), person.said(is_mine=False)
            shown = search.refined(
                site.backends(),
                self._event_id,
                person.found,
                mine,
                not_mine,
                receipt_id=person.receipt_id,
                by=site.viewer(),
            )
        self._all[number] = replace(person, shown=shown)


def choose(people: People) -> str:
    """Ask whose photos to show, when there are several people; the newest group comes first."""
    views = [*([ALL, ANYONE] if len(people) > 1 else []), *(str(n + 1) for n in range(len(people)))]
    if len(views) == 1:
        return views[0]
    view = st.segmented_control(
        _("Whose photos"),
        views,
        default=site.choice("who", views),
        format_func=lambda view: {ALL: _("All of us"), ANYONE: _("Any of us")}.get(view) or name(int(view)),
        required=True,
        key=f"who_{len(people)}",
    )
    site.remember("who", view)
    return view


def offer_removal(people: People) -> None:
    """Offer to let go of each friend."""
    for number in range(1, len(people)):
        label = _("Remove {name}").format(name=name(number + 1))
        if st.button(label, icon=":material/person_remove:"):
            people.remove(number)
            st.rerun()


def name(number: int) -> str:
    """Return what a person is called, counted from 1."""
    return _("You") if number == 1 else _("Person {number}").format(number=number)


def heading(view: str, count: int) -> str:
    """Return what the sure photos of a view are called."""
    titles = {ALL: _("Photos of all of you"), ANYONE: _("Photos of any of you"), "1": _("Photos of you")}
    title = titles.get(view) or _("Photos of {name}").format(name=name(int(view)))
    return f"{title} ({count})"


def perhaps(view: str, count: int) -> str:
    """Return what the photos of a view are called of which we are not sure."""
    titles = {ALL: _("Perhaps all of you"), ANYONE: _("Perhaps one of you"), "1": _("Perhaps you")}
    whom = titles.get(view) or _("Perhaps {name}").format(name=name(int(view)))
    return _("{whom} ({count}): have a look").format(whom=whom, count=count)


def verdicts(person: Person) -> str:
    """Return what a person has said so far, in words."""
    yes, no = len(person.said(is_mine=True)), len(person.said(is_mine=False))
    return _("Your answers: {yes} yes, {no} no").format(yes=yes, no=no)
