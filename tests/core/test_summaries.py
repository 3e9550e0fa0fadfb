"""An event's day in a mail to its organisers: on its own calendar, once, and only when something happened."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from core import correspondence, summaries
from core.backends import Backends
from core.summaries import Figures
from models.account import Account
from models.activity import Activity, ActivityKind
from models.event import Event, EventMember, MemberRole
from models.job import Job, JobKind, JobStatus
from models.mail import MailKind, MailStatus, OutboxMail
from models.order import LineKind, OrderStatus
from models.photo import Photo, Review
from models.refund import RefundStatus
from tests.core.test_correspondence import buy, change, keep, refunded
from tests.core.test_outbox import all_of
from tests.makers import add_member, make_account, make_event, make_photo, owner_of
from tests.sign_in import Clock

DAY = date(2026, 11, 19)  # in Bangkok, seven hours before UTC: from the 18th, 17:00
START, END = datetime(2026, 11, 18, 17, tzinfo=UTC), datetime(2026, 11, 19, 17, tzinfo=UTC)
SECOND = timedelta(seconds=1)
QUIET = Figures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def clock(backends) -> Clock:
    """Nineteen o'clock on the day after, in Bangkok."""
    backends.now = Clock()
    return backends.now


@pytest.fixture
def event(backends) -> Event:
    event = make_event(backends, name="Night run")
    long_ago(backends, event)
    return event


def long_ago(backends: Backends, event: Event) -> None:
    """As if everyone had been in the event before that day, and no photo was new."""
    with backends.transaction() as session:
        for row in all_of_event(backends, event):
            session.merge(row).created_at = START - timedelta(days=30)


def all_of_event(backends: Backends, event: Event) -> list[EventMember | Photo]:
    with backends.reading() as session:
        tables = (EventMember, Photo)
        return [row for table in tables for row in session.exec(select(table).filter_by(event_id=event.id))]


def search(backends: Backends, event: Event, at: datetime = START) -> None:
    keep(backends, Activity(kind=ActivityKind.SEARCH, event_id=event.id, at=at))


def figures(backends: Backends, event: Event, day: date = DAY) -> Figures:
    with backends.reading() as session:
        return summaries.figures(session, event, day)


def summed_up(backends: Backends) -> list[tuple[str, str]]:
    """To whom which day was told, in order."""
    summaries.sum_up(backends, "")
    return sorted((mail.to, mail.data["day"]) for mail in all_of(backends, OutboxMail))


# --- the numbers ---------------------------------------------------------------------------


def test_a_day_is_counted_whole(backends, event):
    paid = buy(backends, event, paid_at=START)
    change(backends, paid.lines[1], kind=LineKind.PASS)
    refunded(backends, paid, created_at=END - SECOND)
    search(backends, event)
    search(backends, event, END - SECOND)
    long_ago(backends, event)
    make_photo(backends, event, created_at=START, review=Review.PENDING)
    gone = {"status": JobStatus.FAILED, "finished_at": START}
    keep(backends, Job(kind=JobKind.RENDER_PHOTO, subject="1", event_id=event.id, **gone))

    assert figures(backends, event) == Figures(
        order_count=1,
        photo_count=1,
        pass_count=1,
        revenue_amount=21_600,
        refund_count=1,
        refund_amount=10_800,
        search_count=2,
        upload_count=1,
        failed_count=1,
        waiting_count=1,
    )


@pytest.mark.parametrize("at", [START - SECOND, END])
def test_a_day_ends_where_the_next_begins_on_the_events_own_calendar(backends, event, at):
    paid = buy(backends, event, paid_at=at)
    refunded(backends, paid, created_at=at)
    search(backends, event, at)
    gone = {"status": JobStatus.FAILED, "finished_at": at}
    keep(backends, Job(kind=JobKind.RENDER_PHOTO, subject="1", event_id=event.id, **gone))
    for photo in all_of(backends, Photo):
        change(backends, photo, created_at=at)

    assert figures(backends, event) == QUIET


def test_nothing_of_another_event_is_counted(backends, event):
    other = make_event(backends)
    refunded(backends, buy(backends, other, paid_at=START), created_at=START)
    search(backends, other)
    for photo in all_of(backends, Photo):
        change(backends, photo, created_at=START)

    assert figures(backends, event) == QUIET


def test_what_was_not_paid_or_not_given_back_is_not_counted(backends, event):
    for status in set(OrderStatus) - set(summaries.SOLD):
        refunded(
            backends,
            buy(backends, event, status=status, paid_at=START),
            created_at=START,
            status=RefundStatus.FAILED,
        )
    long_ago(backends, event)

    assert figures(backends, event) == QUIET


def test_a_sale_stays_one_of_its_day_when_it_goes_back_later(backends, event):
    buy(backends, event, status=OrderStatus.REFUNDED, paid_at=START)

    assert figures(backends, event).order_count == 1


def test_on_a_day_with_an_hour_more_all_of_its_hours_count(backends):
    event = make_event(backends, time_zone="Europe/Berlin")
    for hour in range(26):  # from 22:00 UTC of the 24th on
        search(backends, event, datetime(2026, 10, 24, 21, 30, tzinfo=UTC) + timedelta(hours=hour))

    counts = [figures(backends, event, date(2026, 10, day)).search_count for day in (24, 25, 26)]

    assert counts == [1, 25, 0]


# --- the mails -----------------------------------------------------------------------------


def test_each_organiser_is_told_of_each_of_the_last_days_once(backends, event, clock):
    second = add_member(backends, event, make_account(backends), MemberRole.CO_ORGANISER)
    long_ago(backends, event)
    search(backends, event)
    search(backends, event, START - timedelta(days=1))
    emails = sorted([owner_of(backends, event).email, second.email])

    summed_up(backends)

    assert summed_up(backends) == [(email, day) for email in emails for day in ("2026-11-18", "2026-11-19")]


def test_today_is_not_over_and_long_ago_is_told(backends, event, clock):
    search(backends, event, END)
    search(backends, event, START - timedelta(days=summaries.CATCH_UP))

    assert summed_up(backends) == []


def test_a_worker_that_was_away_tells_of_the_days_it_missed(backends, event, clock):
    search(backends, event)
    clock.pass_by(days=summaries.CATCH_UP - 1)

    assert [day for _, day in summed_up(backends)] == ["2026-11-19"]


def test_on_a_day_on_which_nothing_happened_nobody_is_told(backends, event, clock):
    make_photo(backends, event, review=Review.PENDING, created_at=START - timedelta(days=9))

    assert summed_up(backends) == []


@pytest.mark.parametrize("what", ["order", "refund", "upload", "job"])
def test_anything_that_happened_is_told(backends, event, clock, what):
    paid = buy(backends, event, paid_at=START if what == "order" else START - timedelta(days=9))
    long_ago(backends, event)
    if what == "order":
        keep(backends, Activity(kind=ActivityKind.PAID, event_id=event.id, at=START))
    elif what == "refund":
        refunded(backends, paid, created_at=START)
    elif what == "upload":
        make_photo(backends, event, created_at=START)
    else:
        gone = {"status": JobStatus.FAILED, "finished_at": START}
        keep(backends, Job(kind=JobKind.RENDER_PHOTO, subject="1", event_id=event.id, **gone))

    assert [day for _, day in summed_up(backends)] == ["2026-11-19"]


def test_the_rest_of_an_events_members_is_not_told(backends, event, clock):
    for role in set(MemberRole) - {MemberRole.CO_ORGANISER}:
        add_member(backends, event, make_account(backends), role)
    long_ago(backends, event)
    search(backends, event)

    assert [to for to, _ in summed_up(backends)] == [owner_of(backends, event).email]


def test_who_became_an_organiser_afterwards_or_is_disabled_is_not_told(backends, event, clock):
    disabled = add_member(backends, event, make_account(backends, is_active=False), MemberRole.CO_ORGANISER)
    long_ago(backends, event)
    late = add_member(backends, event, make_account(backends), MemberRole.CO_ORGANISER)
    search(backends, event)

    told = {to for to, _ in summed_up(backends)}

    assert told == {owner_of(backends, event).email}
    assert {late.email, disabled.email} & told == set()


def test_a_failing_job_of_no_event_breaks_nothing(backends, clock):
    keep(backends, Job(kind=JobKind.SWEEP_OLD, subject="1", status=JobStatus.FAILED, finished_at=START))

    assert summed_up(backends) == []


def letter(backends: Backends, event: Event, account: Account):
    told = {"event_id": event.id, "account_id": account.id, "day": DAY.isoformat()}
    mail = OutboxMail(kind=MailKind.DAY_SUMMARY, subject="any", to=account.email, data=told)
    return correspondence.compose(backends, mail)


def test_the_letter_has_the_day_and_its_numbers(backends, event):
    refunded(backends, buy(backends, event, paid_at=START), created_at=START)
    long_ago(backends, event)
    for _ in range(2):
        search(backends, event)

    mail = letter(backends, event, owner_of(backends, event))

    assert mail.subject == "Night run: 19 Nov 2026"
    said = " ".join(mail.text.split())
    assert (
        "Orders 1 Photos sold 2 Revenue ฿216 Given back 1 refund · ฿108 Searches 2 New photos 0 "
        "Waiting for review now 0 Jobs that gave up 0" in said
    )
    assert f"http://localhost:8501/event?id={event.id}" in mail.text.splitlines()


def test_who_is_no_organiser_any_more_is_not_told(backends, event):
    account = owner_of(backends, event)
    with backends.transaction() as session:
        session.get_one(EventMember, (event.id, account.id)).role = MemberRole.ANALYST

    assert letter(backends, event, account) is None


def test_the_worker_tells_and_sends(backends, event, clock, work):
    search(backends, event)
    keep(backends, Job(kind=JobKind.SUM_UP_DAY, subject="daily", run_at=clock.time))

    work()
    clock.pass_by(days=400)  # the mail's job is due by the wall clock
    work()

    assert [mail.subject for mail in backends.mailer.sent] == ["Night run: 19 Nov 2026"]
    assert [mail.status for mail in all_of(backends, OutboxMail)] == [MailStatus.SENT]


@pytest.mark.integration
def test_a_day_is_summed_up_on_postgresql(platform):
    event = make_event(platform, name="Night run")
    long_ago(platform, event)
    platform.now = Clock()
    refunded(platform, buy(platform, event, paid_at=START), created_at=START)
    search(platform, event)

    assert [day for _, day in summed_up(platform)] == ["2026-11-19"]
    assert figures(platform, event).revenue_amount == 21_600
