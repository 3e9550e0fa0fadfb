"""A set of people to measure with: `selfies/`, `photos/` and `truth.json`, read and checked before any work.

`truth.json` holds `people`: for each a `selfie` and the `photos` that show them, as paths below the set's
folder. It may hold `strangers`, how many people are in the photos who are not named, and `boxes`: for a
photo, all faces in it as `box`, [left, top, right, bottom] in pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from core import filetypes

HEAD = 512  # bytes that tell what a file is


class DatasetError(ValueError):
    """The set cannot be measured with; the message is a sentence for the one who named it."""


class Person(BaseModel):
    """Somebody who searches; paths below the set's folder."""

    selfie: str
    photos: list[str] = Field(min_length=1)


class Face(BaseModel):
    """A face that is known to be in a photo."""

    box: tuple[float, float, float, float]  # left, top, right, bottom in pixels


class Truth(BaseModel):
    """What `truth.json` says, as far as it is measured."""

    people: dict[str, Person]
    strangers: int = 0
    boxes: dict[str, list[Face]] = {}


@dataclass(frozen=True)
class Dataset:
    """A set that has been checked: every file it names is there, and everybody is in some photo."""

    folder: Path
    people: Sequence[Person]
    photos: Sequence[str]  # all of them, in order, as paths below the folder
    strangers: int
    boxes: Mapping[str, Sequence[Face]]  # of some photos, or none

    def own(self, person: Person) -> frozenset[int]:
        """Return the numbers of a person's photos, counted as in `photos`."""
        return frozenset(self.photos.index(name) for name in person.photos)


def read(folder: Path) -> Dataset:
    """Return the set in a folder. Raises DatasetError."""
    try:
        return _read(folder)
    except OSError as error:
        raise DatasetError(f"{error.filename or folder} cannot be read: {error.strerror}.") from error


def _read(folder: Path) -> Dataset:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder; a set holds truth.json, photos/ and selfies/.")
    truth = _truth(folder / "truth.json")
    photos = _photos(folder)
    for name, person in truth.people.items():
        for photo in person.photos:
            if photo not in photos:
                raise DatasetError(f"{photo}, which truth.json names for {name}, is not in {folder}.")
        if not (folder / person.selfie).is_file():
            raise DatasetError(f"{person.selfie}, the selfie of {name}, is not in {folder}.")
        _require_picture(folder / person.selfie)
    return Dataset(folder, list(truth.people.values()), photos, truth.strangers, truth.boxes)


def _truth(path: Path) -> Truth:
    if not path.is_file():
        raise DatasetError(f"{path.parent} has no truth.json, which says who is in which photo.")
    try:
        truth = Truth.model_validate_json(path.read_bytes())
    except ValidationError as refusal:
        first = refusal.errors()[0]
        words = [".".join(map(str, first["loc"])), first["msg"]]
        raise DatasetError(f"{path} cannot be used: {': '.join(filter(None, words))}.") from refusal
    if not truth.people:
        raise DatasetError(f"{path} names no people.")
    return truth


def _photos(folder: Path) -> list[str]:
    if not (folder / "photos").is_dir():
        raise DatasetError(f"{folder} has no folder photos/.")
    paths = list((folder / "photos").iterdir())
    if not paths:
        raise DatasetError(f"{folder / 'photos'} is empty.")
    for path in paths:
        _require_picture(path)
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _require_picture(path: Path) -> None:
    with path.open("rb") as file:
        if not filetypes.is_supported(file.read(HEAD)):
            raise DatasetError(f"{path} is no JPEG, PNG or WebP picture.")
