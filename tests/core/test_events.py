"""Events: made, edited, found, and who has a part in them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from core import access, covers, events, galleries, members, paging, photos
from core.access import Action
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, SignInNeeded
from models.account import Role
from models.audit import AuditEntry
from models.event import Event, EventMember, EventStatus, MemberRole, Visibility
from models.photo import Photo, Review, Stage
from tests.makers import make_account, make_event, make_member, make_photo, make_viewer

DAY = date(2026, 10, 17)


@pytest.fixture
def organiser(backends):
    return make_account(backends, Role.ORGANISER)


@pytest.fixture
def event(backends, organiser):
    return make_event(backends, organiser)


def details(**fields) -> events.Details:
    return events.Details(**({"name": "River Run", "held_on": DAY} | fields))


def parts(backends, event: Event) -> dict[int, MemberRole]:
    with backends.reading() as session:
        found = session.exec(select(EventMember).where(EventMember.event_id == event.id))
        return {member.account_id: member.role for member in found}


def test_a_new_event_is_a_draft_by_link_with_a_gallery_and_its_creator(backends, organiser):
    event = events.create(backends, details(price_amount=12_000, place="Bangkok"), by=organiser)

    assert (event.status, event.visibility, event.currency) == (EventStatus.DRAFT, Visibility.BY_LINK, "THB")
    assert (event.slug, event.price_amount, event.place) == ("river-run", 12_000, "Bangkok")
    assert parts(backends, event) == {organiser.id: MemberRole.CO_ORGANISER}
    assert [found.name for found in galleries.listing(backends, event.id, by=organiser)] == ["All photos"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("  Süd-Lauf: 10 km! ", "s-d-lauf-10-km"),
        ("งานวิ่ง", "event"),
        ("2026", "event-2026"),
        ("x" * 120, "x" * 60),
    ],
)
def test_an_address_is_made_of_the_name_and_finds_the_event(backends, organiser, name, slug):
    event = events.create(backends, details(name=name), by=organiser)

    assert event.slug == slug
    assert events.find(backends, slug, by=make_viewer(organiser)).event.id == event.id


def test_the_same_name_twice_makes_two_addresses(backends, organiser):
    slugs = {events.create(backends, details(), by=organiser).slug for _ in range(3)}

    assert len(slugs) == 3
    assert all(slug.startswith("river-run") for slug in slugs)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "   "},
        {"name": "x" * 121},
        {"place": "x" * 121},
        {"description": "x" * 2001},
        {"price_amount": -1},
        {"price_amount": events.LARGEST_PRICE + 1},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc"},
        {"time_zone": ""},
        {"time_zone": "Asia"},  # a folder of time zones
        {"time_zone": "x" * 5000},
        {"time_zone": "zone.tab"},  # a file beside them
        {"held_on": date.min},
        {"held_on": date.max},
        {"expires_at": datetime.min.replace(tzinfo=UTC)},
        {"expires_at": datetime.max.replace(tzinfo=UTC)},
    ],
)
def test_what_cannot_be_an_event_is_refused_and_nothing_is_written(backends, organiser, event, fields):
    with pytest.raises(InvalidInput):
        events.create(backends, details(**fields), by=organiser)
    with pytest.raises(InvalidInput):
        events.edit(backends, event.id, details(**fields), by=organiser)

    with backends.reading() as session:
        assert [found.name for found in session.exec(select(Event))] == [event.name]


def test_an_edit_changes_what_was_written_and_keeps_the_address(backends, organiser, event):
    events.edit(backends, event.id, details(name="Hill Run", price_amount=5), by=organiser)

    after = events.get(backends, event.id, by=organiser)
    assert (after.name, after.price_amount, after.slug) == ("Hill Run", 5, event.slug)
    with backends.reading() as session:
        entry = session.exec(select(AuditEntry)).one()
    assert (entry.action, entry.account_id) == ("event.edit", organiser.id)
    assert {"name", "price_amount"} <= set(entry.detail["changed"])


def test_an_edit_that_changes_nothing_is_not_written_down(backends, organiser):
    event = events.create(backends, details(), by=organiser)

    events.edit(backends, event.id, details(), by=organiser)

    with backends.reading() as session:
        assert [entry.action for entry in session.exec(select(AuditEntry))] == ["event.create"]


def test_a_change_leaves_what_it_does_not_name(backends, organiser, event):
    events.edit(backends, event.id, details(place="Lake"), by=organiser)

    changed = events.change(backends, event.id, {"name": "Hill Run", "expires_at": None}, by=organiser)

    assert (changed.name, changed.place, changed.held_on) == ("Hill Run", "Lake", DAY)
    assert events.get(backends, event.id, by=organiser) == changed
    with backends.reading() as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert entries[-1].detail["changed"] == ["name"]


def test_a_change_is_checked_as_a_whole_event_is(backends, organiser, event):
    for changes in ({"name": " "}, {"price_amount": -1}, {"time_zone": "Asia"}, {"held_on": date.max}):
        with pytest.raises(InvalidInput):
            events.change(backends, event.id, changes, by=organiser)

    assert events.get(backends, event.id, by=organiser) == event


def test_cameras_times_are_read_again_when_a_change_moves_the_zone(backends, organiser, event):
    photo = make_photo(backends, event, taken_at=datetime(2026, 10, 17, 3, tzinfo=UTC))

    events.change(backends, event.id, {"time_zone": "Europe/Paris"}, by=organiser)

    with backends.reading() as session:
        assert session.get_one(Photo, photo.id).taken_at == datetime(2026, 10, 17, 8, tzinfo=UTC)


def test_who_may_not_change_an_event_learns_nothing_of_it(backends, event):
    door, stranger = make_member(backends, event, MemberRole.DOOR), make_account(backends, Role.ORGANISER)

    for changes in ({"name": "Mine"}, {"name": " "}):
        with pytest.raises(Forbidden):
            events.change(backends, event.id, changes, by=door)
        for nobody in (stranger, None):
            with pytest.raises(access.NoSuchEvent):
                events.change(backends, event.id, changes, by=nobody)


def test_two_events_of_one_name_that_are_made_at_once_clash_in_a_sentence(
    backends, organiser, event, monkeypatch
):
    monkeypatch.setattr(events, "_free_slug", lambda *_: event.slug)  # as if the other came in between

    with pytest.raises(Conflict, match="Try again"):
        events.create(backends, details(), by=organiser)


def test_a_photo_that_is_being_deleted_is_no_cover(backends, organiser, event):
    going = make_photo(backends, event, removed_at=backends.now())

    with pytest.raises(NotFound):
        covers.choose(backends, event.id, going.id, by=organiser)


# --- finding -------------------------------------------------------------------------------


def test_an_event_is_found_by_address_or_number_by_who_may_see_it(backends, event):
    viewer = make_viewer()

    assert events.find(backends, event.slug, by=viewer).event.id == event.id
    assert events.find(backends, str(event.id), by=viewer).event.id == event.id
    for unknown in ("nothing", "", "0", "9" * 9, "9" * 40, "-1", "' OR 1=1"):
        with pytest.raises(access.NoSuchEvent):
            events.find(backends, unknown, by=viewer)


def test_only_open_listed_events_are_listed(backends, organiser):
    past = backends.now() - timedelta(days=1)
    shown = [make_event(backends, organiser, held_on=date(2026, 1, day)) for day in (1, 2)]
    for fields in (
        {"status": EventStatus.DRAFT},
        {"status": EventStatus.CLOSED},
        {"visibility": Visibility.BY_LINK},
        {"expires_at": past},
    ):
        make_event(backends, organiser, **fields)

    assert [event.id for event in events.listed(backends)] == [shown[1].id, shown[0].id]


@pytest.mark.parametrize(
    ("text", "count"), [("", 2), ("hill", 1), ("LAKE", 1), ("%", 1), ("_", 0), ("\\", 0), ("zzz", 0)]
)
def test_events_are_searched_by_name_and_place_to_the_letter(backends, organiser, text, count):
    make_event(backends, organiser, name="Hill Run 100%", place="Chiang Mai")
    make_event(backends, organiser, name="Sunday", place="Lake")

    assert len(events.listed(backends, text)) == count
    assert len(events.mine(backends, text, by=organiser)) == count


def test_accounts_see_the_events_they_have_a_part_in_and_admins_all(backends, organiser, event):
    other = make_event(backends)
    photographer = make_member(backends, other, MemberRole.PHOTOGRAPHER)

    assert [found.id for found in events.mine(backends, by=organiser)] == [event.id]
    assert [found.id for found in events.mine(backends, by=photographer)] == [other.id]
    assert len(events.mine(backends, by=make_account(backends, Role.ADMIN))) == 2
    assert events.allowing(backends, Action.REVIEW, by=photographer) == []
    assert [found.id for found in events.allowing(backends, Action.UPLOAD, by=photographer)] == [other.id]
    with pytest.raises(SignInNeeded):
        events.mine(backends, by=None)


def test_the_cover_is_the_chosen_photo_while_visitors_may_see_it(backends, organiser, event):
    first, chosen = make_photo(backends, event), make_photo(backends, event)
    covers.choose(backends, event.id, chosen.id, by=organiser)
    event = events.get(backends, event.id, by=organiser)

    before = covers.of(backends, event)
    with backends.transaction() as session:
        session.get_one(type(chosen), chosen.id).review = Review.REJECTED

    assert (before, covers.of(backends, event)) == (chosen.id, first.id)
    assert covers.of(backends, make_event(backends)) is None


def test_photos_are_counted_by_how_far_they_have_come(backends, organiser, event):
    make_photo(backends, event, face_count=3)
    make_photo(backends, event, review=Review.REJECTED, face_count=1)
    make_photo(backends, event, review=Review.PENDING, stage=Stage.UPLOADED, face_count=None)
    make_photo(backends, event, review=Review.PENDING, stage=Stage.RENDERED, face_count=None)
    make_photo(backends, event, removed_at=backends.now(), face_count=9)

    counted = events.counts(backends, event.id, by=organiser)

    assert counted == events.Counts(uploaded=4, indexed=2, pending=1, approved=1, rejected=1, faces=4)


def test_as_many_photos_wait_for_a_verdict_as_can_be_seen(backends, organiser, event):
    for stage in Stage:
        make_photo(backends, event, review=Review.PENDING, stage=stage)

    pending = events.counts(backends, event.id, by=organiser).pending

    assert pending == photos.for_review(backends, event.id, by=organiser).total
    assert pending == photos.pending_count(backends, by=organiser) == 2


# --- members -------------------------------------------------------------------------------


def test_a_member_is_added_by_address_changed_and_removed(backends, organiser, event):
    account = make_account(backends)

    members.put(backends, event.id, f" {account.email.upper()} ", MemberRole.PHOTOGRAPHER, 60, by=organiser)
    members.put(backends, event.id, account.email, MemberRole.ANALYST, by=organiser)
    changed = parts(backends, event)
    members.remove(backends, event.id, account.id, by=organiser)
    members.remove(backends, event.id, account.id, by=organiser)

    assert changed == {organiser.id: MemberRole.CO_ORGANISER, account.id: MemberRole.ANALYST}
    assert parts(backends, event) == {organiser.id: MemberRole.CO_ORGANISER}


def test_members_are_listed_with_their_accounts(backends, organiser, event):
    photographer = make_member(backends, event, MemberRole.PHOTOGRAPHER, name="Aaron")

    listed = members.of_event(backends, event.id, by=photographer)

    assert [(member.role, member.name) for member in listed] == [
        (MemberRole.PHOTOGRAPHER, "Aaron"),
        (MemberRole.CO_ORGANISER, organiser.name),
    ]


def test_only_who_may_edit_the_event_reads_its_members_addresses(backends, organiser, event):
    door = make_member(backends, event, MemberRole.DOOR)

    assert {member.email for member in members.of_event(backends, event.id, by=door)} == {""}
    assert organiser.email in {member.email for member in members.of_event(backends, event.id, by=organiser)}


def test_photos_keep_what_the_cameras_said_when_the_time_zone_is_corrected(backends, organiser, event):
    photo = make_photo(backends, event, taken_at=datetime(2026, 10, 17, 3, tzinfo=UTC))  # 10:00 in Bangkok

    undated = make_photo(backends, event, taken_at=None)

    events.edit(backends, event.id, details(time_zone="Europe/Paris"), by=organiser)

    with backends.reading() as session:
        moved = [session.get_one(Photo, one.id).taken_at for one in (photo, undated)]
    assert moved == [datetime(2026, 10, 17, 8, tzinfo=UTC), None]  # 10:00 in Paris


def test_photos_keep_their_time_when_anything_else_is_corrected(backends, organiser, event):
    photo = make_photo(backends, event)

    events.edit(backends, event.id, details(name="Another name"), by=organiser)

    with backends.reading() as session:
        assert session.get_one(Photo, photo.id).taken_at == photo.taken_at


def test_an_account_may_do_in_some_event_what_its_parts_include(backends, organiser, event):
    analyst = make_member(backends, event, MemberRole.ANALYST)

    before = members.actions(backends, by=analyst)
    members.remove(backends, event.id, analyst.id, by=organiser)

    assert before == {Action.SEE, Action.ANALYSE}
    assert members.actions(backends, by=analyst) == frozenset()
    assert members.actions(backends, by=organiser) == frozenset(Action)


def test_an_event_keeps_a_co_organiser(backends, organiser, event):
    with pytest.raises(Conflict, match="at least one"):
        members.remove(backends, event.id, organiser.id, by=organiser)
    with pytest.raises(Conflict, match="at least one"):
        members.put(backends, event.id, organiser.email, MemberRole.DOOR, by=organiser)
    second = make_member(backends, event, MemberRole.CO_ORGANISER)
    members.remove(backends, event.id, organiser.id, by=second)

    assert parts(backends, event) == {second.id: MemberRole.CO_ORGANISER}


@pytest.mark.parametrize(
    ("email", "percent", "refusal"),
    [("nobody@example.org", 0, NotFound), (None, 101, InvalidInput), (None, -1, InvalidInput)],
)
def test_a_member_that_cannot_be_is_refused(backends, organiser, event, email, percent, refusal):
    email = email or make_account(backends).email

    with pytest.raises(refusal):
        members.put(backends, event.id, email, MemberRole.DOOR, percent, by=organiser)

    assert parts(backends, event) == {organiser.id: MemberRole.CO_ORGANISER}


def test_status_moves_on_and_back_and_is_written_down(backends, organiser, event):
    for status in (EventStatus.CLOSED, EventStatus.SHOOTING):
        events.set_status(backends, event.id, status, by=organiser)

    with backends.reading() as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.detail for entry in entries] == [
        {"before": "on_sale", "after": "closed"},
        {"before": "closed", "after": "shooting"},
    ]


# --- finding, page by page -----------------------------------------------------------------


def browsed(backends, asked: paging.Asked = paging.LONG, account=None, **wanted) -> list[int]:
    found = events.browse(backends, asked, by=make_viewer(account), **wanted)
    return [event.id for event in found.items]


def test_what_is_open_to_visitors_is_the_same_in_sql_and_in_python(backends, organiser):
    now = backends.now()
    ends = (None, now - timedelta(microseconds=1), now, now + timedelta(microseconds=1))
    made = [
        make_event(backends, organiser, status=status, expires_at=end)
        for status in EventStatus
        for end in ends
    ]

    with backends.reading() as session:
        opened = set(session.exec(select(Event.id).where(*events.open_to_visitors(now))).all())

    assert opened == {event.id for event in made if event.is_open_to_visitors(now)}
    assert 0 < len(opened) < len(made)


def test_pages_of_events_are_the_list_that_pages_of_the_site_show(backends, organiser):
    for day in (3, 1, 2, 2):
        make_event(backends, organiser, held_on=date(2026, 1, day))
    make_event(backends, organiser, status=EventStatus.DRAFT, held_on=date(2026, 1, 2))

    listed = [event.id for event in events.listed(backends)]
    mine = [event.id for event in events.mine(backends, by=organiser)]

    assert browsed(backends) == listed
    assert browsed(backends, sort=events.EventSort.OLDEST) == listed[::-1]
    assert browsed(backends, account=organiser, is_mine=True) == mine
    assert (len(listed), len(mine)) == (4, 5)


def test_an_event_that_comes_meanwhile_moves_no_page(backends, organiser):
    made = [make_event(backends, organiser, held_on=date(2026, 1, day)).id for day in (1, 2, 3)]
    first = events.browse(backends, paging.Asked(2), by=make_viewer())
    make_event(backends, organiser, held_on=date(2026, 1, 4))

    second = events.browse(backends, paging.Asked(2, first.next_cursor), by=make_viewer())

    assert [event.id for event in (*first.items, *second.items)] == made[::-1]
    assert second.next_cursor is None


def test_an_event_is_seen_by_whoever_sees_any_of_it(backends, organiser):
    listed, hidden = make_event(backends), make_event(backends, organiser, status=EventStatus.DRAFT)

    assert events.seen(backends, listed.id, by=make_viewer()) == listed
    assert events.seen(backends, hidden.id, by=make_viewer(organiser)) == hidden
    with pytest.raises(access.NoSuchEvent):
        events.seen(backends, hidden.id, by=make_viewer())
