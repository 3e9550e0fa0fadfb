"""Results joined, narrowed and renewed: pure, by tables and by hypothesis."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import results
from core.results import Company, Found, Hit, Part, Wish
from models.photo import Photo

START = datetime(2026, 10, 17, 3, 0, tzinfo=UTC)


def photo(number: int, **fields: object) -> Photo:
    values = {"taken_at": START + timedelta(hours=number), "uploaded_by": 1, "gallery_id": 1, "face_count": 1}
    return Photo(id=UUID(int=number), created_at=START, **(values | fields))


def hit(number: int, certainty: float, face: int | None = None) -> Hit:
    """A photo by its number; its face has the same number unless another one matched."""
    return Hit(photo(number), UUID(int=1000 + (number if face is None else face)), certainty)


def found(sure: list[Hit] = (), maybe: list[Hit] = (), searched: int = 9) -> Found:
    return Found(list(sure), list(maybe), searched)


def shown(result: Found) -> tuple[list[int], list[int]]:
    """The numbers of the sure photos and of the others."""
    return [one.photo.id.int for one in result.sure], [one.photo.id.int for one in result.maybe]


# --- wishes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "fields", "is_included"),
    [
        (Wish(), {"taken_at": None, "face_count": None}, True),
        (Wish(taken_from=START), {"taken_at": START}, True),
        (Wish(taken_from=START), {"taken_at": START - timedelta(seconds=1)}, False),
        (Wish(taken_until=START), {"taken_at": START}, True),
        (Wish(taken_until=START), {"taken_at": START + timedelta(seconds=1)}, False),
        (Wish(taken_from=START), {"taken_at": None}, False),
        (Wish(photographer_ids=frozenset({1, 2})), {"uploaded_by": 2}, True),
        (Wish(photographer_ids=frozenset({1, 2})), {"uploaded_by": 3}, False),
        (Wish(gallery_ids=frozenset({7})), {"gallery_id": 7}, True),
        (Wish(gallery_ids=frozenset({7})), {"gallery_id": 8}, False),
        (Wish(company=Company.ALONE), {"face_count": 1}, True),
        (Wish(company=Company.ALONE), {"face_count": 2}, False),
        (Wish(company=Company.GROUP), {"face_count": 2}, True),
        (Wish(company=Company.GROUP), {"face_count": 1}, False),
        (Wish(gallery_ids=frozenset({7}), company=Company.GROUP), {"gallery_id": 7, "face_count": 1}, False),
    ],
)
def test_a_wish_includes_what_fits_all_its_parts(wish, fields, is_included):
    assert wish.includes(photo(1, **fields)) is is_included


WISHES = st.builds(
    Wish,
    taken_from=st.none() | st.integers(0, 9).map(lambda hours: START + timedelta(hours=hours)),
    taken_until=st.none() | st.integers(0, 9).map(lambda hours: START + timedelta(hours=hours)),
    photographer_ids=st.frozensets(st.integers(1, 3)),
    gallery_ids=st.frozensets(st.integers(1, 3)),
    company=st.sampled_from(Company),
)
FACTS = st.fixed_dictionaries(
    {
        "taken_at": st.none() | st.integers(0, 9).map(lambda hours: START + timedelta(hours=hours)),
        "uploaded_by": st.integers(1, 3),
        "gallery_id": st.integers(1, 3),
        "face_count": st.integers(1, 4),
    }
)


@given(WISHES, FACTS)
def test_leaving_out_a_part_never_hides_a_photo(wish, facts):
    one = photo(1, **facts)

    looser = [wish.without(part).includes(one) for part in Part]

    assert all(looser) or not wish.includes(one)


@given(WISHES)
def test_a_wish_without_all_its_parts_says_nothing(wish):
    for part in wish.parts:
        wish = wish.without(part)

    assert wish == Wish()


def test_a_result_is_narrowed_in_both_sections_and_keeps_its_order():
    result = found([hit(3, 0.99), hit(1, 0.98)], [hit(2, 0.6), hit(5, 0.5)])

    narrowed = results.narrowed(result, Wish(taken_until=START + timedelta(hours=2)))

    assert narrowed == found([hit(1, 0.98)], [hit(2, 0.6)])


@pytest.mark.parametrize(
    ("second", "parts"),
    [
        ({"taken_at": START}, []),
        ({"taken_at": None}, []),
        ({"taken_at": START + timedelta(minutes=1)}, [Part.TIME]),
        ({"taken_at": START, "uploaded_by": 2, "gallery_id": 2}, [Part.PHOTOGRAPHER, Part.GALLERY]),
        ({"taken_at": START, "face_count": 3}, [Part.COMPANY]),
    ],
)
def test_only_what_divides_a_result_can_be_wished_for(second, parts):
    hits = [Hit(photo(n, **fields), UUID(int=n), 0.9) for n, fields in ((0, {}), (1, second))]

    assert results.dividing(found(hits[:1], hits[1:])) == parts


def test_the_parts_that_alone_hide_everything_are_named():
    result = found([hit(1, 0.99)])
    late, elsewhere = START + timedelta(hours=8), frozenset({5})

    named = [
        results.hindering(result, Wish(taken_from=late)),
        results.hindering(result, Wish(taken_from=START, gallery_ids=elsewhere)),
        results.hindering(result, Wish(taken_from=late, gallery_ids=elsewhere)),
    ]

    assert named == [[Part.TIME], [Part.GALLERY], []]


def test_what_may_no_longer_be_shown_is_gone_and_the_rest_is_as_it_is_now():
    result = found([hit(1, 0.99), hit(2, 0.98)], [hit(3, 0.5)])
    now = photo(3, filename="renamed.jpg")

    renewed = results.renewed(result, {UUID(int=1): photo(1), UUID(int=3): now})

    assert shown(renewed) == ([1], [3])
    assert renewed.maybe[0].photo is now


# --- several results -----------------------------------------------------------------------


def test_the_results_of_two_selfies_are_joined_and_the_better_one_counts():
    first = found([hit(1, 0.97)], [hit(2, 0.6), hit(3, 0.5)], searched=9)
    second = found([hit(2, 0.98)], [hit(1, 0.7), hit(3, 0.8, face=33)], searched=10)

    merged = results.merged([first, second])

    assert merged == found([hit(2, 0.98), hit(1, 0.97)], [hit(3, 0.8, face=33)], searched=10)


@pytest.mark.parametrize(
    ("anna", "ben", "all_of_them"),
    [
        (found([hit(1, 0.99, 1)]), found([hit(1, 0.98, 2)]), found([hit(1, 0.98, 2)])),
        (found([hit(1, 0.99, 1)]), found([], [hit(1, 0.7, 2)]), found([], [hit(1, 0.7, 2)])),
        (found([hit(1, 0.99, 1)]), found([hit(1, 0.98, 1)]), found()),
        (found([hit(1, 0.99, 1)]), found([hit(2, 0.99, 2)]), found()),
        (found([hit(1, 0.99, 1)]), found(), found()),
    ],
    ids=["both are sure", "one is not", "one face is not two people", "other photos", "one is in none"],
)
def test_a_photo_is_of_both_when_two_faces_of_it_are_theirs(anna, ben, all_of_them):
    assert results.together([anna, ben], everyone=True) == all_of_them


def test_a_photo_is_of_any_when_one_of_them_is_in_it():
    anna, ben = found([hit(1, 0.99, 1)], [hit(2, 0.6, 3)]), found([hit(3, 0.97)], [hit(1, 0.7, 2)])

    assert results.together([anna, ben], everyone=False) == found(
        [hit(1, 0.99, 1), hit(3, 0.97)], [hit(2, 0.6, 3)]
    )


def test_nobody_is_in_no_photo():
    assert results.together([], everyone=True) == results.together([], everyone=False) == found(searched=0)


@st.composite
def outcomes(draw: st.DrawFn) -> Found:
    """The result of some search: each photo once, each section best first."""
    numbers = draw(st.lists(st.integers(1, 8), unique=True))
    hits = [hit(n, draw(st.floats(0, 1)), draw(st.integers(10 * n, 10 * n + 2))) for n in numbers]
    hits.sort(key=lambda one: -one.certainty)
    is_sure = draw(st.lists(st.booleans(), min_size=len(hits), max_size=len(hits)))
    graded = list(zip(hits, is_sure, strict=True))
    return found([one for one, sure in graded if sure], [one for one, sure in graded if not sure])


@given(st.lists(outcomes(), max_size=4), st.booleans())
def test_a_joint_result_shows_a_photo_once_and_best_first(people, everyone):
    result = results.together(people, everyone=everyone)

    ids = [one.photo.id for one in result.hits]
    assert len(ids) == len(set(ids))
    for section in (result.sure, result.maybe):
        certainties = [one.certainty for one in section]
        assert certainties == sorted(certainties, reverse=True)


@given(st.lists(outcomes(), min_size=1, max_size=4))
def test_all_of_them_are_in_no_more_photos_and_no_more_surely_than_any(people):
    of_all, of_any = results.together(people, everyone=True), results.together(people, everyone=False)

    assert set(shown(of_all)[0]) <= set(shown(of_any)[0])
    assert {one.photo.id for one in of_all.hits} <= {one.photo.id for one in of_any.hits}
    assert {one.photo.id for one in of_any.hits} == {one.photo.id for each in people for one in each.hits}


@given(outcomes())
def test_one_person_alone_is_their_own_group_and_a_selfie_twice_changes_nothing(result):
    assert results.together([result], everyone=True) == results.merged([result, result]) == result


@given(st.lists(outcomes(), max_size=4), st.randoms())
def test_the_order_of_selfies_does_not_matter_but_for_equals(several, random):
    shuffled = random.sample(several, len(several))

    first, second = results.merged(several), results.merged(shuffled)

    assert set(shown(first)[0]) == set(shown(second)[0])
    assert sorted(one.certainty for one in first.hits) == sorted(one.certainty for one in second.hits)
