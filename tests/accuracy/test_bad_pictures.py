"""Pictures that a detector or a decoder may stumble over, through a real child with the bundled engine."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from core import imaging
from core.adapters.five_point_engine import MIN_SIZE
from core.adapters.process_sandbox import ProcessSandbox
from core.ports import FoundFace, Pixels
from tests.pictures import encoded

pytestmark = pytest.mark.accuracy

DEMO = Path("data/demo")
GUESTS = range(12)
DARK, CLOTH = (15, 15, 15), (90, 140, 190)

Faces = Callable[..., list[FoundFace]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    sandbox = ProcessSandbox(1, DEMO, time_limit=timedelta(seconds=30))
    yield sandbox
    sandbox.close()


@pytest.fixture
def faces(sandbox, tmp_path) -> Faces:
    """What a child finds in a picture, given as pixels or as the bytes of a file."""

    def faces(picture: Pixels | bytes) -> list[FoundFace]:
        path = tmp_path / "picture"
        path.write_bytes(picture if isinstance(picture, bytes) else encoded(Image.fromarray(picture)))
        return sandbox.faces(path, "bundled")

    return faces


@pytest.fixture(scope="module")
def known(sandbox) -> list[FoundFace]:
    """The face of each guest's selfie."""
    return [sandbox.faces(selfie_path(guest), "bundled")[0] for guest in GUESTS]


def selfie_path(guest: int) -> Path:
    return DEMO / "selfies" / f"guest_{guest + 1:02}.jpg"


def selfie(guest: int) -> Pixels:
    return imaging.load_upright(selfie_path(guest), None).copy()


def photo(name: str) -> Pixels:
    return imaging.load_upright(DEMO / "photos" / name, None)


def wide_photos(count: int) -> list[Pixels]:
    """Return photos of 1600 × 1067 pixels."""
    every = (photo(path.name) for path in sorted((DEMO / "photos").iterdir()))
    return [pixels for pixels in every if pixels.shape == (1067, 1600, 3)][:count]


def resized(pixels: Pixels, width: int) -> Pixels:
    height = round(pixels.shape[0] * width / pixels.shape[1])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def corners(face: FoundFace, pixels: Pixels) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom in pixels."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = np.rint(np.array(face.box) * [width, height, width, height]).astype(int)
    return left, top, right, bottom


def who(face: FoundFace, known: list[FoundFace]) -> int:
    """Return the guest whose selfie is most like a face."""
    return int(np.argmax([one.embedding @ face.embedding for one in known]))


def searchable(found: list[FoundFace]) -> list[FoundFace]:
    return [face for face in found if face.embedding is not None]


def mosaic(columns: int, rows: int, width: int) -> Pixels:
    """Return a wall of selfies, one guest after the other, each so many pixels wide."""
    tiles = [resized(selfie(guest), width) for guest in GUESTS]
    lines = [
        np.hstack([tiles[(row * columns + column) % len(tiles)] for column in range(columns)])
        for row in range(rows)
    ]
    return np.vstack(lines)


def masked(pixels: Pixels, face: FoundFace) -> None:
    """Cover mouth, chin and most of the nose."""
    left, top, right, bottom = corners(face, pixels)
    pixels[top + (bottom - top) * 55 // 100 : bottom + 5, left:right] = CLOTH


def in_sunglasses(pixels: Pixels, face: FoundFace) -> None:
    """Cover eyes and brows with two lenses and a bridge, where eyes are in an average box."""
    left, top, right, bottom = corners(face, pixels)
    width, height = right - left, bottom - top
    across, down = (left + right) // 2, top + height * 39 // 100
    for side in (-1, 1):
        lens = (across + side * width * 23 // 100, down)
        cv2.ellipse(pixels, lens, (width * 19 // 100, height * 11 // 100), 0, 0, 360, DARK, -1)
    cv2.line(pixels, (across - width // 5, down), (across + width // 5, down), DARK, max(2, width // 40))


@pytest.mark.parametrize("name", ["IMG_2041.jpg", "DSC_0011.jpg", "P1020328.jpg"])
def test_a_photo_of_nobody_has_no_face(faces, name):
    assert faces(photo(name)) == []


@pytest.mark.parametrize("side", [1, 10, 30])
def test_a_tiny_picture_has_no_face(faces, side):
    assert faces(np.full((side, side, 3), 128, np.uint8)) == []


def test_each_of_two_hundred_faces_is_found_and_is_who_it_is(faces, known):
    columns, rows = 20, 10

    found = faces(mosaic(columns, rows, 100))

    guest_at = {}
    for face in searchable(found):
        left, top, right, bottom = face.box
        place = int((top + bottom) / 2 * rows) * columns + int((left + right) / 2 * columns)
        guest_at[place] = who(face, known)
    assert len(found) == 200
    assert guest_at == {place: place % len(GUESTS) for place in range(200)}


def test_faces_too_small_to_be_searched_are_counted(faces):
    found = faces(mosaic(20, 10, 66))

    too_small = [face for face in found if face.size < MIN_SIZE]
    # measured 2026-11-20: 196 found, 177 of them too small
    assert len(found) >= 150
    assert len(too_small) >= 100
    assert searchable(too_small) == []


@pytest.mark.parametrize("edge", ["left", "bottom"])
def test_a_face_that_lost_a_quarter_at_the_edge_is_still_recognised(faces, known, edge):
    recognised = []
    for guest in GUESTS:
        pixels = selfie(guest)
        left, top, right, bottom = corners(known[guest], pixels)
        cut = pixels[:, (3 * left + right) // 4 :] if edge == "left" else pixels[: (top + 3 * bottom) // 4]

        found = faces(cut)

        recognised.append([who(face, known) for face in searchable(found)] == [guest])
        assert all(0 <= place <= 1 for face in found for place in face.box)
    # measured 2026-11-20: 12 of 12 at both edges
    assert sum(recognised) >= 11


@pytest.mark.parametrize("edge", ["left", "bottom"])
def test_a_quarter_of_a_face_is_hardly_ever_taken_for_one(faces, known, edge):
    found = 0
    for guest in GUESTS:
        pixels = selfie(guest)
        left, top, right, bottom = corners(known[guest], pixels)
        rest = pixels[:, (left + 3 * right) // 4 :] if edge == "left" else pixels[: (3 * top + bottom) // 4]

        found += len(faces(rest))

    # measured 2026-11-20: 1 at the left, 0 below
    assert found <= 2


@pytest.mark.parametrize("disguise", [masked, in_sunglasses])
def test_a_disguised_face_is_mostly_recognised_and_hardly_ever_taken_for_another(faces, known, disguise):
    names = []
    for guest in GUESTS:
        pixels = selfie(guest)
        disguise(pixels, known[guest])

        names.append([who(face, known) for face in searchable(faces(pixels))])

    # measured 2026-11-20: 10 of 12 masked and 11 in sunglasses; one masked face is most like another guest's
    assert sum(name == [guest] for guest, name in enumerate(names)) >= 9
    assert sum(name not in ([guest], []) for guest, name in enumerate(names)) <= 1


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_turned_hides_most_faces_and_invents_hardly_any(faces, quarters):
    found = [faces(np.rot90(selfie(guest), quarters)) for guest in GUESTS]

    # measured 2026-11-20: 6, 7 and 2 found, 3, 3 and 2 of them searchable
    assert max(len(one) for one in found) <= 2
    assert sum(len(searchable(one)) for one in found) <= 5


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_selfie_is_recognised_any_way_up(sandbox, known, quarters):
    names = []
    for guest in GUESTS:
        turned = encoded(Image.fromarray(np.rot90(selfie(guest), quarters)))

        found = sandbox.selfie(turned, "bundled")

        names.append([who(face, known) for face in searchable(found)])
    # measured 2026-11-20: 12, 11, 10 and 11 of 12
    assert sum(name == [guest] for guest, name in enumerate(names)) >= (9 if quarters else 12)


@pytest.mark.parametrize("file_type", ["JPEG", "PNG"])
def test_a_face_in_grey_is_the_same_face(faces, known, file_type):
    for guest in GUESTS:
        grey = Image.fromarray(selfie(guest)).convert("L")

        largest, *_ = faces(encoded(grey, file_type))

        assert who(largest, known) == guest
        assert largest.embedding @ known[guest].embedding > 0.98


def test_sixteen_bits_per_colour_show_the_same_face_as_eight(faces, known):
    for guest in GUESTS[:4]:
        blue_first = cv2.cvtColor(selfie(guest), cv2.COLOR_RGB2BGR).astype(np.uint16) * 257
        grey = np.asarray(Image.fromarray(selfie(guest)).convert("L"))

        coloured, *_ = faces(cv2.imencode(".png", blue_first)[1].tobytes())
        deep_grey, *_ = faces(encoded(Image.fromarray(grey.astype(np.uint16) * 257)))
        plain_grey, *_ = faces(encoded(Image.fromarray(grey)))

        assert coloured.embedding @ known[guest].embedding > 0.999
        assert deep_grey.embedding @ plain_grey.embedding > 0.999


@pytest.mark.parametrize(("join", "count", "width"), [(np.hstack, 7, 1600), (np.vstack, 15, 1067)])
def test_a_panorama_of_one_to_ten_loses_no_face_of_its_photos(faces, join, count, width):
    photos = [resized(pixels, width) for pixels in wide_photos(count)]
    singly = [face for pixels in photos for face in faces(pixels)]

    panorama = join(photos)
    found = faces(encoded(Image.fromarray(panorama), "JPEG", quality=95))

    assert max(panorama.shape) / min(panorama.shape[:2]) >= 10
    # measured 2026-11-20: 23 of 23 and 44 of 44; shrunk by its longest side, the first was 3 of 23
    assert abs(len(found) - len(singly)) <= 1
    assert len(searchable(found)) >= len(searchable(singly)) - 1
