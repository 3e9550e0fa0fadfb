"""Webhooks: who sets them up, what they are told, and how long they are tried until they have heard it."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import select
from standardwebhooks import Webhook, WebhookVerificationError

from core import audit, deliveries, jobs, limits, notices, paging, troubles, webhooks
from core.adapters.hook_sender import HttpHooks
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from core.webhooks import BeingSent, NoSuchWebhook, SwitchedOff
from core.worker import HANDLERS
from models.account import Role
from models.audit import AuditEntry
from models.event import MemberRole
from models.job import Job, JobKind, JobStatus
from models.notice import NoticeKind
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from tests.core.test_jobs import Clock
from tests.hook_receiver import receiving
from tests.makers import make_account, make_event, make_member, owner_of, some_id

URL = "https://hooks.example/encore"
REVIEWED, PAID = NoticeKind.PHOTO_REVIEWED, NoticeKind.ORDER_PAID
ATTEMPTS = jobs.OF_KIND[JobKind.DELIVER_WEBHOOK].attempts


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def owner(backends, event):
    return owner_of(backends, event)


@pytest.fixture
def endpoint(backends, event, owner) -> WebhookEndpoint:
    """A webhook that is told everything; its server is a fake."""
    return webhooks.create(backends, event.id, URL, [], by=owner)


@pytest.fixture
def receiver(backends):
    """Somebody's real server on this machine, to which real messages go."""
    backends.hooks = HttpHooks(may_be_private=True)
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def clock(backends) -> Clock:
    """A clock that the test moves."""
    return Clock(backends)


def tell(backends, event, kind: NoticeKind = REVIEWED, **data) -> None:
    """What a service does when something happens."""
    with backends.transaction() as session:
        notices.note(session, kind, event.id, **(data or {"photo": "1f"}))


def told(backends, endpoint) -> list[WebhookDelivery]:
    """The deliveries of a webhook, oldest first."""
    with backends.reading() as session:
        query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
        return list(session.exec(query.order_by(WebhookDelivery.created_at)))


def only(backends, endpoint) -> WebhookDelivery:
    (delivery,) = told(backends, endpoint)
    return delivery


def jobs_of(backends, delivery: WebhookDelivery) -> list[Job]:
    with backends.reading() as session:
        return list(session.exec(select(Job).where(Job.subject == str(delivery.id)).order_by(Job.id)))


def where(delivery: WebhookDelivery) -> tuple[DeliveryStatus, int, str | None]:
    return delivery.status, delivery.attempts, delivery.last_answer


def due_now(backends) -> None:
    """Let what waits for its next attempt be due."""
    with backends.transaction() as session:
        for job in session.exec(select(Job).where(Job.status == JobStatus.DUE)):
            job.run_at = backends.now()


def kinds_of(receiver, path: str) -> list[str]:
    return [json.loads(message.body)["kind"] for message in receiver.got if message.path == path]


# --- the whole way -------------------------------------------------------------------------


def test_what_happens_is_told_to_a_server_that_can_be_sure_who_tells_it(
    backends, event, owner, receiver, work
):
    endpoint = webhooks.create(backends, event.id, receiver.url(), [], by=owner)

    tell(backends, event, photos=["1f"], review="approved")
    work()

    (message,), delivery = receiver.got, only(backends, endpoint)
    opened = message.opened(webhooks.secret(backends, endpoint))
    assert opened == json.loads(delivery.body)
    assert (opened["kind"], opened["event_id"]) == ("photo.reviewed", event.id)
    assert opened["data"] == {"photos": ["1f"], "review": "approved"}
    assert message.headers["webhook-id"] == str(delivery.id)
    assert message.headers["content-type"] == "application/json"
    assert where(delivery) == (DeliveryStatus.DELIVERED, 1, "200 OK")
    assert delivery.delivered_at is not None


def test_a_server_that_was_away_hears_it_when_it_is_back(backends, event, owner, receiver, work):
    with receiving() as away:
        endpoint = webhooks.create(backends, event.id, away.url(), [], by=owner)
    tell(backends, event)
    work()
    before = where(only(backends, endpoint))

    with receiving(port=away.port) as back:
        due_now(backends)
        work()

    assert before == (DeliveryStatus.WAITING, 1, "127.0.0.1 does not answer.")
    assert where(only(backends, endpoint)) == (DeliveryStatus.DELIVERED, 2, "200 OK")
    assert [message.opened(webhooks.secret(backends, endpoint))["kind"] for message in back.got] == [REVIEWED]


def test_each_attempt_tells_the_same_under_the_same_id_but_is_signed_anew(
    backends, event, owner, receiver, work, clock
):
    endpoint = webhooks.create(backends, event.id, receiver.url(), [], by=owner)
    receiver.status = 500
    tell(backends, event)
    clock.move(timedelta(seconds=1))
    for _ in range(2):
        work()
        clock.move(timedelta(seconds=30))

    first, second = receiver.got
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 30
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert second.opened(webhooks.secret(backends, endpoint))


def test_two_webhooks_are_told_what_each_asked_for(backends, event, owner, receiver, work):
    webhooks.create(backends, event.id, receiver.url("/sales"), [PAID], by=owner)
    webhooks.create(backends, event.id, receiver.url("/all"), [], by=owner)
    webhooks.create(backends, make_event(backends, owner).id, receiver.url("/other"), [], by=owner)

    tell(backends, event, REVIEWED)
    tell(backends, event, PAID)
    work()

    assert kinds_of(receiver, "/sales") == ["order.paid"]
    assert kinds_of(receiver, "/all") == ["photo.reviewed", "order.paid"]
    assert kinds_of(receiver, "/other") == []


def test_what_was_rolled_back_is_told_to_nobody(backends, event, endpoint, work):
    with suppress(InvalidInput), backends.transaction() as session:
        notices.note(session, REVIEWED, event.id)
        raise InvalidInput("no")

    assert (work(), told(backends, endpoint), backends.hooks.sent) == (0, [], [])


def test_a_new_secret_signs_what_follows_and_the_old_one_nothing(backends, event, owner, receiver, work):
    endpoint = webhooks.create(backends, event.id, receiver.url(), [], by=owner)
    old = webhooks.secret(backends, endpoint)

    rotated = webhooks.rotate(backends, endpoint.id, by=owner)
    tell(backends, event)
    work()

    (message,) = receiver.got
    assert message.opened(webhooks.secret(backends, rotated))
    with pytest.raises(WebhookVerificationError):
        message.opened(old)


# --- when nobody hears it ------------------------------------------------------------------


def test_the_waits_double_from_half_a_minute_to_six_hours_and_end_after_two_days(
    backends, event, endpoint, clock
):
    backends.hooks.status = 503
    tell(backends, event)
    clock.move(timedelta(seconds=1))
    began, waits = backends.now(), []

    while jobs.run_next(backends, HANDLERS):
        (job,) = jobs_of(backends, only(backends, endpoint))
        if job.status is JobStatus.DUE:
            waits.append(job.run_at - backends.now())
            clock.move(waits[-1])

    hours = timedelta(hours=1)
    assert [wait.total_seconds() for wait in waits[:4]] == [30, 60, 120, 240]
    assert (len(waits), max(waits)) == (ATTEMPTS - 1, 6 * hours)
    assert 48 * hours < backends.now() - began < 52 * hours


def test_a_delivery_that_nobody_takes_ends_as_failed_and_can_be_sent_again(
    backends, event, owner, endpoint, work, clock
):
    backends.hooks.status = 503
    tell(backends, event)
    for _ in range(ATTEMPTS):
        clock.move(timedelta(hours=6))
        work()
    given_up = only(backends, endpoint)

    backends.hooks.status = 200
    ran_by_itself = (clock.move(timedelta(days=1)), work())[1]
    webhooks.resend(backends, given_up.id, by=owner)
    work()

    assert where(given_up) == (DeliveryStatus.FAILED, ATTEMPTS, "503 Service Unavailable")
    assert ran_by_itself == 0
    delivered = only(backends, endpoint)
    assert where(delivered) == (DeliveryStatus.DELIVERED, ATTEMPTS + 1, "200 OK")
    assert (delivered.id, delivered.body) == (given_up.id, given_up.body)
    assert {(headers["webhook-id"], body) for _, body, headers in backends.hooks.sent} == {
        (str(given_up.id), given_up.body.encode())
    }


def test_a_worker_that_dies_in_the_last_attempt_leaves_the_delivery_failed(backends, event, endpoint):
    tell(backends, event)
    delivery = only(backends, endpoint)
    with backends.transaction() as session:
        (job,) = session.exec(select(Job).where(Job.subject == str(delivery.id)))
        job.attempts = ATTEMPTS - 1

    class Killed(BaseException):
        """What nobody catches."""

    def die(*_: object) -> int:
        raise Killed

    backends.hooks.post = die
    with pytest.raises(Killed):
        jobs.run_next(backends, HANDLERS)

    assert only(backends, endpoint).status is DeliveryStatus.FAILED


@pytest.mark.parametrize("status", [199, 301, 302, 400, 404, 429, 500, 599, 999])
def test_anything_but_a_yes_is_tried_again(backends, event, endpoint, work, status):
    backends.hooks.status = status

    tell(backends, event)
    work()

    delivery = only(backends, endpoint)
    (job,) = jobs_of(backends, delivery)
    assert where(delivery)[:2] == (DeliveryStatus.WAITING, 1)
    assert delivery.last_answer.startswith(str(status))
    assert (job.status, job.attempts) == (JobStatus.DUE, 1)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_yes_is_one(backends, event, endpoint, work, status):
    backends.hooks.status = status

    tell(backends, event)
    work()

    assert only(backends, endpoint).status is DeliveryStatus.DELIVERED


def test_a_server_that_says_gone_is_told_nothing_more(backends, event, owner, endpoint, work):
    backends.hooks.status = 410
    tell(backends, event)
    tell(backends, event)
    work()
    tell(backends, event)

    first, second = told(backends, endpoint)
    assert where(first) == (DeliveryStatus.FAILED, 1, "410 Gone. The webhook is switched off.")
    assert where(second) == (DeliveryStatus.FAILED, 0, "The webhook was switched off.")
    assert not webhooks.get(backends, endpoint.id, by=owner).is_active
    assert len(backends.hooks.sent) == 1


def test_an_address_that_turned_private_is_given_up_at_once(backends, event, owner, work, endpoint):
    def refuse(*_: object) -> int:
        raise InvalidInput("hooks.example is not in the public internet.")

    backends.hooks.post = refuse
    tell(backends, event)
    work()

    delivery = only(backends, endpoint)
    assert where(delivery) == (DeliveryStatus.FAILED, 1, "hooks.example is not in the public internet.")
    assert [job.status for job in jobs_of(backends, delivery)] == [JobStatus.FAILED]
    assert troubles.given_up(backends, event.id, by=owner) == []  # no photo's trouble


def test_a_delivery_whose_job_an_admin_retries_goes_on(backends, event, endpoint, work, clock):
    backends.hooks.status = 503
    tell(backends, event)
    for _ in range(ATTEMPTS):
        clock.move(timedelta(hours=6))
        work()
    (job,) = jobs_of(backends, only(backends, endpoint))

    jobs.retry(backends, job.id, by=make_account(backends, Role.ADMIN))
    work()

    assert only(backends, endpoint).status is DeliveryStatus.WAITING


def test_what_waits_is_sent_at_once_when_somebody_asks(backends, event, owner, endpoint, work):
    backends.hooks.status = 503
    tell(backends, event)
    work()
    backends.hooks.status = 200

    webhooks.resend(backends, only(backends, endpoint).id, by=owner)
    ran = work()

    delivery = only(backends, endpoint)
    assert (ran, where(delivery)[:2]) == (1, (DeliveryStatus.DELIVERED, 2))
    assert len(jobs_of(backends, delivery)) == 1


def test_what_is_being_sent_at_this_moment_is_not_asked_for_again(backends, event, owner, endpoint):
    tell(backends, event)
    delivery = only(backends, endpoint)
    with backends.transaction() as session:
        (job,) = session.exec(select(Job).where(Job.subject == str(delivery.id)))
        job.attempts = ATTEMPTS - 1
    refused = []

    def ask(*_: object) -> int:
        with pytest.raises(BeingSent) as refusal:
            webhooks.resend(backends, delivery.id, by=owner)
        refused.append(str(refusal.value))
        return 503

    backends.hooks.post = ask
    jobs.run_next(backends, HANDLERS)

    assert refused == ["It is being sent at this moment. Look again in a minute."]
    assert where(only(backends, endpoint)) == (DeliveryStatus.FAILED, 1, "503 Service Unavailable")
    assert [job.status for job in jobs_of(backends, delivery)] == [JobStatus.FAILED]


def test_what_was_delivered_is_not_sent_twice_by_itself(backends, event, endpoint, work):
    tell(backends, event)
    work()

    deliveries.send(backends, str(only(backends, endpoint).id))

    assert len(backends.hooks.sent) == 1


# --- photos come first, and nobody starves -------------------------------------------------


def at_second(backends, second: int) -> None:
    now = backends.now().replace(second=second, microsecond=0) + timedelta(minutes=1)
    backends.now = lambda: now


def claimed(backends, count: int) -> list[JobKind]:
    return [jobs.claim(backends).kind for _ in range(count)]


@pytest.fixture
def busy(backends, event, endpoint) -> None:
    """Two messages, two photos and a re-index wait, in this order."""
    tell(backends, event)
    tell(backends, event)
    with backends.transaction() as session:
        jobs.enqueue(session, JobKind.REINDEX_PHOTO, some_id())
        jobs.enqueue(session, JobKind.RENDER_PHOTO, some_id())
        jobs.enqueue(session, JobKind.RENDER_PHOTO, some_id())


def test_deliveries_let_photos_pass_and_pass_a_reindex(backends, busy):
    at_second(backends, jobs.TURN_SECONDS)

    assert claimed(backends, 5) == [
        *[JobKind.RENDER_PHOTO] * 2,
        *[JobKind.DELIVER_WEBHOOK] * 2,
        JobKind.REINDEX_PHOTO,
    ]


def test_in_its_turn_of_each_minute_one_delivery_at_a_time_goes_first(backends, busy):
    at_second(backends, 0)

    assert claimed(backends, 3) == [JobKind.DELIVER_WEBHOOK, *[JobKind.RENDER_PHOTO] * 2]


def test_a_delivery_whose_worker_died_does_not_keep_the_others_from_their_turn(backends, busy):
    at_second(backends, 0)
    jobs.claim(backends)  # and then the worker dies
    at_second(backends, 0)
    assert backends.settings.job_lease <= timedelta(minutes=1)
    now = backends.now() + timedelta(seconds=1)
    backends.now = lambda: now

    assert jobs.claim(backends).kind is JobKind.DELIVER_WEBHOOK


def test_commands_do_not_wait_for_the_servers_of_others(backends, event, endpoint):
    tell(backends, event)

    assert jobs.unfinished(backends) == 0


# --- setting up ----------------------------------------------------------------------------


def test_a_webhook_is_made_as_asked(backends, event, owner):
    made = webhooks.create(backends, event.id, f" {URL} ", [PAID, REVIEWED, PAID], by=owner)

    assert webhooks.of_event(backends, event.id, by=owner) == [made]
    assert (made.url, made.kinds) == (URL, ["photo.reviewed", "order.paid"])
    assert (made.is_active, made.created_by) == (True, owner.id)


def test_the_secret_is_long_is_its_own_and_lies_nowhere(backends, event, owner, endpoint):
    other = webhooks.create(backends, event.id, URL, [], by=owner)

    secret = webhooks.secret(backends, endpoint)

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) >= 24
    assert secret == webhooks.secret(backends, webhooks.get(backends, endpoint.id, by=owner))
    assert secret != webhooks.secret(backends, other)
    with backends.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    assert secret.removeprefix("whsec_") not in dump
    assert Webhook(secret)


@pytest.mark.parametrize(
    ("url", "kinds", "words"),
    [
        ("http://hooks.example", [], "begins with https"),
        ("https://hooks.example/" + "a" * 2048, [], "too long"),
        (URL, ["photo.eaten"], "photo.eaten"),
    ],
)
def test_what_cannot_be_told_is_refused(backends, event, owner, endpoint, url, kinds, words):
    with pytest.raises(InvalidInput, match=words):
        webhooks.create(backends, event.id, url, kinds, by=owner)
    with pytest.raises(InvalidInput, match=words):
        webhooks.edit(backends, endpoint.id, url=url, kinds=kinds, by=owner)

    assert webhooks.of_event(backends, event.id, by=owner) == [endpoint]


def test_an_event_has_ten_webhooks_at_most(backends, event, owner):
    made = [webhooks.create(backends, event.id, URL, [], by=owner) for _ in range(webhooks.MOST)]

    with pytest.raises(Conflict, match="10 webhooks at most"):
        webhooks.create(backends, event.id, URL, [], by=owner)
    webhooks.remove(backends, made[0].id, by=owner)
    eleventh = webhooks.create(backends, event.id, URL, [], by=owner)

    assert webhooks.of_event(backends, event.id, by=owner) == [eleventh, *reversed(made[1:])]


def test_a_change_leaves_the_rest_as_it_was(backends, event, owner, endpoint):
    webhooks.edit(backends, endpoint.id, kinds=[PAID], by=owner)
    webhooks.edit(backends, endpoint.id, is_active=False, by=owner)

    changed = webhooks.edit(backends, endpoint.id, url=f"{URL}/2", by=owner)

    assert (changed.url, changed.kinds, changed.is_active) == (f"{URL}/2", ["order.paid"], False)
    assert webhooks.get(backends, endpoint.id, by=owner) == changed


def test_a_webhook_that_is_switched_off_is_told_nothing_until_it_is_on(
    backends, event, owner, endpoint, work
):
    tell(backends, event)
    webhooks.edit(backends, endpoint.id, is_active=False, by=owner)
    tell(backends, event)
    work()
    missed = only(backends, endpoint)
    for ask in (
        lambda: webhooks.resend(backends, missed.id, by=owner),
        lambda: webhooks.ping(backends, endpoint.id, by=owner),
    ):
        with pytest.raises(SwitchedOff):
            ask()

    webhooks.edit(backends, endpoint.id, is_active=True, by=owner)
    webhooks.resend(backends, missed.id, by=owner)
    work()

    assert where(missed) == (DeliveryStatus.FAILED, 0, "The webhook was switched off.")
    assert only(backends, endpoint).status is DeliveryStatus.DELIVERED


def test_a_removed_webhook_is_told_nothing_more_not_even_what_waits(backends, event, owner, endpoint, work):
    tell(backends, event)
    waiting = only(backends, endpoint)

    webhooks.remove(backends, endpoint.id, by=owner)
    tell(backends, event)
    work()

    assert backends.hooks.sent == []
    assert [found.id for found in told(backends, endpoint)] == [waiting.id]
    assert only(backends, endpoint).status is DeliveryStatus.FAILED
    assert webhooks.of_event(backends, event.id, by=owner) == []
    for ask in (
        lambda: webhooks.get(backends, endpoint.id, by=owner),
        lambda: webhooks.remove(backends, endpoint.id, by=owner),
        lambda: webhooks.resend(backends, waiting.id, by=owner),
    ):
        with pytest.raises(NoSuchWebhook):
            ask()


def test_a_delivery_that_was_written_while_its_webhook_was_removed_is_not_sent(
    backends, event, owner, endpoint, work
):
    webhooks.remove(backends, endpoint.id, by=owner)
    late = WebhookDelivery(endpoint_id=endpoint.id, notice_id=7, kind="order.paid", body="{}")
    with backends.transaction() as session:
        session.add(late)
        jobs.enqueue(session, JobKind.DELIVER_WEBHOOK, late.id)

    work()

    assert (backends.hooks.sent, only(backends, endpoint).status) == ([], DeliveryStatus.FAILED)


def test_a_test_message_tells_that_nothing_happened(backends, event, owner, receiver, work):
    endpoint = webhooks.create(backends, event.id, receiver.url(), [PAID], by=owner)

    webhooks.ping(backends, endpoint.id, by=owner)
    webhooks.ping(backends, endpoint.id, by=owner)
    work()

    opened = [message.opened(webhooks.secret(backends, endpoint)) for message in receiver.got]
    assert len({message.headers["webhook-id"] for message in receiver.got}) == 2
    assert [(one["id"], one["kind"], one["event_id"], one["data"]) for one in opened] == [
        (0, "ping", event.id, {})
    ] * 2
    assert opened[0].keys() == json.loads(notices.body(notices.Notice(kind=PAID))).keys()
    assert {found.status for found in told(backends, endpoint)} == {DeliveryStatus.DELIVERED}


def test_nobody_knocks_at_a_server_without_end(backends, event, owner, endpoint, work):
    for _ in range(webhooks.BY_HAND.size):
        webhooks.ping(backends, endpoint.id, by=owner)

    with pytest.raises(limits.TooOften):
        webhooks.ping(backends, endpoint.id, by=owner)
    with pytest.raises(limits.TooOften):
        webhooks.resend(backends, told(backends, endpoint)[0].id, by=owner)


def test_deliveries_are_listed_newest_first_page_by_page(backends, event, owner, endpoint, work):
    for number in range(5):
        tell(backends, event, photo=str(number))
    work()
    tell(backends, event, photo="5")

    first = webhooks.deliveries(backends, endpoint.id, by=owner, asked=paging.Asked(4))
    tell(backends, event, photo="6")
    second = webhooks.deliveries(
        backends, endpoint.id, by=owner, asked=paging.Asked(4, cursor=first.next_cursor)
    )
    waiting = webhooks.deliveries(backends, endpoint.id, by=owner, status=DeliveryStatus.WAITING)

    def told_of(page) -> list[str]:
        return [json.loads(delivery.body)["data"]["photo"] for delivery in page.items]

    assert (told_of(first), told_of(second), second.next_cursor) == (["5", "4", "3", "2"], ["1", "0"], None)
    assert told_of(waiting) == ["6", "5"]


def test_every_change_is_in_the_audit_log_without_what_opens_doors(backends, event, owner, work):
    endpoint = webhooks.create(backends, event.id, "https://hooks.example/T0/s3cret", [], by=owner)
    webhooks.edit(backends, endpoint.id, url="https://hooks.example/T1/s3cret", by=owner)
    webhooks.rotate(backends, endpoint.id, by=owner)
    delivery = webhooks.ping(backends, endpoint.id, by=owner)
    webhooks.resend(backends, delivery.id, by=owner)
    backends.hooks.status = 410
    work()
    webhooks.remove(backends, endpoint.id, by=owner)

    with backends.reading() as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.id)).all()
    found = [(entry.action, entry.account_id) for entry in entries if entry.action.startswith("webhook.")]
    acts = ("create", "edit", "rotate", "ping", "resend")
    by_owner = [(f"webhook.{act}", owner.id) for act in acts]
    assert found == [*by_owner, ("webhook.gone", None), ("webhook.remove", owner.id)]
    assert "s3cret" not in str([entry.detail for entry in entries])


# --- who may -------------------------------------------------------------------------------

ASKED = {
    "create": lambda w, by: webhooks.create(w.backends, w.event_id, URL, [], by=by),
    "of_event": lambda w, by: webhooks.of_event(w.backends, w.event_id, by=by),
    "get": lambda w, by: webhooks.get(w.backends, w.endpoint_id, by=by),
    "edit": lambda w, by: webhooks.edit(w.backends, w.endpoint_id, kinds=[], by=by),
    "rotate": lambda w, by: webhooks.rotate(w.backends, w.endpoint_id, by=by),
    "ping": lambda w, by: webhooks.ping(w.backends, w.endpoint_id, by=by),
    "deliveries": lambda w, by: webhooks.deliveries(w.backends, w.endpoint_id, by=by),
    "resend": lambda w, by: webhooks.resend(w.backends, w.delivery_id, by=by),
    "remove": lambda w, by: webhooks.remove(w.backends, w.endpoint_id, by=by),
}


class World:
    """A webhook with a delivery; `nothing` has the ids of none."""

    def __init__(self, backends, event_id=990_001, endpoint_id=990_001, delivery_id=None) -> None:
        self.backends, self.event_id, self.endpoint_id = backends, event_id, endpoint_id
        self.delivery_id = delivery_id or uuid4()


@pytest.fixture
def world(backends, event, endpoint) -> World:
    tell(backends, event)
    return World(backends, event.id, endpoint.id, only(backends, endpoint).id)


def answer(ask, world: World, by) -> tuple[type, str]:
    with pytest.raises((NotFound, Forbidden)) as refused:
        ask(world, by)
    return refused.type, str(refused.value)


@pytest.mark.parametrize("name", ASKED)
def test_a_webhook_of_others_looks_like_none(backends, event, world, name):
    strangers = [None, make_account(backends), owner_of(backends, make_event(backends))]
    disabled = make_member(backends, event, MemberRole.CO_ORGANISER, is_active=False)

    for stranger in (*strangers, disabled):
        found = answer(ASKED[name], world, stranger)

        assert issubclass(found[0], NotFound)
        assert found == answer(ASKED[name], World(backends), stranger)


@pytest.mark.parametrize("name", ASKED)
def test_only_co_organisers_and_admins_have_to_do_with_webhooks(backends, event, world, name):
    for role in (MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR):
        assert answer(ASKED[name], world, make_member(backends, event, role))[0] is Forbidden

    for may in (
        make_member(backends, event, MemberRole.CO_ORGANISER),
        make_account(backends, Role.ADMIN),
    )[: 1 if name == "remove" else 2]:
        ASKED[name](world, may)


def test_a_stranger_cannot_have_us_look_up_names(backends, event, monkeypatch):
    looked_up = []
    monkeypatch.setattr(backends.hooks, "check", looked_up.append)

    with pytest.raises(NotFound):
        webhooks.create(backends, event.id, URL, [], by=make_account(backends, Role.ORGANISER))

    assert looked_up == []


def test_no_answer_is_told_as_it_came(backends, event, endpoint):
    backends.hooks.status = 0
    tell(backends, event)

    with pytest.raises(Unavailable, match="does not answer"):
        deliveries.send(backends, str(only(backends, endpoint).id))

    assert where(only(backends, endpoint)) == (DeliveryStatus.WAITING, 1, "The server does not answer.")


# --- on PostgreSQL -------------------------------------------------------------------------


@pytest.mark.integration
def test_on_postgresql_a_message_is_told_in_its_turn(platform):
    event = make_event(platform)
    owner = owner_of(platform, event)
    endpoint = webhooks.create(platform, event.id, URL, [], by=owner)
    tell(platform, event)
    webhooks.ping(platform, endpoint.id, by=owner)
    with platform.transaction() as session:
        jobs.enqueue(session, JobKind.RENDER_PHOTO, some_id())
    at_second(platform, 0)

    ran = [jobs.run_next(platform, HANDLERS), jobs.run_next(platform, HANDLERS)]

    page = webhooks.deliveries(platform, endpoint.id, by=owner, asked=paging.Asked(1))
    rest = webhooks.deliveries(platform, endpoint.id, by=owner, asked=paging.Asked(1, page.next_cursor))
    assert ran == [True, True]
    assert [found.kind for found in (*page.items, *rest.items)] == ["ping", "photo.reviewed"]
    assert {found.status for found in (*page.items, *rest.items)} == {DeliveryStatus.DELIVERED}


@pytest.mark.integration
def test_on_postgresql_two_at_once_do_not_make_an_eleventh(platform, monkeypatch):
    event = make_event(platform)
    owner = owner_of(platform, event)
    for _ in range(webhooks.MOST - 1):
        webhooks.create(platform, event.id, URL, [], by=owner)
    both_have_counted, record = threading.Barrier(2), audit.record

    def wait_for_the_other(*args: object, **detail: object) -> AuditEntry:
        with suppress(threading.BrokenBarrierError):
            both_have_counted.wait(0.5)  # in vain: the other one waits for us to end
        return record(*args, **detail)

    def one_more(_: int) -> bool:
        try:
            webhooks.create(platform, event.id, URL, [], by=owner)
        except Conflict:
            return False
        return True

    monkeypatch.setattr(audit, "record", wait_for_the_other)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(one_more, range(2)))

    assert sorted(made) == [False, True]
