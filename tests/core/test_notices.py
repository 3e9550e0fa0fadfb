"""What happened is noted in the transaction of what it tells, with ids and counts only."""

import json
from contextlib import suppress
from uuid import uuid4

import pytest
from sqlmodel import Session, col, select

from core import carts, checkouts, notices, payments, photos, selfies
from core.backends import Backends
from core.gateway import PaymentState
from models.event import Event
from models.job import Job, JobKind
from models.notice import Notice, NoticeKind
from models.photo import Review
from models.webhook import WebhookDelivery, WebhookEndpoint
from tests.core.test_search import ask, shoot
from tests.makers import (
    gallery_of,
    make_event,
    make_jpeg,
    make_photo,
    make_viewer,
    owner_of,
    upload,
)

DELETED = NoticeKind.PHOTO_DELETED


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends)


def told(backends: Backends, event: Event) -> list[tuple[NoticeKind, dict]]:
    """Everything that was told of an event, oldest first."""
    with backends.reading() as session:
        query = select(Notice).where(Notice.event_id == event.id).order_by(col(Notice.id))
        return [(notice.kind, notice.data) for notice in session.exec(query)]


def make_endpoint(backends: Backends, event: Event, *kinds: NoticeKind, **fields: object) -> WebhookEndpoint:
    made = WebhookEndpoint(
        event_id=event.id,
        url="https://accounts.example/hook",
        kinds=[kind.value for kind in kinds],
        nonce="n",
        created_by=event.created_by,
        **fields,
    )
    with backends.transaction() as session:
        session.add(made)
    return made


# --- in the transaction --------------------------------------------------------------------


def test_what_is_noted_is_written_in_the_order_of_noting(backends, event):
    with backends.transaction() as session:
        for number in range(5):
            notices.note(session, NoticeKind.SEARCH_MADE, event.id, sure=number)

    assert told(backends, event) == [(NoticeKind.SEARCH_MADE, {"sure": number}) for number in range(5)]


def test_nothing_is_told_of_what_was_rolled_back(backends, event):
    with suppress(ZeroDivisionError), backends.transaction() as session:
        notices.note(session, DELETED, event.id, photos=1)
        raise ZeroDivisionError

    assert told(backends, event) == []


def test_nothing_is_told_of_what_was_rolled_back_to_a_savepoint(backends, event):
    with backends.transaction() as session:
        notices.note(session, DELETED, event.id, photos=1)
        with suppress(ZeroDivisionError), session.begin_nested():
            with session.begin_nested():
                notices.note(session, DELETED, event.id, photos=2)
            raise ZeroDivisionError
        with session.begin_nested():
            notices.note(session, DELETED, event.id, photos=3)

    assert told(backends, event) == [(DELETED, {"photos": 1}), (DELETED, {"photos": 3})]


def test_a_transaction_tells_nothing_of_the_session_around_it(backends, event):
    with backends.reading() as around:
        notices.note(around, DELETED, event.id, photos=1)
        with backends.transaction() as session:
            notices.note(session, DELETED, event.id, photos=2)

    assert told(backends, event) == [(DELETED, {"photos": 2})]


def test_what_is_noted_in_a_session_of_somebody_elses_is_not_told_by_the_next_transaction(backends, event):
    with Session(backends.engine) as session, session.begin():
        notices.note(session, DELETED, event.id, photos=1)
    with backends.transaction() as session:
        notices.note(session, DELETED, event.id, photos=2)

    assert told(backends, event) == [(DELETED, {"photos": 2})]


def test_one_notice_names_at_most_five_hundred_photos(backends, event):
    ids = [uuid4() for _ in range(1_001)]

    with backends.transaction() as session:
        notices.note_photos(session, NoticeKind.PHOTO_REVIEWED, event.id, ids, review="approved")

    data = [data for _, data in told(backends, event)]
    assert [len(one["photo_ids"]) for one in data] == [500, 500, 1]
    assert [photo_id for one in data for photo_id in one["photo_ids"]] == list(map(str, ids))
    assert {one["review"] for one in data} == {"approved"}


def test_a_deleted_photo_of_none_is_not_told(backends, event):
    with backends.transaction() as session:
        notices.note_photos(session, DELETED, event.id, [])

    assert told(backends, event) == []


# --- to whom -------------------------------------------------------------------------------


def test_a_webhook_gets_what_it_asked_for_as_a_delivery_and_a_job(backends, event):
    make_endpoint(backends, event, NoticeKind.ORDER_PAID)
    every = make_endpoint(backends, event)
    make_endpoint(backends, event, is_active=False)
    make_endpoint(backends, make_event(backends))

    with backends.transaction() as session:
        notices.note(session, DELETED, event.id, photo_ids=["a"])

    with backends.reading() as session:
        notice = session.exec(select(Notice)).one()
        delivery = session.exec(select(WebhookDelivery)).one()
        job = session.exec(select(Job).where(Job.kind == JobKind.DELIVER_WEBHOOK)).one()
    assert (delivery.endpoint_id, delivery.notice_id, delivery.kind) == (every.id, notice.id, DELETED)
    assert (job.subject, job.event_id) == (str(delivery.id), event.id)
    assert json.loads(delivery.body) == {
        "id": notice.id,
        "kind": "photo.deleted",
        "event_id": event.id,
        "at": notice.at.isoformat().replace("+00:00", "Z"),
        "data": {"photo_ids": ["a"]},
    }


def test_a_notice_that_was_rolled_back_reaches_no_webhook(backends, event):
    make_endpoint(backends, event)

    with suppress(ZeroDivisionError), backends.transaction() as session:
        notices.note(session, DELETED, event.id)
        notices.write(session)
        raise ZeroDivisionError

    with backends.reading() as session:
        assert session.exec(select(WebhookDelivery)).all() == session.exec(select(Job)).all() == []


# --- what the services tell ----------------------------------------------------------------


def test_the_way_of_a_photo_is_told_step_by_step(backends, event, work):
    owner = owner_of(backends, event)
    photo = upload(backends, event, make_jpeg("anna", "ben"), by=owner)
    work()
    photos.review(backends, [photo.id], Review.REJECTED, by=owner)
    photos.delete(backends, [photo.id], by=owner)
    work()

    ids = {"photo_ids": [str(photo.id)]}
    assert told(backends, event) == [
        (NoticeKind.PHOTO_UPLOADED, ids | {"gallery_id": gallery_of(backends, event).id}),
        (NoticeKind.PHOTO_RENDERED, ids),
        (NoticeKind.PHOTO_INDEXED, ids | {"faces": 2}),
        (NoticeKind.PHOTO_REVIEWED, ids | {"review": "rejected"}),
        (NoticeKind.PHOTO_DELETED, ids),
    ]


def test_a_photo_that_is_here_already_is_not_told_again(backends, event):
    owner = owner_of(backends, event)
    upload(backends, event, make_jpeg(), by=owner)

    with suppress(photos.AlreadyUploaded):
        upload(backends, event, make_jpeg(), by=owner)

    assert len(told(backends, event)) == 1


def test_verdicts_that_were_refused_are_not_told(backends, event):
    photo = make_photo(backends, event)

    with suppress(photos.NotFound):
        photos.review(backends, [photo.id], Review.APPROVED, by=None)

    assert told(backends, event) == []


def test_a_search_tells_counts_and_nothing_of_who_searched(backends, event, work):
    shoot(backends, event, "anna")
    work()
    viewer = make_viewer(owner_of(backends, event))

    ask(backends, event, viewer, "anna")
    with suppress(selfies.NoFace):
        ask(backends, event, viewer)

    assert told(backends, event)[3:] == [(NoticeKind.SEARCH_MADE, {"sure": 1, "maybe": 0})]


def test_a_paid_order_tells_each_event_its_own_sum_once(backends):
    viewer = make_viewer()
    first, second = make_event(backends), make_event(backends, price_amount=5_000)
    bought = [make_photo(backends, event) for event in (first, second, first)]
    carts.add(backends, viewer, [photo.id for photo in bought])
    order = checkouts.place(backends, viewer, "runner@example.org")

    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    for _ in range(2):
        payments.refresh(backends, order.id)

    of_both = {"order_id": str(order.id), "currency": "THB"}
    assert told(backends, first) == [(NoticeKind.ORDER_PAID, of_both | {"amount": 24_000, "count": 2})]
    assert told(backends, second) == [(NoticeKind.ORDER_PAID, of_both | {"amount": 5_000, "count": 1})]


def test_a_refused_payment_is_not_told(backends, event):
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id])
    order = checkouts.place(backends, viewer, "runner@example.org")

    backends.payments.decide(order.checkout_id, PaymentState.FAILED)
    payments.refresh(backends, order.id)

    assert told(backends, event) == []


def test_a_verdict_that_was_there_before_is_no_news(backends):
    event = make_event(backends)
    owner = owner_of(backends, event)
    first, second = (make_photo(backends, event, review=Review.PENDING) for _ in range(2))

    photos.review(backends, [first.id], Review.APPROVED, by=owner)
    photos.review(backends, [first.id, second.id], Review.APPROVED, by=owner)
    photos.review(backends, [first.id, second.id], Review.APPROVED, by=owner)

    with backends.reading() as session:
        told = [notice.data["photo_ids"] for notice in session.exec(select(Notice).order_by(Notice.id))]
    assert told == [[str(first.id)], [str(second.id)]]
