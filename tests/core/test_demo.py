"""The demo event: loaded once, finished when it was interrupted, and recognisable as what it is."""

import json

import pytest
from sqlmodel import select

from core import demo, earnings, events, ledger, refunds, sharing
from core.errors import Unavailable
from models.account import Account, Role
from models.event import Event, EventStatus
from models.order import Order
from models.photo import Photo, Review, Stage
from models.refund import RefundStatus
from models.sharing import ShareLink
from tests.makers import make_event, make_jpeg, make_viewer

pytestmark = pytest.mark.usefixtures("quick_hashes", "quick_worker")


@pytest.fixture(autouse=True)
def _few_pictures(tmp_path, monkeypatch):
    """A demo folder of four photos, one of them blurred."""
    folder = tmp_path / "demo"
    (folder / "photos").mkdir(parents=True)
    for number in range(4):
        (folder / "photos" / f"IMG_{number}.jpg").write_bytes(make_jpeg("anna", seed=number))
    (folder / "truth.json").write_text(json.dumps({"blurred": ["photos/IMG_3.jpg"]}))
    monkeypatch.setattr(demo, "FOLDER", folder)


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


def all_of(backends, table) -> list:
    with backends.reading() as session:
        return list(session.exec(select(table)))


def test_an_empty_platform_gets_an_event_on_sale_with_people_and_sales(backends):
    wanted = demo.is_wanted(backends)

    address = demo.load(backends, quiet)

    (event,) = all_of(backends, Event)
    opened = sharing.open_link(backends, address.split("share=")[1], by=make_viewer())
    assert (wanted, demo.is_wanted(backends)) == (True, False)
    assert (opened.id, event.status) == (event.id, EventStatus.ON_SALE)
    assert {account.email for account in all_of(backends, Account) if account.is_demo} == set(demo.PEOPLE)
    assert {photo.stage for photo in all_of(backends, Photo)} == {Stage.INDEXED}
    assert sorted(photo.review for photo in all_of(backends, Photo)) == [
        *[Review.APPROVED] * 3,
        Review.PENDING,
    ]
    assert len(all_of(backends, Order)) == sum(demo.BUYERS_A_DAY)


def test_loading_again_changes_nothing(backends):
    first = demo.load(backends, quiet)

    again = demo.load(backends, quiet)

    assert again == first
    assert [len(all_of(backends, table)) for table in (Event, Photo, ShareLink)] == [1, 4, 1]


@pytest.mark.parametrize("step", ["_upload", "_approve", "_sell"])
def test_an_interrupted_loading_is_finished_the_next_time(backends, monkeypatch, step):
    real = getattr(demo, step)

    def interrupted(*arguments):
        if step == "_upload":
            real(*arguments)
        raise Unavailable("stopped by hand")

    monkeypatch.setattr(demo, step, interrupted)
    with pytest.raises(Unavailable):
        demo.load(backends, quiet)
    monkeypatch.setattr(demo, step, real)
    wanted = demo.is_wanted(backends)
    demo.load(backends, quiet)

    assert wanted
    assert [len(all_of(backends, table)) for table in (Event, Photo, ShareLink)] == [1, 4, 1]
    assert len(all_of(backends, Order)) == sum(demo.BUYERS_A_DAY)
    assert events.listed(backends)[0].status is EventStatus.ON_SALE


def test_a_platform_with_events_of_its_own_gets_no_demo_by_itself(backends):
    make_event(backends)

    assert not demo.is_wanted(backends)


def test_its_sales_are_booked_on_their_days_and_somebody_earns_of_them(backends):
    demo.load(backends, quiet)

    (photographer,) = [one for one in all_of(backends, Account) if one.role is Role.PHOTOGRAPHER]
    mine = earnings.of_account(backends, by=photographer)
    sold = sum(order.total_amount for order in all_of(backends, Order))
    assert [month.first for month in mine.months] == [demo.HELD_ON.replace(day=1)]
    assert mine.funds[0].owed == sold * 54 // 100
    assert list(ledger.faults(backends)) == []


def test_the_money_of_its_orders_can_go_back(backends, work):
    demo.load(backends, quiet)
    order = all_of(backends, Order)[0]
    (organiser,) = [one for one in all_of(backends, Account) if one.role is Role.ORGANISER]

    refunds.give_back(backends, order.id, None, "Only a demo", by=organiser)
    work()

    (refund,) = refunds.of_order(backends, order)
    assert (refund.status, refund.amount) == (RefundStatus.DONE, order.total_amount)
