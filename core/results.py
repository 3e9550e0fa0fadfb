"""What a search found, and which of it to show. Pure: no pixels, no storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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


class Company(StrEnum):
    """How many people are in a photo."""

    ANY = "any"
    ALONE = "alone"
    GROUP = "group"


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
        raise NotImplementedError


def together(people: Sequence[Found], *, everyone: bool) -> Found:
    """Return the photos with all of several people, or with any of them.

    Two people in one photo are two faces; a photo is sure when it is sure for each of them.
    """
    raise NotImplementedError


def narrowed(found: Found, wish: Wish) -> Found:
    """Return the hits that are wished for."""
    raise NotImplementedError
