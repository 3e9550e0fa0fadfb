"""A photo taken apart: nothing of it is left, whatever was running, dead or away at that moment (T59)."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core import carts, checkouts, ingest, jobs, orders, payments, photos
from core.errors import Conflict, Unavailable
from core.gateway import PaymentState
from core.worker import HANDLERS
from models.account import Account
from models.cart import CartItem
from models.face import Face, FaceIndex
from models.job import Job, JobKind, JobStatus
from models.order import Download, LineItem, Order, OrderStatus
from models.photo import Photo
from tests.core.test_ingest import all_of, row, vectors
from tests.makers import make_event, make_jpeg, make_photo, make_viewer, owner_of, upload
from tests.sold import PRICE, sell


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def owner(backends, event) -> Account:
    return owner_of(backends, event)


def is_gone(backends, photo: Photo) -> bool:
    """Nothing of the photo is left but the record of the work."""
    left = [key for key in backends.objects.keys("") if str(photo.id) in key]
    faces = [face for face in all_of(backends, Face) if face.photo_id == photo.id]
    mine = set(ingest._face_ids(photo.id)) & set(vectors(backends))
    files = list((backends.settings.data / "tmp").glob("*"))
    return row(backends, photo) is None and not (left or faces or mine or files)


def test_deleting_takes_vectors_objects_and_rows_and_leaves_the_others(backends, event, owner, work):
    photo = upload(backends, event, make_jpeg("anna", gps=True), by=owner)
    other = upload(backends, event, make_jpeg("anna", seed=2), by=owner)
    work()
    with backends.transaction() as session:
        session.add(CartItem(visitor_key="v" * 64, photo_id=photo.id))
    version = all_of(backends, FaceIndex)[0].version

    photos.delete(backends, [photo.id], by=owner)
    ran = work()

    assert ran == 1
    assert is_gone(backends, photo)
    assert all_of(backends, CartItem) == []
    assert row(backends, other).face_count == len(vectors(backends)) == 1
    assert all_of(backends, FaceIndex)[0].version == version + 1


def test_deleting_twice_is_no_error_and_a_photo_that_was_not_removed_stays(backends, event, owner, work):
    photo = upload(backends, event, make_jpeg("anna"), by=owner)
    work()

    ingest.delete_photo(backends, str(photo.id))
    kept = row(backends, photo)
    photos.delete(backends, [photo.id], by=owner)
    work()
    ingest.delete_photo(backends, str(photo.id))

    assert kept is not None
    assert is_gone(backends, photo)
    assert {job.status for job in all_of(backends, Job)} == {JobStatus.DONE}


def test_a_photo_deleted_before_its_first_step_is_never_worked_on(backends, event, owner, work):
    photo = upload(backends, event, make_jpeg("anna"), by=owner)

    photos.delete(backends, [photo.id], by=owner)
    work()

    assert is_gone(backends, photo)
    assert all_of(backends, FaceIndex) == []


def test_deletion_waits_for_a_step_that_runs(backends, event, owner, work):
    photo = upload(backends, event, make_jpeg("anna"), by=owner)
    step = jobs.claim(backends)
    photos.delete(backends, [photo.id], by=owner)

    work()

    waiting = next(job for job in all_of(backends, Job) if job.kind is JobKind.DELETE_PHOTO)
    assert (step.kind, waiting.status, waiting.attempts) == (JobKind.RENDER_PHOTO, JobStatus.DUE, 1)
    assert waiting.last_error == "The photo is still being worked on."
    assert row(backends, photo) is not None


@pytest.mark.parametrize("call", ["render", "faces"])
def test_a_photo_deleted_while_a_step_runs_leaves_nothing(backends, event, owner, work, monkeypatch, call):
    photo = upload(backends, event, make_jpeg("anna", gps=True), by=owner)
    real = getattr(backends.pixels, call)

    def meanwhile(*arguments):
        monkeypatch.setattr(backends.pixels, call, real)
        now = backends.now() + backends.settings.job_lease + timedelta(seconds=1)
        monkeypatch.setattr(backends, "now", lambda: now)  # the worker is thought dead
        photos.delete(backends, [photo.id], by=owner)
        ingest.delete_photo(backends, str(photo.id))
        return real(*arguments)

    monkeypatch.setattr(backends.pixels, call, meanwhile)
    work()

    assert is_gone(backends, photo)


def test_vectors_of_a_worker_that_died_before_its_rows_are_deleted_too(
    backends, event, owner, work, monkeypatch
):
    photo = upload(backends, event, make_jpeg("anna", "ben"), by=owner)
    jobs.run_next(backends, HANDLERS)
    monkeypatch.setattr(ingest, "_advance", lambda *_: (_ for _ in ()).throw(Unavailable("killed")))
    jobs.run_next(backends, HANDLERS)
    orphans = len(vectors(backends))
    monkeypatch.undo()

    photos.delete(backends, [photo.id], by=owner)
    work()

    assert (orphans, len(all_of(backends, Face))) == (2, 0)
    assert is_gone(backends, photo)


def test_deletion_is_tried_again_while_a_store_is_away(backends, event, owner, work):
    photo = upload(backends, event, make_jpeg("anna"), by=owner)
    work()
    photos.delete(backends, [photo.id], by=owner)

    backends.vectors.is_down = True
    work()
    still_there = row(backends, photo)
    backends.vectors.is_down = False
    ingest.delete_photo(backends, str(photo.id))

    assert still_there is not None
    assert is_gone(backends, photo)


# --- photos in orders ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.HELD])
def test_a_photo_that_is_paid_or_may_be_stays(backends, event, owner, work, status):
    photo = make_photo(backends, event)
    sell(backends, photo, status=status)

    with pytest.raises(Conflict, match="in orders"):
        photos.delete(backends, [photo.id], by=owner)
    work()

    assert row(backends, photo).removed_at is None
    assert len(all_of(backends, LineItem)) == 1


@pytest.mark.parametrize("status", [OrderStatus.FAILED, OrderStatus.EXPIRED])
def test_a_photo_in_an_order_that_came_to_nothing_goes_with_its_line(backends, event, owner, work, status):
    photo, other = make_photo(backends, event), make_photo(backends, event)
    order, kept = (sell(backends, one, status=status) for one in (photo, other))

    photos.delete(backends, [photo.id], by=owner)
    work()

    assert is_gone(backends, photo)
    assert [line.order_id for line in all_of(backends, LineItem)] == [kept.id]
    assert {one.id for one in all_of(backends, Order)} == {order.id, kept.id}


def test_a_photo_of_a_living_order_stays_whatever_dead_orders_it_is_in(backends, event, owner):
    photo = make_photo(backends, event)
    for status in (OrderStatus.EXPIRED, OrderStatus.PAID):
        sell(backends, photo, status=status)

    with pytest.raises(Conflict):
        photos.delete(backends, [photo.id], by=owner)


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_photo_whose_money_went_back_goes_and_its_line_stays_for_the_books(
    backends, event, owner, work, is_whole
):
    photo, other = make_photo(backends, event), make_photo(backends, event)
    order = sell(backends, photo, other)
    give_back(backends, order, *([photo, other] if is_whole else [photo]))

    photos.delete(backends, [photo.id], by=owner)
    work()

    assert is_gone(backends, photo)
    lines = {line.photo_id: line for line in all_of(backends, LineItem)}
    assert set(lines) == {None, other.id}
    assert (lines[None].label, lines[None].amount) == (photo.filename, PRICE)
    assert [file.photo_id for file in all_of(backends, Download)] == [other.id]


def give_back(backends, order: Order, *of: Photo) -> None:
    """Give the money of photos back; with that of all, the order is refunded."""
    with backends.transaction() as session:
        lines = session.exec(select(LineItem).where(LineItem.order_id == order.id)).all()
        for line in lines:
            if line.photo_id in {photo.id for photo in of}:
                line.refunded_amount = line.amount
        if all(line.refunded_amount == line.amount for line in lines):
            session.get_one(Order, order.id).status = OrderStatus.REFUNDED


@pytest.mark.parametrize(("amount", "refunded"), [(PRICE, 0), (PRICE, PRICE - 1), (0, 0)])
def test_a_photo_of_which_some_money_stays_or_that_was_a_gift_stays(backends, event, owner, amount, refunded):
    photo = make_photo(backends, event)
    sell(backends, photo)
    with backends.transaction() as session:
        line = session.exec(select(LineItem)).one()
        line.amount, line.refunded_amount = amount, refunded

    with pytest.raises(Conflict, match="in orders"):
        photos.delete(backends, [photo.id], by=owner)


def test_a_photo_of_an_order_lost_in_a_dispute_goes(backends, event, owner, work):
    photo = make_photo(backends, event)
    order = sell(backends, photo, status=OrderStatus.REFUNDED)

    photos.delete(backends, [photo.id], by=owner)
    work()

    assert is_gone(backends, photo)
    assert [(line.order_id, line.photo_id) for line in all_of(backends, LineItem)] == [(order.id, None)]


@pytest.mark.parametrize("is_taken_apart", [False, True])
def test_money_that_comes_after_the_photos_went_is_put_aside(backends, event, owner, work, is_taken_apart):
    photo, other = make_photo(backends, event), make_photo(backends, event)
    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id, other.id])
    order = checkouts.place(backends, viewer, "runner@example.org")
    with backends.transaction() as session:
        session.get_one(Order, order.id).status = OrderStatus.EXPIRED  # the gateway does not know
    photos.delete(backends, [photo.id], by=owner)
    if is_taken_apart:
        work()

    payments.receive(backends, *backends.payments.decide(order.checkout_id, PaymentState.PAID))
    payments.settle(backends, str(order.id))
    work()

    assert orders.find(backends, order.id).status is OrderStatus.HELD
    assert all_of(backends, Download) == []
    assert is_gone(backends, photo)
