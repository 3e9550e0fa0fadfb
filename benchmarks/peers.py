"""What indexing a photo costs, and how many faces are found, next to what one would reach for instead.

Run `python -m benchmarks.peers DATASET [--engine NAME] [--photos N] [--json]`; `benchmarks.datasets` says
what a set is. N photos of 24 megapixels composed of the set's pictures, then N photos of the set itself, go
through three programs, each in a process of its own: Encore (as its pixel child does it), stock
`DeepFace.represent` with mtcnn and Dlib, and face_recognition's calls (see `benchmarks.peer_programs`). Each
is started once without photos before, so that what is lacking is said at once. One photo goes first,
unmeasured, so that all models are loaded. CPU seconds are those of all threads of the process, from the file
to the embeddings; a ratio is the peer's over Encore's. `recall` is the share of people known to be in the
photos for whom there is a face with an embedding: its centre lies in the person's box or, in a set without
boxes, in the picture that shows the person, where more faces than people count for no more than the people.
Keys without a prefix speak of the 24-megapixel photos, `dataset_…` of the set's own.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from benchmarks import commands, datasets
from benchmarks.datasets import Dataset

ENCORE, DEEPFACE, FACE_RECOGNITION = "encore", "deepface", "face_recognition"
PROGRAMS = (ENCORE, DEEPFACE, FACE_RECOGNITION)
WIDTH, HEIGHT = 6000, 4000  # pixels
ENLARGED = 3  # how many times a picture of the set is, about, as a sharper camera would have seen it
JPEG_QUALITY = 92

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class Place:
    """Part of a photo, and how many people are known to be there."""

    box: Box
    people: int


@dataclass(frozen=True)
class Run:
    """What one program made of some photos."""

    cpu_seconds_per_photo: float
    peak_memory_mb: float
    recall: float
    faces: int


def places(dataset: Dataset) -> dict[Path, list[Place]]:
    """Return every photo of a set with the places of people in it: their boxes, or else the whole photo."""
    people = Counter(photo for person in dataset.people for photo in person.photos)
    # where strangers were, a photo of nobody who is named shows one of them
    at_least = 1 if dataset.strangers else 0
    result = {}
    for name in dataset.photos:
        path = dataset.folder / name
        faces = dataset.boxes.get(name)
        if faces is None:
            with Image.open(path) as image:
                result[path] = [Place((0, 0, *image.size), max(people[name], at_least))]
        else:
            result[path] = [Place(face.box, 1) for face in faces]
    return result


def spread(photos: Mapping[Path, list[Place]], count: int) -> dict[Path, list[Place]]:
    """Return `count` of the photos, evenly spread over the set."""
    chosen = np.linspace(0, len(photos), min(count, len(photos)), endpoint=False).astype(int)
    every = list(photos.items())
    return dict(every[index] for index in chosen)


def compose(photos: Mapping[Path, list[Place]], folder: Path, count: int) -> dict[Path, list[Place]]:
    """Write `count` JPEGs of 24 megapixels, each a mosaic of pictures of the set, and return their places."""
    columns, rows = _grid(list(photos))
    pictures = cycle(spread(photos, count * columns * rows).items())
    result = {}
    for number in range(count):
        canvas = Image.new("RGB", (WIDTH, HEIGHT), "grey")
        path = folder / f"{number:03}.jpg"
        result[path] = [
            place for cell in _cells(columns, rows) for place in _pasted(canvas, cell, *next(pictures))
        ]
        canvas.save(path, quality=JPEG_QUALITY)
    return result


def _grid(pictures: Sequence[Path]) -> tuple[int, int]:
    sizes = []
    for picture in pictures:
        with Image.open(picture) as image:
            sizes.append(image.size)
    width, height = np.median(sizes, axis=0) * ENLARGED
    return max(1, round(WIDTH / width)), max(1, round(HEIGHT / height))


def _cells(columns: int, rows: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield left, top, width and height."""
    width, height = WIDTH // columns, HEIGHT // rows
    for row in range(rows):
        for column in range(columns):
            yield column * width, row * height, width, height


def _pasted(
    canvas: Image.Image, cell: tuple[int, int, int, int], picture: Path, known: Sequence[Place]
) -> list[Place]:
    """Put a picture into a cell, as large as it fits, and return its places on the canvas."""
    left, top, width, height = cell
    with Image.open(picture) as image:
        original_width = image.width
        fitted = ImageOps.contain(image.convert("RGB"), (width, height), Image.Resampling.BICUBIC)
    canvas.paste(fitted, (left, top))
    scale = fitted.width / original_width
    shift = np.array([left, top, left, top])
    return [Place(tuple((np.array(place.box) * scale + shift).tolist()), place.people) for place in known]


def run(program: str, engine: str, photos: Mapping[Path, Sequence[Place]]) -> Run:
    """Send the photos through one program in a process of its own."""
    answer = ask(program, engine, list(photos))
    found = [np.array(boxes).reshape(-1, 4) for boxes in answer["boxes"]]
    return Run(
        cpu_seconds_per_photo=answer["cpu_seconds"] / len(photos),
        peak_memory_mb=answer["peak_memory_mb"],
        recall=recall(list(photos.values()), found),
        faces=sum(map(len, found)),
    )


def ask(program: str, engine: str, photos: Sequence[Path]) -> dict[str, Any]:
    """Return what a program prints, once it has ended; it is only loaded where there are no photos.

    Raises SystemExit with the last line of what it complained of.
    """
    paths = (str(path.resolve()) for path in photos)
    command = [sys.executable, "-m", "benchmarks.peer_programs", program, engine, *paths]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        complaint = done.stderr.strip().splitlines()[-1:] or [f"ended with code {done.returncode}"]
        raise SystemExit(f"{program}: {complaint[0]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def recall(photos: Sequence[Sequence[Place]], found: Sequence[np.ndarray]) -> float:
    """Return the share of known people for whom a box was found; `found`: (n, 4) for each photo."""
    people = sum(place.people for known in photos for place in known)
    hits = sum(
        min(place.people, _inside(boxes, place.box))
        for known, boxes in zip(photos, found, strict=True)
        for place in known
    )
    return hits / people if people else 1.0


def _inside(boxes: np.ndarray, box: Box) -> int:
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return int(((centres >= box[:2]) & (centres <= box[2:])).all(axis=1).sum())


def measure(
    dataset: Dataset, engine: str, count: int, programs: Sequence[str] = PROGRAMS
) -> dict[str, dict[str, Run]]:
    """Return the runs by the prefix of their keys, then by program. Raises SystemExit."""
    for program in programs:
        ask(program, engine, [])
    photos = places(dataset)
    with TemporaryDirectory() as folder:
        large = compose(photos, Path(folder), count)
        return {
            "": {program: run(program, engine, large) for program in programs},
            "dataset_": {program: run(program, engine, spread(photos, count)) for program in programs},
        }


def figures(runs: Mapping[str, Mapping[str, Run]]) -> dict[str, Any]:
    """Return the keys of the JSON line."""
    result: dict[str, Any] = {}
    for prefix, by_program in runs.items():
        ours = by_program[ENCORE].cpu_seconds_per_photo
        for name, one in by_program.items():
            if name != ENCORE:
                result[f"{prefix}cpu_ratio_{name}"] = one.cpu_seconds_per_photo / ours
        for key in ("recall", "cpu_seconds_per_photo", "peak_memory_mb", "faces"):
            result[prefix + key] = {name: getattr(one, key) for name, one in by_program.items()}
    return result


def table(runs: Mapping[str, Mapping[str, Run]]) -> Iterator[str]:
    """Yield a line per run."""
    yield "photos        program          CPU s/photo   ratio  recall  faces  peak MB"
    for prefix, by_program in runs.items():
        ours = by_program[ENCORE].cpu_seconds_per_photo
        for name, one in by_program.items():
            yield (
                f"{'dataset' if prefix else '24 megapixel':<12}  {name:<16}{one.cpu_seconds_per_photo:>12.3f}"
                f"{one.cpu_seconds_per_photo / ours:>8.1f}{one.recall:>8.3f}{one.faces:>7}"
                f"{one.peak_memory_mb:>9.0f}"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; with --json, all figures as one line at the end."""
    parser = commands.parser("peers", __doc__)
    parser.add_argument("--photos", type=int, default=12, help="of each kind (default: 12)")
    options = parser.parse_args(arguments)
    if options.photos < 1:
        parser.error("--photos: 1 or more")
    with commands.plainly():
        runs = measure(datasets.read(options.dataset), options.engine, options.photos)
    print("\n".join(table(runs)))
    if options.json:
        print(json.dumps({"engine": options.engine, "photos": options.photos, **figures(runs)}))


if __name__ == "__main__":
    main()
