"""Who may do what: every use case of an event, asked by everyone who might ask (T22, T23)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest

from core import access, covers, events, galleries, jobs, members, photos, sharing, troubles
from core.access import Action
from core.errors import Forbidden, NotFound, SignInNeeded
from core.incoming import Incoming
from models.account import Account, Role
from models.event import Event, EventStatus, Gallery, MemberRole, Visibility
from models.job import Job, JobKind, JobStatus
from models.photo import Photo, Review
from models.sharing import ShareLink
from tests.makers import (
    add_member,
    gallery_of,
    make_account,
    make_event,
    make_jpeg,
    make_member,
    make_photo,
    make_viewer,
    owner_of,
    some_id,
)

CO, PHOTOGRAPHER, ANALYST, DOOR = MemberRole


@dataclass
class World:
    """An event with one of everything."""

    backends: Any
    event: Event
    gallery: Gallery
    photo: Photo
    link: ShareLink
    job: Job
    member: Account


def make_world(backends) -> World:
    owner = make_account(backends, Role.ORGANISER)
    event = make_event(backends, owner, visibility=Visibility.BY_LINK)
    with backends.transaction() as session:
        spare = Gallery(event_id=event.id, name="Spare", position=1)
        job = jobs.enqueue(session, JobKind.RENDER_PHOTO, some_id(), event_id=event.id)
        job.status = JobStatus.FAILED
        session.add(spare)
    photo = make_photo(backends, event)
    link = sharing.create(backends, event.id, by=owner)
    member = make_member(backends, event, ANALYST)
    return World(backends, event, spare, photo, link, job, member)


def upload(world: World, by: Account | None) -> None:
    with Incoming(world.backends, "a.jpg") as incoming:
        incoming.write(make_jpeg(seed=by.id if by else 0))
        photos.upload(world.backends, world.gallery.id, incoming, by=by)


def cover(world: World, by: Account | None) -> None:
    covers.choose(world.backends, world.event.id, world.photo.id, by=by)


def set_member(world: World, by: Account | None) -> None:
    members.put(world.backends, world.event.id, world.member.email, DOOR, by=by)


def remove_member(world: World, by: Account | None) -> None:
    members.remove(world.backends, world.event.id, world.member.id, by=by)


def details(name: str = "Another name") -> events.Details:
    return events.Details(name=name, held_on=date(2026, 10, 17))


EVERYONE = frozenset(MemberRole)
UPLOADERS = frozenset({CO, PHOTOGRAPHER})
CO_ONLY = frozenset({CO})

UseCase = Callable[[World, Account | None], object]
USE_CASES: dict[str, tuple[UseCase, frozenset[MemberRole]]] = {
    "events.get": (lambda w, by: events.get(w.backends, w.event.id, by=by), EVERYONE),
    "events.counts": (lambda w, by: events.counts(w.backends, w.event.id, by=by), EVERYONE),
    "events.members": (lambda w, by: members.of_event(w.backends, w.event.id, by=by), EVERYONE),
    "events.edit": (lambda w, by: events.edit(w.backends, w.event.id, details(), by=by), CO_ONLY),
    "events.set_status": (
        lambda w, by: events.set_status(w.backends, w.event.id, EventStatus.SHOOTING, by=by),
        CO_ONLY,
    ),
    "covers.choose": (cover, CO_ONLY),
    "events.set_member": (set_member, CO_ONLY),
    "events.remove_member": (remove_member, CO_ONLY),
    "galleries.listing": (lambda w, by: galleries.listing(w.backends, w.event.id, by=by), EVERYONE),
    "galleries.add": (lambda w, by: galleries.add(w.backends, w.event.id, "Finish", by=by), CO_ONLY),
    "galleries.rename": (lambda w, by: galleries.rename(w.backends, w.gallery.id, "Start", by=by), CO_ONLY),
    "galleries.remove": (lambda w, by: galleries.remove(w.backends, w.gallery.id, by=by), CO_ONLY),
    "photos.may_upload": (lambda w, by: photos.may_upload(w.backends, w.gallery.id, by=by), UPLOADERS),
    "photos.upload": (upload, UPLOADERS),
    "photos.for_review": (lambda w, by: photos.for_review(w.backends, w.event.id, by=by), CO_ONLY),
    "photos.review": (lambda w, by: photos.review(w.backends, [w.photo.id], Review.REJECTED, by=by), CO_ONLY),
    "photos.delete": (lambda w, by: photos.delete(w.backends, [w.photo.id], by=by), CO_ONLY),
    "sharing.create": (lambda w, by: sharing.create(w.backends, w.event.id, by=by), CO_ONLY),
    "sharing.of_event": (lambda w, by: sharing.of_event(w.backends, w.event.id, by=by), CO_ONLY),
    "sharing.revoke": (lambda w, by: sharing.revoke(w.backends, w.link.id, by=by), CO_ONLY),
    "troubles.given_up": (lambda w, by: troubles.given_up(w.backends, w.event.id, by=by), EVERYONE),
    "jobs.retry": (lambda w, by: jobs.retry(w.backends, w.job.id, by=by), UPLOADERS),
}


def outsiders(backends, event: Event) -> dict[str, Account | None]:
    """Everyone who has no part in the event."""
    elsewhere = make_event(backends)
    disabled = add_member(backends, event, make_account(backends, Role.ORGANISER, is_active=False), CO)
    return {
        "nobody": None,
        "a guest": make_account(backends, Role.GUEST),
        "another organiser": add_member(backends, elsewhere, make_account(backends, Role.ORGANISER), CO),
        "another event's photographer": add_member(
            backends, elsewhere, make_account(backends, Role.PHOTOGRAPHER), PHOTOGRAPHER
        ),
        "a platform analyst": make_account(backends, Role.ANALYST),
        "a disabled co-organiser": disabled,
        "a disabled admin": make_account(backends, Role.ADMIN, is_active=False),
    }


def refusal(run: UseCase, world: World, by: Account | None) -> str:
    try:
        run(world, by)
    except (NotFound, Forbidden, SignInNeeded) as error:
        (kind,) = (kind for kind in (NotFound, Forbidden, SignInNeeded) if isinstance(error, kind))
        return kind.__name__
    return "done"


@pytest.mark.parametrize("name", USE_CASES)
def test_outsiders_do_not_learn_that_the_event_exists(backends, name):
    world, (run, _) = make_world(backends), USE_CASES[name]

    verdicts = {
        who: refusal(run, world, account) for who, account in outsiders(backends, world.event).items()
    }

    assert verdicts == dict.fromkeys(verdicts, "NotFound")


@pytest.mark.parametrize("name", USE_CASES)
def test_members_do_what_their_part_includes_and_admins_everything(backends, name):
    run, allowed = USE_CASES[name]
    verdicts = {}

    for role in MemberRole:
        world = make_world(backends)
        verdicts[role] = refusal(run, world, make_member(backends, world.event, role))
    admin = refusal(run, make_world(backends), make_account(backends, Role.ADMIN))

    assert verdicts == {role: "done" if role in allowed else "Forbidden" for role in MemberRole}
    assert admin == "done"


@pytest.mark.parametrize("name", USE_CASES)
def test_a_guessed_number_looks_like_one_of_someone_else(backends, name):
    world, (run, _) = make_world(backends), USE_CASES[name]
    stranger = make_account(backends, Role.ORGANISER)
    nothing = replace(
        world,
        event=Event(id=990_001),
        gallery=Gallery(id=990_001),
        link=ShareLink(id=990_001),
        job=Job(id=990_001),
        photo=Photo(id=some_id()),
    )

    assert refusal(run, world, stranger) == refusal(run, nothing, stranger) == "NotFound"


def test_things_of_another_event_cannot_be_named(backends):
    mine, theirs = make_world(backends), make_world(backends)
    me = make_member(backends, mine.event, CO)
    mixed = [mine.photo.id, theirs.photo.id]

    with pytest.raises(NotFound):
        photos.review(backends, mixed, Review.REJECTED, by=me)
    with pytest.raises(NotFound):
        photos.delete(backends, mixed, by=me)
    with pytest.raises(NotFound):
        covers.choose(backends, mine.event.id, theirs.photo.id, by=me)
    with pytest.raises(NotFound):
        sharing.create(backends, mine.event.id, gallery_id=theirs.gallery.id, by=me)


@pytest.mark.parametrize(
    ("role", "verdict"),
    [
        (Role.ADMIN, "done"),
        (Role.ORGANISER, "done"),
        (Role.PHOTOGRAPHER, "Forbidden"),
        (Role.ANALYST, "Forbidden"),
        (Role.GUEST, "Forbidden"),
        (None, "SignInNeeded"),
    ],
)
def test_organisers_and_admins_create_events(backends, role, verdict):
    account = None if role is None else make_account(backends, role)

    assert refusal(lambda *_: events.create(backends, details(), by=account), None, account) == verdict


def test_every_action_is_somebodys_and_co_organisers_have_them_all(backends):
    world = make_world(backends)
    with backends.reading() as session:
        members = {role: make_member(backends, world.event, role) for role in MemberRole}
        may = {
            action: {
                role for role in MemberRole if access.may(session, members[role], action, world.event.id)
            }
            for action in Action
        }

    assert may == {
        Action.SEE: EVERYONE,
        Action.UPLOAD: UPLOADERS,
        Action.REVIEW: CO_ONLY,
        Action.SHARE: CO_ONLY,
        Action.EDIT: CO_ONLY,
        Action.ANALYSE: {CO, ANALYST},
        Action.SELL: CO_ONLY,
        Action.CHECK_IN: {CO, DOOR},
    }


# --- what visitors see ---------------------------------------------------------------------


def sees(backends, viewer, event: Event) -> bool:
    try:
        with backends.reading() as session:
            return access.view(session, viewer, event.id).event.id == event.id
    except access.NoSuchEvent:
        return False


@pytest.mark.parametrize(
    ("fields", "visitor", "door"),
    [
        ({}, True, True),
        ({"status": EventStatus.SHOOTING}, True, True),
        ({"status": EventStatus.DRAFT}, False, True),
        ({"status": EventStatus.CLOSED}, False, True),
        ({"visibility": Visibility.BY_LINK}, False, True),
        ({"expires_in": timedelta(seconds=-1)}, False, True),
        ({"expires_in": timedelta(minutes=1)}, True, True),
    ],
)
def test_visitors_see_open_listed_events_and_members_see_theirs_in_any_status(
    backends, fields, visitor, door
):
    lasting = fields.pop("expires_in", None)
    event = make_event(backends, **fields, expires_at=lasting and backends.now() + lasting)
    member = make_member(backends, event, DOOR)

    seen = sees(backends, make_viewer(), event), sees(backends, make_viewer(member), event)

    assert seen == (visitor, door)


def opened(backends, viewer, link) -> access.Scope:
    """What the viewer sees of the event, having opened one more link to it."""
    sharing.open_link(backends, sharing.address(backends, link).split("share=")[1], by=viewer)
    with backends.reading() as session:
        return access.view(session, viewer, link.event_id)


def test_a_link_to_the_whole_event_goes_before_one_to_a_gallery(backends):
    world = make_world(backends)
    owner, viewer = make_member(backends, world.event, CO), make_viewer()
    first = gallery_of(backends, world.event).id
    narrow = sharing.create(backends, world.event.id, gallery_id=first, by=owner)

    before = opened(backends, viewer, narrow)
    after = opened(backends, viewer, world.link)

    assert (before.gallery_ids, before.links) == ({first}, (narrow,))
    assert (after.gallery_ids, after.covers(world.gallery.id)) == (None, True)
    assert {link.id for link in after.links} == {narrow.id, world.link.id}


def test_links_to_several_galleries_add_up_and_lead_to_no_other(backends):
    event = make_event(backends, visibility=Visibility.BY_LINK)
    owner, viewer = owner_of(backends, event), make_viewer()
    start = gallery_of(backends, event)
    finish, party = (galleries.add(backends, event.id, name, by=owner) for name in ("Finish", "Party"))
    to_start, to_finish = (
        sharing.create(backends, event.id, gallery_id=gallery.id, by=owner) for gallery in (start, finish)
    )

    opened(backends, viewer, to_start)
    scope = opened(backends, viewer, to_finish)

    assert scope.gallery_ids == {start.id, finish.id}
    assert [scope.covers(gallery.id) for gallery in (start, finish, party)] == [True, True, False]
    assert [scope.link_to(gallery.id) for gallery in (start, finish, party)] == [to_start, to_finish, None]


def test_a_revoked_link_takes_its_gallery_away_and_leaves_the_others(backends):
    event = make_event(backends, visibility=Visibility.BY_LINK)
    owner, viewer = owner_of(backends, event), make_viewer()
    start, finish = gallery_of(backends, event), galleries.add(backends, event.id, "Finish", by=owner)
    to_start, to_finish = (
        sharing.create(backends, event.id, gallery_id=gallery.id, by=owner) for gallery in (start, finish)
    )
    opened(backends, viewer, to_start)
    opened(backends, viewer, to_finish)

    sharing.revoke(backends, to_start.id, by=owner)

    with backends.reading() as session:
        assert access.view(session, viewer, event.id).gallery_ids == {finish.id}


def test_streams_of_uploads_are_not_read_for_strangers(backends):
    world = make_world(backends)
    unread = BytesIO(make_jpeg())

    with pytest.raises(NotFound):
        photos.may_upload(backends, world.gallery.id, by=make_account(backends))

    assert unread.tell() == 0
    assert list((backends.settings.data).rglob("upload-*")) == []
