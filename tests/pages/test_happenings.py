"""What comes last in an event, on its page: counted, in the event's time, and for those who may hear it."""

from datetime import UTC, datetime, timedelta

import pytest

from core import access, events
from models.account import Role
from models.event import Event, MemberRole
from models.notice import Notice, NoticeKind
from models.photo import Review, Stage
from pages.parts import happenings
from tests.browser import Browser
from tests.makers import make_account, make_event, make_member, make_photo, owner_of

NOW = datetime(2026, 10, 17, 7, 30, tzinfo=UTC)  # half past two in Bangkok
MINUTE = timedelta(minutes=1)
UPLOADED, INDEXED, REVIEWED = NoticeKind.PHOTO_UPLOADED, NoticeKind.PHOTO_INDEXED, NoticeKind.PHOTO_REVIEWED
SEARCH, PAID = NoticeKind.SEARCH_MADE, NoticeKind.ORDER_PAID
REFUNDED, DISPUTED = NoticeKind.ORDER_REFUNDED, NoticeKind.ORDER_DISPUTED


@pytest.fixture
def event(backends) -> Event:
    backends.now = lambda: NOW
    return make_event(backends)


@pytest.fixture
def owner(backends, browser, event):
    owner = owner_of(backends, event)
    browser.sign_in(backends, owner)
    return owner


def happen(backends, event: Event, kind: NoticeKind, ago: timedelta = MINUTE, **data: object) -> None:
    with backends.transaction() as session:
        session.add(Notice(event_id=event.id, kind=kind, data=data, at=NOW - ago))


def upload(backends, event: Event, ago: timedelta = MINUTE) -> None:
    happen(backends, event, UPLOADED, ago, photo_ids=["a"], gallery_id=1)


def open_page(browser: Browser, event: Event):
    return browser.open("organiser/event.py", id=str(event.id))


def rows(page) -> list[tuple[str, str]]:
    """What is listed, and when."""
    assert not page.exception
    html = "".join(block.proto.body for block in page.get("html"))
    listed = [row.split("</span>") for row in html.split("<li ")[1:]]
    return [(row[-2].removeprefix("<span>"), row[-1].partition(">")[2].partition("<")[0]) for row in listed]


def metric(page, label: str) -> str:
    return next(metric.value for metric in page.metric if metric.label == label)


# --- in words ------------------------------------------------------------------------------


def test_every_kind_is_said_in_counts(backends, browser, event, owner):
    said: list[tuple[NoticeKind, dict]] = [
        (UPLOADED, {"photo_ids": ["a"], "gallery_id": 1}),
        (NoticeKind.PHOTO_RENDERED, {"photo_ids": ["a"]}),
        (INDEXED, {"photo_ids": ["a"], "faces": 2}),
        (REVIEWED, {"photo_ids": ["a", "b"], "review": "approved"}),
        (REVIEWED, {"photo_ids": ["a"], "review": "pending"}),
        (NoticeKind.PHOTO_DELETED, {"photo_ids": ["a"]}),
        (SEARCH, {"sure": 4, "maybe": 1}),
        (PAID, {"order_id": "o", "amount": 36_000, "currency": "THB", "count": 3}),
        (REFUNDED, {"order_id": "o", "amount": 12_000, "currency": "THB"}),
    ]
    for kind, data in said:
        happen(backends, event, kind, **data)

    page = open_page(browser, event)

    assert [text for text, _ in rows(page)] == [
        "1 refund, ฿120",
        "3 photos sold, ฿360",
        "A guest searched: 5 photos",
        "1 photo deleted",
        "1 photo waits again",
        "2 photos approved",
        "1 photo can be searched, 2 faces",
        "1 photo uploaded",
    ]


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if kind is not NoticeKind.PHOTO_RENDERED])
@pytest.mark.parametrize("verdict", Review)
def test_every_kind_and_verdict_has_words_and_a_chip(kind, verdict):
    about = {REVIEWED: verdict.value, PAID: "THB", REFUNDED: "THB", DISPUTED: "THB"}.get(kind, "")
    one = happenings.Happening(kind, about, NOW, NOW, times=2, photos=1_200, amount=24_000)

    words = {REFUNDED: "2 refunds, ฿240", DISPUTED: "2 disputes, ฿240"}.get(kind, "1,200 photos")
    assert words in happenings.in_words(one)
    assert happenings._chip(one)[0]


def test_what_follows_each_other_is_one_row_also_across_others(backends, browser, event, owner):
    for minutes in range(6, 0, -1):
        upload(backends, event, minutes * MINUTE)
        happen(backends, event, INDEXED, minutes * MINUTE, photo_ids=["a"], faces=1)
    for sure in (0, 3):
        happen(backends, event, SEARCH, sure=sure, maybe=0)
    for _ in range(2):
        happen(backends, event, PAID, order_id="o", amount=12_000, currency="THB", count=1)

    page = open_page(browser, event)

    assert [text for text, _ in rows(page)] == [
        "2 photos sold, ฿240",
        "2 searches: 3 photos",
        "6 photos can be searched, 6 faces",
        "6 photos uploaded",
    ]


def test_what_is_far_apart_or_of_another_verdict_stays_apart(backends, browser, event, owner):
    upload(backends, event, happenings.APART + 2 * MINUTE)
    upload(backends, event)
    for verdict in ("rejected", "approved"):
        happen(backends, event, REVIEWED, photo_ids=["a"], review=verdict)

    page = open_page(browser, event)

    assert [text for text, _ in rows(page)] == [
        "1 photo approved",
        "1 photo rejected",
        "1 photo uploaded",
        "1 photo uploaded",
    ]


def test_times_are_those_of_the_clocks_at_the_event(backends, browser, event, owner):
    upload(backends, event, timedelta(days=1))
    upload(backends, event)

    page = open_page(browser, event)

    assert [at for _, at in rows(page)] == ["14:29", "16 Oct, 14:30"]


def test_the_list_is_short(backends, browser, event, owner):
    for number in range(happenings.SHOWN + 3, 0, -1):
        upload(backends, event, number * 2 * happenings.APART)

    page = open_page(browser, event)

    assert len(rows(page)) == happenings.SHOWN


def test_what_was_too_much_to_read_is_said_to_be_more(backends, browser, event, owner, monkeypatch):
    monkeypatch.setattr(happenings, "READ", 5)
    for _ in range(9):
        upload(backends, event, 2 * happenings.APART)
    happen(backends, event, REVIEWED, photo_ids=["a"], review="approved")

    page = open_page(browser, event)

    assert [text for text, _ in rows(page)] == ["1 photo approved", "More than 4 photos uploaded"]


def test_where_nothing_happened_the_page_says_how_something_does(backends, browser, event, owner):
    page = open_page(browser, event)

    assert rows(page) == []
    assert "Once photos are uploaded" in "".join(caption.value for caption in page.caption)


def test_a_photographer_hears_of_photos_and_not_of_searches_and_sales(backends, browser, event):
    browser.sign_in(backends, make_member(backends, event, MemberRole.PHOTOGRAPHER))
    upload(backends, event)
    happen(backends, event, SEARCH, sure=1, maybe=0)
    happen(backends, event, PAID, order_id="o", amount=12_000, currency="THB", count=1)

    page = open_page(browser, event)

    assert [text for text, _ in rows(page)] == ["1 photo uploaded"]


# --- figures that are kept -----------------------------------------------------------------


class Reads:
    """Counts how often the counts of an event were read."""

    def __init__(self, monkeypatch) -> None:
        self.count, self._real = 0, events.counts
        monkeypatch.setattr(events, "counts", self._read)

    def _read(self, *given: object, **named: object) -> events.Counts:
        self.count += 1
        return self._real(*given, **named)


@pytest.mark.parametrize("path", ["organiser/event.py", "photographer/upload.py"])
def test_counts_are_read_anew_only_when_the_event_has_news(
    backends, browser, event, owner, monkeypatch, path
):
    make_photo(backends, event)
    reads = Reads(monkeypatch)
    page = browser.open(path, id=str(event.id))
    first = reads.count

    page.run()
    quiet = reads.count
    upload(backends, event)
    page.run()

    assert not page.exception
    assert (first, quiet, reads.count) == (1, 1, 2)


def test_what_comes_without_a_notice_is_read_after_a_while(backends, browser, event, owner, monkeypatch):
    reads = Reads(monkeypatch)
    page = open_page(browser, event)

    backends.now = lambda: NOW + happenings.STALE + timedelta(seconds=1)
    page.run()

    assert reads.count == 2


def test_the_page_shows_what_came_since(backends, browser, event, owner):
    page = open_page(browser, event)
    before = metric(page, "Photos"), rows(page)

    make_photo(backends, event, stage=Stage.UPLOADED)
    upload(backends, event)
    page.run()

    assert before == ("0", [])
    assert (metric(page, "Photos"), rows(page)) == ("1", [("1 photo uploaded", "14:29")])


def test_who_has_no_part_in_the_event_any_more_gets_no_kept_figures(backends, event):
    stranger = make_account(backends, Role.ORGANISER)

    with pytest.raises(access.NoSuchEvent):
        happenings.kept("progress", event.id, lambda: "read before", by=stranger)
