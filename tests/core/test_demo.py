"""The demo event: loaded once, finished when it was interrupted, and recognisable as what it is."""

import json

import pytest
from sqlmodel import select

from core import demo, events, sharing
from core.errors import Unavailable
from models.account import Account
from models.event import Event, EventStatus
from models.order import Order
from models.photo import Photo, Review, Stage
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
