"""Photos for programs: what visitors see, what members see and do, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from core import members, photo_lists, sharing
from core.imaging import RENDITIONS
from models.account import Role
from models.event import EventStatus, Gallery, MemberRole, Visibility
from models.photo import Photo, Review, Stage
from tests.makers import (
    gallery_of,
    make_account,
    make_event,
    make_jpeg,
    make_member,
    make_photo,
    owner_of,
    some_id,
)

NOON = datetime(2026, 10, 17, 12, tzinfo=UTC)


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def owner(backends, event, bearer) -> dict[str, str]:
    """The header of the organiser's program."""
    return bearer(owner_of(backends, event))


@pytest.fixture
def stranger(backends, bearer) -> dict[str, str]:
    """The header of another event's organiser."""
    return bearer(owner_of(backends, make_event(backends)))


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def row(backends, photo) -> Photo | None:
    with backends.reading() as session:
        return session.get(Photo, photo.id)


def refusal(answer) -> tuple[int, str]:
    assert answer.json()["status_code"] == answer.status_code
    return answer.status_code, answer.json()["error"]


def hidden_ones(backends, event) -> list[Photo]:
    """A photo in every state that visitors do not see."""
    return [
        make_photo(backends, event, stage=Stage.UPLOADED),
        make_photo(backends, event, stage=Stage.RENDERED),
        make_photo(backends, event, review=Review.PENDING),
        make_photo(backends, event, review=Review.REJECTED),
        make_photo(backends, event, removed_at=NOON),
    ]


# --- what visitors see ---------------------------------------------------------------------


def test_anybody_lists_the_public_photos_of_a_listed_event(backends, api, event):
    photo = make_photo(backends, event, filename="IMG_7.jpg", face_count=2, taken_at=NOON)
    hidden_ones(backends, event)
    make_photo(backends, make_event(backends))

    answer = api.get(f"events/{event.id}/photos")

    assert ids(answer) == [str(photo.id)]
    shown = answer.json()["items"][0]
    assert {name: value for name, value in shown.items() if name not in ("created_at", "renditions")} == {
        "id": str(photo.id),
        "event_id": event.id,
        "gallery_id": photo.gallery_id,
        "filename": "IMG_7.jpg",
        "width": 320,
        "height": 240,
        "taken_at": "2026-10-17T12:00:00Z",
        "stage": "indexed",
        "review": "approved",
        "face_count": 2,
        "price_amount": 12_000,
        "currency": "THB",
        "uploaded_by": None,
    }
    assert [(one["name"], one["longest_side"]) for one in shown["renditions"]] == [
        ("150", 150),
        ("300", 300),
        ("800", 320),
        ("1600", 320),
    ]


def test_the_renditions_are_those_that_are_made():
    assert {name.value: int(name.value) for name in photo_lists.RenditionName} == RENDITIONS


def test_the_addresses_that_visitors_get_work_without_a_cookie(backends, api, event, visitor):
    photo = make_photo(backends, event)
    by_link = make_event(backends, visibility=Visibility.BY_LINK)
    shared = make_photo(backends, by_link)
    opened(backends, api, by_link, visitor)

    renditions = [
        *api.get(f"photos/{photo.id}").json()["renditions"],
        *api.get(f"photos/{shared.id}", headers=visitor).json()["renditions"],
    ]

    assert len(renditions) == 8
    for one in renditions:
        assert one["url"].startswith("http://localhost:8501/img/")
        assert api.get(one["url"]).headers["content-type"] == "image/jpeg"


def opened(backends, api, event, headers, gallery_id: int | None = None) -> None:
    """Somebody opens a share link."""
    from core.access import Viewer
    from core.signing import token_hash

    link = sharing.create(backends, event.id, by=owner_of(backends, event), gallery_id=gallery_id)
    token = sharing.address(backends, link).partition("share=")[2]
    sharing.open_link(backends, token, by=Viewer(token_hash(headers["X-Visitor"])))


def test_photos_come_page_by_page_by_the_time_they_were_taken(backends, api, event):
    photos = [make_photo(backends, event, taken_at=NOON + timedelta(hours=number % 3)) for number in range(7)]
    untimed = make_photo(backends, event, taken_at=None, created_at=NOON - timedelta(days=1))
    in_order = [str(one.id) for one in sorted(photos, key=lambda one: (one.taken_at, one.id))]

    for sort, expected in (
        ("taken_at", [str(untimed.id), *in_order]),
        ("-taken_at", [*reversed(in_order), str(untimed.id)]),
    ):
        seen, cursor = [], None
        while True:
            params = {"limit": 3, "sort": sort} | ({"cursor": cursor} if cursor else {})
            answer = api.get(f"events/{event.id}/photos", params=params)
            seen += ids(answer)
            if not (cursor := answer.json()["next_cursor"]):
                break
        assert seen == expected


def test_a_cursor_of_another_order_is_refused(backends, api, event):
    for _ in range(2):
        make_photo(backends, event)
    cursor = api.get(f"events/{event.id}/photos", params={"limit": 1}).json()["next_cursor"]

    answer = api.get(f"events/{event.id}/photos", params={"cursor": cursor, "sort": "-taken_at"})

    assert refusal(answer) == (422, "CursorUnknown")


def test_photos_are_chosen_by_time_and_gallery(backends, api, event):
    with backends.transaction() as session:
        session.add(finish := Gallery(event_id=event.id, name="Finish", position=1))
    early = make_photo(backends, event, taken_at=NOON)
    late = make_photo(backends, event, taken_at=NOON + timedelta(hours=2), gallery_id=finish.id)
    untimed = make_photo(backends, event, taken_at=None)

    def chosen(**params) -> set[str]:
        return set(ids(api.get(f"events/{event.id}/photos", params=params)))

    assert chosen() == {str(one.id) for one in (early, late, untimed)}
    assert chosen(taken_from="2026-10-17T21:00:00+07:00") == {str(late.id)}
    assert chosen(taken_from="2026-10-17T12:00:00Z", taken_until="2026-10-17T12:00:00Z") == {str(early.id)}
    assert chosen(gallery_id=finish.id) == {str(late.id)}
    assert chosen(gallery_id=990_001) == set()


@pytest.mark.parametrize(
    "params",
    [
        {"taken_from": "2026-10-17T12:00:00"},
        {"taken_from": "9999-12-31T23:59:59-14:00"},
        {"taken_until": "0001-01-01T00:00:00+14:00"},
        {"taken_until": "yesterday"},
        {"gallery_id": 10**30},
        {"gallery_id": 0},
        {"sort": "size"},
        {"limit": 0},
        {"cursor": "nonsense"},
    ],
)
def test_filters_that_mean_nothing_are_refused(api, event, params):
    assert api.get(f"events/{event.id}/photos", params=params).status_code == 422


@pytest.mark.parametrize(
    "params", [{"taken_from": "0001-01-01T00:00:00Z"}, {"taken_until": "9999-12-31T23:59:59Z"}]
)
def test_the_ends_of_the_calendar_are_times(backends, api, event, params):
    photo = make_photo(backends, event)

    assert ids(api.get(f"events/{event.id}/photos", params=params)) == [str(photo.id)]


def test_an_event_by_link_is_seen_by_who_opened_one_as_far_as_it_reaches(backends, api, visitor):
    event = make_event(backends, visibility=Visibility.BY_LINK)
    with backends.transaction() as session:
        session.add(finish := Gallery(event_id=event.id, name="Finish", position=1))
    within = make_photo(backends, event, gallery_id=finish.id)
    beyond = make_photo(backends, event)
    opened(backends, api, event, visitor, gallery_id=finish.id)

    assert ids(api.get(f"events/{event.id}/photos", headers=visitor)) == [str(within.id)]
    assert ids(api.get(f"events/{event.id}/photos?gallery_id={beyond.gallery_id}", headers=visitor)) == []
    assert api.get(f"photos/{within.id}", headers=visitor).status_code == 200
    assert refusal(api.get(f"photos/{beyond.id}", headers=visitor)) == (404, "NoSuchPhoto")
    assert refusal(api.get(f"photos/{beyond.id}/renditions/300", headers=visitor)) == (404, "NoSuchPhoto")
    assert refusal(api.get(f"photos/{within.id}")) == (404, "NoSuchPhoto")
    other = {"X-Visitor": "w" * 43}
    assert refusal(api.get(f"events/{event.id}/photos", headers=other)) == (404, "NoSuchEvent")


def test_what_is_not_public_is_not_there_for_visitors_and_strangers(backends, api, event, visitor, stranger):
    closed = make_event(backends, status=EventStatus.CLOSED)
    unseen = [*(one.id for one in hidden_ones(backends, event)), make_photo(backends, closed).id, some_id()]

    for headers in ({}, visitor, stranger):
        for photo_id in unseen:
            for url in (f"photos/{photo_id}", f"photos/{photo_id}/renditions/300"):
                assert refusal(api.get(url, headers=headers)) == (404, "NoSuchPhoto")


def test_an_event_that_is_not_there_has_no_photos(backends, api, visitor):
    draft = make_event(backends, status=EventStatus.DRAFT)

    for event_id in (draft.id, 990_001):
        assert refusal(api.get(f"events/{event_id}/photos", headers=visitor)) == (404, "NoSuchEvent")


# --- renditions ----------------------------------------------------------------------------


def test_a_rendition_is_a_jpeg_that_is_sent_once(backends, api, event):
    content = make_jpeg(seed=7)
    photo = make_photo(backends, event, content)
    url = f"photos/{photo.id}/renditions/300"

    first = api.get(url)
    tag = first.headers["etag"]

    assert (first.content, first.headers["content-type"]) == (content, "image/jpeg")
    assert "private" in first.headers["cache-control"]
    for known in (tag, f'"other", {tag}', "*"):
        again = api.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert api.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_there_are_renditions_of_known_sizes_only_and_no_originals(backends, api, event, owner):
    photo = make_photo(backends, event)

    for name in ("original", "2000", "..%2F..%2Foriginals", "0150"):
        assert api.get(f"photos/{photo.id}/renditions/{name}", headers=owner).status_code in (404, 422)
    assert api.get(f"photos/{photo.id}/original", headers=owner).status_code == 404


def test_a_photo_without_renditions_yet_has_none_to_send(backends, api, event, owner):
    photo = make_photo(backends, event, stage=Stage.UPLOADED)
    backends.objects.delete([photo.rendition_key("300")])

    assert api.get(f"photos/{photo.id}", headers=owner).json()["renditions"] == []
    assert api.get(f"photos/{photo.id}/renditions/300", headers=owner).status_code == 404


# --- what members see ----------------------------------------------------------------------


def test_who_reviews_or_uploaded_a_photo_sees_it_in_any_state_at_addresses_for_programs(
    backends, api, event, owner, bearer
):
    photographer = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    waiting = make_photo(backends, event, review=Review.PENDING, uploaded_by=photographer.id)

    for headers in (owner, bearer(photographer), bearer(make_account(backends, Role.ADMIN))):
        shown = api.get(f"photos/{waiting.id}", headers=headers).json()

        assert (shown["review"], shown["uploaded_by"]) == ("pending", photographer.id)
        for one in shown["renditions"]:
            assert api.get(one["url"], headers=headers).headers["content-type"] == "image/jpeg"
            assert api.get(one["url"]).status_code == 404


@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR])
def test_other_members_see_what_is_public(backends, api, event, bearer, role):
    member, photo = bearer(make_member(backends, event, role)), make_photo(backends, event)

    assert api.get(f"photos/{photo.id}", headers=member).json()["uploaded_by"] == event.created_by
    for hidden in hidden_ones(backends, event):
        for url in (f"photos/{hidden.id}", f"photos/{hidden.id}/renditions/1600"):
            assert refusal(api.get(url, headers=member)) == (404, "NoSuchPhoto")


def test_a_photographer_who_left_sees_no_photo_that_is_not_public(backends, api, event, bearer):
    photographer = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    waiting = make_photo(backends, event, review=Review.PENDING, uploaded_by=photographer.id)

    members.remove(backends, event.id, photographer.id, by=owner_of(backends, event))

    answer = api.get(f"photos/{waiting.id}", headers=bearer(photographer))
    assert refusal(answer) == (404, "NoSuchPhoto")


def test_a_removed_photo_is_gone_for_members_too(backends, api, event, owner):
    removed = make_photo(backends, event, removed_at=NOON)

    assert refusal(api.get(f"photos/{removed.id}", headers=owner)) == (404, "NoSuchPhoto")
    assert ids(api.get(f"events/{event.id}/uploads", headers=owner)) == []


def test_reviewers_list_every_upload_and_photographers_their_own(backends, api, event, owner, bearer):
    photographer = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    first = make_photo(backends, event, stage=Stage.UPLOADED, created_at=NOON)
    second = make_photo(backends, event, uploaded_by=photographer.id, created_at=NOON + timedelta(hours=1))
    url, own = f"events/{event.id}/uploads", bearer(photographer)

    assert ids(api.get(url, headers=owner)) == [str(second.id), str(first.id)]
    assert ids(api.get(url, headers=bearer(make_account(backends, Role.ADMIN)))) == ids(
        api.get(url, headers=owner)
    )
    assert ids(api.get(url, headers=own)) == [str(second.id)]
    assert ids(api.get(url, params={"uploaded_by": event.created_by}, headers=own)) == []
    first_page = api.get(url, params={"limit": 1}, headers=owner).json()
    rest = api.get(url, params={"limit": 1, "cursor": first_page["next_cursor"]}, headers=owner)
    assert ids(rest) == [str(first.id)]


def test_uploads_are_chosen_by_what_became_of_them(backends, api, event, owner):
    new = make_photo(backends, event, stage=Stage.UPLOADED, review=Review.PENDING)
    bad = make_photo(backends, event, review=Review.REJECTED)
    url = f"events/{event.id}/uploads"

    def chosen(**params) -> list[str]:
        return ids(api.get(url, params=params, headers=owner))

    assert chosen(stage="uploaded") == chosen(review="pending") == [str(new.id)]
    assert chosen(review="rejected", stage="indexed") == [str(bad.id)]
    assert chosen(review="rejected", stage="uploaded") == []
    assert len(chosen(gallery_id=gallery_of(backends, event).id, uploaded_by=event.created_by)) == 2
    assert chosen(uploaded_by=990_001) == []
    assert api.get(url, params={"stage": "done"}, headers=owner).status_code == 422


def test_uploads_are_for_those_who_upload_or_review(backends, api, event, visitor, stranger, bearer):
    url = f"events/{event.id}/uploads"

    assert refusal(api.get(url)) == refusal(api.get(url, headers=visitor)) == (401, "SignInNeeded")
    assert refusal(api.get(url, headers=stranger)) == (404, "NoSuchEvent")
    assert refusal(api.get("events/990001/uploads", headers=stranger)) == (404, "NoSuchEvent")
    for role in (MemberRole.ANALYST, MemberRole.DOOR):
        answer = api.get(url, headers=bearer(make_member(backends, event, role)))
        assert refusal(answer) == (403, "Forbidden")


# --- verdicts and the end ------------------------------------------------------------------


def test_a_verdict_says_what_was_before(backends, api, event, owner):
    photo = make_photo(backends, event, review=Review.PENDING)

    answer = api.put(f"photos/{photo.id}/review", json={"review": "approved"}, headers=owner)

    assert answer.json() == {"photo_id": str(photo.id), "review": "approved", "before": "pending"}
    assert row(backends, photo).review is Review.APPROVED


def test_many_photos_get_one_verdict(backends, api, event, owner):
    photos = [make_photo(backends, event, review=review) for review in Review]
    sent = {"photo_ids": [str(photo.id) for photo in photos] * 2, "review": "rejected"}

    answer = api.post("photos/review", json=sent, headers=owner)

    before = {item["photo_id"]: item["before"] for item in answer.json()["items"]}
    assert before == {str(photo.id): photo.review.value for photo in photos}
    assert {row(backends, photo).review for photo in photos} == {Review.REJECTED}


def test_a_deleted_photo_is_gone_at_once(backends, api, event, owner, work):
    photo, *others = [make_photo(backends, event) for _ in range(3)]

    answers = [
        api.delete(f"photos/{photo.id}", headers=owner),
        api.post("photos/delete", json={"photo_ids": [str(one.id) for one in others]}, headers=owner),
    ]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert ids(api.get(f"events/{event.id}/photos")) == []
    assert refusal(api.delete(f"photos/{photo.id}", headers=owner)) == (404, "NoSuchPhoto")
    work()
    assert list(backends.objects.keys("")) == []
    assert refusal(api.delete(f"photos/{photo.id}", headers=owner)) == (404, "NoSuchPhoto")


def several(photo_ids: list) -> list[tuple[str, dict]]:
    named = [str(photo_id) for photo_id in photo_ids]
    return [
        ("photos/review", {"photo_ids": named, "review": "rejected"}),
        ("photos/delete", {"photo_ids": named}),
    ]


def test_photos_that_are_not_all_there_are_left_alone(backends, api, event, owner):
    mine, theirs = make_photo(backends, event), make_photo(backends, make_event(backends))

    for other in (theirs.id, some_id()):
        for url, sent in several([mine.id, other]):
            assert refusal(api.post(url, json=sent, headers=owner)) == (404, "NoSuchPhoto")

    assert (row(backends, mine).review, row(backends, mine).removed_at) == (Review.APPROVED, None)


@pytest.mark.parametrize("photo_ids", [[], [str(some_id())] * 501, ["1"], None])
def test_lists_of_photos_are_neither_empty_nor_endless(api, owner, photo_ids):
    for url, sent in several([]):
        assert api.post(url, json=sent | {"photo_ids": photo_ids}, headers=owner).status_code == 422


def test_nothing_else_of_a_photo_can_be_set(backends, api, event, owner):
    photo = make_photo(backends, event)

    for sent in ({"review": "approved", "price_amount": 0}, {"review": "sold"}, {}):
        assert api.put(f"photos/{photo.id}/review", json=sent, headers=owner).status_code == 422


def judged(api, photo_id, headers) -> set[tuple[int, str]]:
    answers = [
        api.put(f"photos/{photo_id}/review", json={"review": "rejected"}, headers=headers),
        api.delete(f"photos/{photo_id}", headers=headers),
        *(api.post(url, json=sent, headers=headers) for url, sent in several([photo_id])),
    ]
    return {refusal(answer) for answer in answers}


def test_only_reviewers_judge_and_delete(backends, api, event, visitor, stranger, bearer):
    photo = make_photo(backends, event)

    assert judged(api, photo.id, {}) == judged(api, photo.id, visitor) == {(401, "SignInNeeded")}
    assert judged(api, photo.id, stranger) == judged(api, some_id(), stranger) == {(404, "NoSuchPhoto")}
    for role in (MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR):
        assert judged(api, photo.id, bearer(make_member(backends, event, role))) == {(403, "Forbidden")}
    assert (row(backends, photo).review, row(backends, photo).removed_at) == (Review.APPROVED, None)
