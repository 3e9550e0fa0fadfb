"""The search as a guest meets it: consent, selfies, results, verdicts and their undo, friends, filters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from core import carts, consent, indexes, photos, search, selfies
from core.access import Viewer
from core.backends import Backends
from core.results import Found, Hit
from core.settings import ROOT
from core.signing import token_hash
from models.consent import ConsentReceipt
from models.event import Event
from models.photo import Photo, Review
from pages.parts import shop
from pages.parts.photo_grid import GridAction, GridPhoto, GridResult, PressedAction
from tests.browser import press
from tests.makers import approve, make_account, make_event, make_jpeg, make_photo, owner_of, upload

MORNING = datetime(2026, 10, 17, 1, 0, tzinfo=UTC)  # eight o'clock in Bangkok


@dataclass
class Desk:
    """What the search will find next, and what it was asked: the service's place is taken."""

    to_find: list[Found] = field(default_factory=list)
    selfies: list[int] = field(default_factory=list)  # how many in each search
    receipts: list[UUID] = field(default_factory=list)

    def by_selfies(self, _, event_id, selfies, *, receipt_id, by, known=None) -> Found:
        self.selfies.append(len(selfies))
        self.receipts.append(receipt_id)
        return self.to_find.pop(0)

    def refined(self, _, event_id, found, mine, not_mine, *, receipt_id, by) -> Found:
        """Take the person at their word, and go no further."""
        left = [hit for hit in found.hits if hit.face_id not in not_mine]
        is_sure = [hit in found.sure or hit.face_id in mine for hit in left]
        graded = list(zip(left, is_sure, strict=True))
        return replace(
            found, sure=[hit for hit, sure in graded if sure], maybe=[hit for hit, sure in graded if not sure]
        )


@dataclass
class Grids:
    """What the grids show, and a finger that presses something in one of them in the next run."""

    photos: dict[str, list[UUID]] = field(default_factory=dict)  # by section
    actions: dict[str, list[str]] = field(default_factory=dict)
    armed: tuple[str, str, UUID] | None = None

    def grid(
        self,
        shown: Sequence[GridPhoto],
        *,
        key: str,
        actions: Sequence[GridAction] = (),
        on_action: Callable[[PressedAction], None] | None,
        **_: object,
    ) -> GridResult:
        section = key.partition("_")[0]
        self.photos[section] = [UUID(photo.id) for photo in shown]
        self.actions[section] = [action.name for action in actions]
        if self.armed is None or self.armed[0] != section:
            return GridResult((), None)
        pressed = PressedAction(self.armed[1], (str(self.armed[2]),))
        self.armed = None
        if on_action is not None:
            on_action(pressed)
        return GridResult((), pressed)

    def press(self, page: AppTest, section: str, name: str, photo: Photo) -> AppTest:
        """Press, and run the page once more: the real grid hears of it before a run, this one within."""
        self.armed = (section, name, photo.id)
        pressed = self.after(page)
        return pressed if pressed.error else self.after(pressed)

    def after(self, page: AppTest) -> AppTest:
        """Run the page, and keep only what this run shows."""
        self.photos.clear()
        self.actions.clear()
        return page.run()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(search, "by_selfies", desk.by_selfies)
    monkeypatch.setattr(search, "refined", desk.refined)
    return desk


@pytest.fixture
def grids(monkeypatch: pytest.MonkeyPatch) -> Grids:
    grids = Grids()
    monkeypatch.setattr(shop, "photo_grid", grids.grid)
    return grids


@pytest.fixture
def event(backends: Backends) -> Event:
    return make_event(backends)


@pytest.fixture
def album(backends: Backends, event: Event) -> list[Photo]:
    """Four photos, one each hour."""
    return [
        make_photo(backends, event, taken_at=MORNING + timedelta(hours=n), face_count=n + 1) for n in range(4)
    ]


def hit(photo: Photo, certainty: float = 0.99) -> Hit:
    return Hit(photo, uuid4(), certainty)


def found(sure: Sequence[Photo] = (), maybe: Sequence[Photo] = (), searched: int = 4) -> Found:
    return Found([hit(photo) for photo in sure], [hit(photo, 0.6) for photo in maybe], searched)


def ids(shown: Sequence[Photo]) -> list[UUID]:
    return [photo.id for photo in shown]


def opened(event: Event, **query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=20)
    page._page_hash = calc_hash("find_me")  # `switch_page` knows files, not addresses
    page.query_params.update({"event": event.slug, **query})
    return page.run()


def agree(page: AppTest) -> AppTest:
    page.checkbox[0].check().run()
    return press(page, "Continue")


def give(page: AppTest, *selfies: bytes) -> AppTest:
    """Hand over pictures as files."""
    if page.segmented_control:
        page.segmented_control(key="way").set_value("Pictures I have").run()
    page.file_uploader[0].set_value(
        [(f"{n}.jpg", content, "image/jpeg") for n, content in enumerate(selfies)]
    )
    page = page.run()
    assert not page.exception
    return page


def result_page(event: Event, desk: Desk, result: Found, **query: str) -> AppTest:
    """The page of somebody who agreed, gave a selfie, and sees this."""
    desk.to_find.append(result)
    return give(agree(opened(event, **query)), make_jpeg("anna"))


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def texts(page: AppTest) -> str:
    """Everything that is written on the page."""
    written = [*page.subheader, *page.markdown, *page.text, *page.caption, *page.warning, *page.error]
    return "\n".join([block.proto.body for block in page.get("html")] + [str(one.value) for one in written])


def receipts(backends: Backends) -> list[ConsentReceipt]:
    with backends.reading() as session:
        return list(session.exec(select(ConsentReceipt).order_by(ConsentReceipt.given_at)))


# --- from consent to result ----------------------------------------------------------------


def test_a_selfie_finds_its_owners_photos_through_the_whole_house(backends, browser, event, grids, work):
    mine, other = (
        upload(backends, event, make_jpeg(who), by=owner_of(backends, event)) for who in ("anna", "ben")
    )
    approve(backends, mine, other)
    work()

    page = give(agree(opened(event)), make_jpeg("anna", size=(640, 480)))

    assert grids.photos == {"sure": [mine.id]}
    assert "Photos of you (1)" in texts(page)


def test_no_camera_and_no_file_before_the_consent(browser, event):
    page = opened(event)

    assert [*page.file_uploader, *page.camera_input, *page.segmented_control] == []
    assert [button.disabled for button in page.button if button.label == "Continue"] == [True]


def test_several_files_are_one_search(browser, event, album, desk, grids):
    desk.to_find.append(found(album[:1]))

    give(agree(opened(event)), *[make_jpeg("anna", seed=n) for n in range(3)])

    assert desk.selfies == [3]


def test_too_many_files_are_refused_kindly_and_let_go(browser, event, desk, grids):
    page = give(agree(opened(event)), *[make_jpeg("anna", seed=n) for n in range(6)])

    assert page.warning[0].value == "These are too many pictures at once. Choose at most 5."
    assert desk.selfies == []
    assert [one.value for one in page.file_uploader] == [[]]


def test_a_refused_selfie_can_be_followed_by_another(browser, event, album, desk, grids, monkeypatch):
    def refuse(*_: object, **__: object) -> Found:
        raise selfies.NoFace

    with monkeypatch.context() as patch:
        patch.setattr(search, "by_selfies", refuse)
        page = give(agree(opened(event)), make_jpeg())
    refusal = page.warning[0].value
    desk.to_find.append(found(album[:1]))
    page = give(page, make_jpeg("anna"))

    assert "could not see a face" in refusal
    assert not page.warning
    assert grids.photos == {"sure": ids(album[:1])}


def test_the_perhaps_ones_are_folded_below_the_sure_ones(browser, event, album, desk, grids):
    page = result_page(event, desk, found(album[:1], album[1:]))

    folded = page.expander[-1]
    assert (folded.label, folded.proto.expanded) == ("Perhaps you (3): have a look", False)
    assert grids.photos == {"sure": ids(album[:1]), "maybe": ids(album[1:])}


def test_they_are_open_when_nothing_is_sure(browser, event, album, desk, grids):
    page = result_page(event, desk, found([], album))

    assert page.expander[-1].proto.expanded is True
    assert "We are sure of no photo" in texts(page)


def test_an_empty_result_says_why(browser, event, desk, grids):
    page = result_page(event, desk, found(searched=4))
    nothing_yet = result_page(event, desk, found(searched=0))

    assert "We compared the face with 4 photos." in texts(page)
    assert "No photo is ready yet." in texts(nothing_yet)
    assert "Another selfie" in labels(page)


def test_a_photo_that_is_rejected_meanwhile_is_gone_at_the_next_look(
    backends, browser, event, album, desk, grids
):
    page = result_page(event, desk, found(album[:2], album[2:]))
    photos.review(backends, ids(album[1:3]), Review.REJECTED, by=owner_of(backends, event))

    grids.after(page)

    assert grids.photos == {"sure": ids(album[:1]), "maybe": ids(album[3:])}


@pytest.mark.parametrize("section", ["sure", "maybe"])
def test_photos_of_both_sections_go_into_the_cart(backends, browser, event, album, desk, grids, section):
    page = result_page(event, desk, found(album[:1], album[1:]))
    photo = album[0] if section == "sure" else album[2]

    grids.press(page, section, "cart", photo)

    assert carts.photo_ids(backends, Viewer(token_hash("visitor"))) == {photo.id}


# --- "this is me", "not me" ----------------------------------------------------------------


def test_a_sure_photo_can_be_disowned_and_a_perhaps_one_either_way(browser, event, album, desk, grids):
    result_page(event, desk, found(album[:1], album[1:]))

    assert grids.actions == {"sure": ["cart", "not_me"], "maybe": ["cart", "me", "not_me"]}


def test_a_verdict_refines_at_once_and_is_undone_one_by_one(browser, event, album, desk, grids):
    page = result_page(event, desk, found(album[:2], album[2:]))

    grids.press(page, "sure", "not_me", album[1])
    page = grids.press(page, "maybe", "me", album[2])
    refined, said = dict(grids.photos), texts(page)
    grids.photos.clear()
    page = press(page, "Undo")
    once = dict(grids.photos)
    grids.photos.clear()
    page = press(page, "Undo")

    assert refined == {"sure": ids([album[0], album[2]]), "maybe": ids(album[3:])}
    assert "Your answers: 1 yes, 1 no" in said
    assert once == {"sure": ids(album[:1]), "maybe": ids(album[2:])}
    assert grids.photos == {"sure": ids(album[:2]), "maybe": ids(album[2:])}
    assert "Undo" not in labels(page)


def test_the_later_word_on_a_photo_counts(browser, event, album, desk, grids):
    page = result_page(event, desk, found(album[:1], album[1:2]))

    grids.press(page, "maybe", "me", album[1])
    grids.press(page, "sure", "not_me", album[1])

    assert grids.photos == {"sure": ids(album[:1])}


def test_a_refusal_on_the_way_keeps_what_was_there(browser, event, album, desk, grids, monkeypatch):
    page = result_page(event, desk, found(album[:2]))

    def refuse(*_: object, **__: object) -> Found:
        raise selfies.NoFace

    monkeypatch.setattr(search, "refined", refuse)
    page = grids.press(page, "sure", "not_me", album[1])

    assert "could not see a face" in page.error[0].value
    assert grids.photos == {"sure": ids(album[:2])}
    assert "Undo" not in labels(page)


# --- more selfies, more people -------------------------------------------------------------


def test_another_selfie_adds_to_the_result_and_keeps_the_verdicts(browser, event, album, desk, grids):
    first, second = found(album[:1], album[1:2]), found(album[2:3], album[3:])
    page = result_page(event, desk, first)
    page = grids.press(page, "maybe", "me", album[1])
    desk.to_find.append(second)

    page = give(press(page, "Another selfie"), make_jpeg("anna"))

    assert set(grids.photos["sure"]) == set(ids(album[:3]))
    assert grids.photos["maybe"] == ids(album[3:])
    assert len(set(desk.receipts)) == 1
    assert "Your answers: 1 yes, 0 no" in texts(page)


def test_nobody_gives_more_selfies_than_one_search_takes(browser, event, album, desk, grids):
    desk.to_find.append(found(album))

    page = give(agree(opened(event)), *[make_jpeg("anna", seed=n) for n in range(search.MOST_SELFIES)])

    assert "Another selfie" not in labels(page)
    assert "With a friend" in labels(page)


def with_friend(backends: Backends, event: Event, desk: Desk, mine: Found, theirs: Found) -> AppTest:
    page = result_page(event, desk, mine)
    desk.to_find.append(theirs)
    return give(agree(press(page, "With a friend")), make_jpeg("ben"))


def test_a_friend_agrees_for_themselves_before_their_selfie(backends, browser, event, album, desk, grids):
    page = press(result_page(event, desk, found(album[:1])), "With a friend")

    assert [*page.file_uploader, *page.camera_input] == []
    page = agree(page)
    assert len({receipt.id for receipt in receipts(backends)}) == 2
    page = press(page, "Back to the photos")
    assert [receipt.withdrawn_at is None for receipt in receipts(backends)] == [True, False]
    assert grids.photos == {"sure": ids(album[:1])}


def test_a_group_sees_the_photos_of_all_of_any_and_of_each(backends, browser, event, album, desk, grids):
    page = with_friend(backends, event, desk, found(album[:2]), found(album[1:3]))
    seen = {}
    for who in ("all", "any", "1", "2"):
        page.segmented_control(key="who_2").set_value(who)
        grids.after(page)
        seen[who] = (set(grids.photos["sure"]), grids.actions["sure"])

    assert seen == {
        "all": (set(ids(album[1:2])), ["cart"]),
        "any": (set(ids(album[:3])), ["cart"]),
        "1": (set(ids(album[:2])), ["cart", "not_me"]),
        "2": (set(ids(album[1:3])), ["cart", "not_me"]),
    }
    assert page.query_params["who"] == "2"


def test_a_group_without_a_common_photo_is_told_where_to_look(backends, browser, event, album, desk, grids):
    page = with_friend(backends, event, desk, found(album[:1]), found(album[1:2]))

    assert "No photo with all of you yet" in texts(page)


def test_a_friend_is_removed_with_their_consent(backends, browser, event, album, desk, grids):
    page = with_friend(backends, event, desk, found(album[:2]), found(album[1:3]))

    page = press(page, "Remove Person 2")

    assert [receipt.withdrawn_at is None for receipt in receipts(backends)] == [True, False]
    assert grids.photos["sure"] == ids(album[:2])
    assert "Whose photos" not in [control.label for control in page.segmented_control]


def test_withdrawing_lets_go_of_everybody(backends, browser, event, album, desk, grids):
    page = with_friend(backends, event, desk, found(album[:2]), found(album[1:3]))

    page = press(page, "Withdraw consent")

    assert [receipt.withdrawn_at is None for receipt in receipts(backends)] == [False, False]
    assert "Continue" in labels(page)


def test_a_friend_does_not_become_you_when_your_consent_has_ended(
    backends, browser, event, album, desk, grids, monkeypatch
):
    page = with_friend(backends, event, desk, found(album[:2]), found(album[1:3]))
    page.segmented_control(key="who_2").set_value("1")

    def refuse(*_: object, **__: object) -> Found:
        raise consent.ConsentMissing  # withdrawn in another tab

    monkeypatch.setattr(search, "by_selfies", refuse)
    page = press(grids.after(page), "Another selfie")
    grids.photos.clear()
    page = give(page, make_jpeg("anna"))

    assert grids.photos == {}
    assert "Continue" in labels(page)
    assert [receipt.withdrawn_at is None for receipt in receipts(backends)] == [False, False]


def test_searching_again_asks_for_a_selfie_and_not_for_consent(browser, event, album, desk, grids):
    page = press(result_page(event, desk, found(album[:2])), "Search again")

    assert "Continue" not in labels(page)
    assert page.segmented_control(key="way") or page.file_uploader


# --- filters -------------------------------------------------------------------------------


def test_a_result_that_cannot_be_divided_has_no_filter(browser, event, album, desk, grids):
    page = result_page(event, desk, found(album[:1]))

    assert [*page.slider, *page.expander] == []


def test_a_span_of_time_is_asked_in_the_events_time_and_stays_in_the_address(
    browser, event, album, desk, grids
):
    page = result_page(event, desk, found(album))

    page.slider[0].set_value((datetime(2026, 10, 17, 9, 0), datetime(2026, 10, 17, 11, 15)))
    grids.after(page)

    assert grids.photos == {"sure": ids(album[1:])}
    assert page.query_params["from"] == "2026-10-17T09:00"
    assert "until" not in page.query_params


def test_filters_of_the_address_hold_from_the_start(backends, browser, event, desk, grids):
    other = make_account(backends)
    mine = make_photo(backends, event, face_count=1)
    theirs = make_photo(backends, event, face_count=2, uploaded_by=other.id)

    result_page(event, desk, found([mine, theirs]), by=str(other.id), company="group")

    assert grids.photos == {"sure": [theirs.id]}


def test_photographers_are_numbers_and_not_names(backends, browser, event, desk, grids):
    other = make_account(backends, name="Somchai Secret")
    page = result_page(
        event, desk, found([make_photo(backends, event), make_photo(backends, event, uploaded_by=other.id)])
    )

    assert page.pills[0].options == ["Photographer 1", "Photographer 2"]


def test_an_empty_filtered_result_says_what_to_loosen_and_can_be_cleared(browser, event, album, desk, grids):
    page = result_page(event, desk, found(album), company="group", until="2026-10-17T08:30")
    told = texts(page)
    grids.photos.clear()

    page = press(page, "Clear filters")

    assert "Loosen one filter to see photos again: the time or alone or in a group." in told
    assert grids.photos == {"sure": ids(album)}
    assert not {"company", "until"} & set(page.query_params)


@pytest.mark.parametrize("value", ["", "yesterday", "2026-10-17T08:30+07:00", "1999-01-01T00:00", "9" * 400])
def test_a_made_up_filter_in_the_address_hides_nothing(browser, event, album, desk, grids, value):
    names = ("from", "until", "by", "gallery", "company", "who")

    result_page(event, desk, found(album), **dict.fromkeys(names, value))

    assert grids.photos == {"sure": ids(album)}


def test_the_page_refines_what_the_selfies_found_and_not_what_was_refined(
    browser, event, album, desk, grids, monkeypatch
):
    asked = []

    def refined(_, event_id, original, mine, not_mine, **who) -> Found:
        asked.append((original, len(mine), len(not_mine)))
        return original

    result = found(album)
    page = result_page(event, desk, result)
    monkeypatch.setattr(search, "refined", refined)

    for photo in album[:2]:
        grids.press(page, "sure", "not_me", photo)

    assert asked == [(result, 0, 1), (result, 0, 2)]


def test_nobody_is_asked_to_agree_while_no_face_can_be_searched(browser, event, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise indexes.SearchAway

    monkeypatch.setattr(search, "require_ready", away)

    page = opened(event)

    assert "Continue" not in labels(page)
    assert "Not right now" in texts(page)
    assert not page.exception
