"""What a search found, and which of it to show. Pure: no pixels, no storage."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from models.photo import Photo


@dataclass(frozen=True)
class Hit:
    """A photo that was found, by the face in it that matched best."""

    photo: Photo
    face_id: UUID
    certainty: float  # 0..1, the chance that it is the person


@dataclass(frozen=True)
class Found:
    """What a search shows, best first; a photo is in one of the two lists."""

    sure: Sequence[Hit]
    maybe: Sequence[Hit]
    searched_photos: int  # public photos that were looked at
    index_id: int | None = None  # in which the face ids mean something; None: in several

    @property
    def hits(self) -> Sequence[Hit]:
        """Every photo that is shown, the sure ones first."""
        return (*self.sure, *self.maybe)


class SeenFace(NamedTuple):
    """What is left of a hit when its photo is put away."""

    face_id: UUID
    certainty: float


@dataclass(frozen=True)
class Remembered:
    """As much of what a search showed as it takes to refine it."""

    hits: Sequence[SeenFace]
    index_id: int | None


class Company(StrEnum):
    """How many people are in a photo."""

    ANY = "any"
    ALONE = "alone"
    GROUP = "group"

    @classmethod
    def of(cls, photo: Photo) -> "Company":
        """Return whether somebody is alone in a photo, as far as its faces were found."""
        return cls.GROUP if (photo.face_count or 0) > 1 else cls.ALONE


class Part(StrEnum):
    """What a wish may be about."""

    TIME = "time"
    PHOTOGRAPHER = "photographer"
    GALLERY = "gallery"
    COMPANY = "company"


@dataclass(frozen=True)
class Wish:
    """Which of the found photos to show; an empty set is every one."""

    taken_from: datetime | None = None
    taken_until: datetime | None = None
    photographer_ids: frozenset[int] = frozenset()
    gallery_ids: frozenset[int] = frozenset()
    company: Company = Company.ANY

    def includes(self, photo: Photo) -> bool:
        """The photo is one of those wished for; one without a time is in no span of time."""
        return (
            self._spans(photo.taken_at)
            and (not self.photographer_ids or photo.uploaded_by in self.photographer_ids)
            and (not self.gallery_ids or photo.gallery_id in self.gallery_ids)
            and self.company in (Company.ANY, Company.of(photo))
        )

    def without(self, part: Part) -> "Wish":
        """Return the same wish with nothing said about one part."""
        match part:
            case Part.TIME:
                return replace(self, taken_from=None, taken_until=None)
            case Part.PHOTOGRAPHER:
                return replace(self, photographer_ids=frozenset())
            case Part.GALLERY:
                return replace(self, gallery_ids=frozenset())
            case Part.COMPANY:
                return replace(self, company=Company.ANY)

    @property
    def parts(self) -> Sequence[Part]:
        """What it says something about."""
        return [part for part in Part if self.without(part) != self]

    def _spans(self, taken_at: datetime | None) -> bool:
        if self.taken_from is None and self.taken_until is None:
            return True
        return (
            taken_at is not None
            and (self.taken_from is None or self.taken_from <= taken_at)
            and (self.taken_until is None or taken_at <= self.taken_until)
        )


def merged(several: Iterable[Found]) -> Found:
    """Return the photos that any of several searches found.

    A photo that is sure in one is sure, and its best certainty counts. So the results of one person's
    successive selfies become one: the selfies themselves are gone by then, and cannot be searched together.
    """
    results = list(several)
    best: dict[UUID, tuple[bool, Hit]] = {}
    for found in results:
        for is_sure, hit in _graded(found):
            known = best.get(hit.photo.id)
            if known is None or (is_sure, hit.certainty) > (known[0], known[1].certainty):
                best[hit.photo.id] = (is_sure, hit)
    return _sorted(best.values(), results)


def together(people: Sequence[Found], *, everyone: bool) -> Found:
    """Return the photos with all of several people, or with any of them.

    Two people in one photo are two faces; a photo with all is sure when it is sure for each of them, and is
    as certain as the least certain of them, whose face it names.
    """
    if not everyone or not people:
        return merged(people)
    by_photo = [{hit.photo.id: (is_sure, hit) for is_sure, hit in _graded(found)} for found in people]
    shared = []
    for photo_id in by_photo[0]:
        grades = [hits[photo_id] for hits in by_photo if photo_id in hits]
        if len({hit.face_id for _, hit in grades}) == len(people):
            least = min((hit for _, hit in grades), key=lambda hit: hit.certainty)
            shared.append((all(is_sure for is_sure, _ in grades), least))
    return _sorted(shared, people)


def narrowed(found: Found, wish: Wish) -> Found:
    """Return the hits that are wished for."""
    return _kept(found, lambda hit: wish.includes(hit.photo))


def renewed(found: Found, shown: Mapping[UUID, Photo]) -> Found:
    """Return the hits whose photos may still be shown, with the photos as they are now."""
    still = _kept(found, lambda hit: hit.photo.id in shown)
    return replace(
        still,
        sure=[replace(hit, photo=shown[hit.photo.id]) for hit in still.sure],
        maybe=[replace(hit, photo=shown[hit.photo.id]) for hit in still.maybe],
    )


def dividing(found: Found) -> Sequence[Part]:
    """Return what a wish can be about so that it shows some of these photos and not others."""
    photos = [hit.photo for hit in found.hits]
    kinds: Mapping[Part, Callable[[Photo], object]] = {
        Part.TIME: lambda photo: photo.taken_at,
        Part.PHOTOGRAPHER: lambda photo: photo.uploaded_by,
        Part.GALLERY: lambda photo: photo.gallery_id,
        Part.COMPANY: Company.of,
    }
    return [part for part, kind in kinds.items() if len({kind(photo) for photo in photos} - {None}) > 1]


def hindering(found: Found, wish: Wish) -> Sequence[Part]:
    """Return the parts of a wish that shows nothing, each of which alone would let something through."""
    return [part for part in wish.parts if narrowed(found, wish.without(part)).hits]


def _graded(found: Found) -> list[tuple[bool, Hit]]:
    return [(True, hit) for hit in found.sure] + [(False, hit) for hit in found.maybe]


def _sorted(graded: Iterable[tuple[bool, Hit]], searches: Sequence[Found]) -> Found:
    ranked = sorted(graded, key=lambda grade: -grade[1].certainty)
    index_ids = {found.index_id for found in searches if found.hits}
    return Found(
        [hit for is_sure, hit in ranked if is_sure],
        [hit for is_sure, hit in ranked if not is_sure],
        max((found.searched_photos for found in searches), default=0),
        index_ids.pop() if len(index_ids) == 1 else None,
    )


def _kept(found: Found, is_wanted: Callable[[Hit], bool]) -> Found:
    return replace(
        found, sure=list(filter(is_wanted, found.sure)), maybe=list(filter(is_wanted, found.maybe))
    )
