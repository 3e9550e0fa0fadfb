"""Weight files: which are here, whether they are the right ones, and how they come.

What is loaded is what was checked. A file without a known hash is pinned by its first installation: its
sha256 is written beside it, and from then on no other content is taken.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from core.engines import ENGINES, DownloadedFile, EngineSpec, PackagedFile, WeightFile
from core.errors import Conflict, Unavailable

PINS = "pins.json"  # {name of the file: sha256}
SLACK = 2  # times the size we know only about

Progress = Callable[[str, int, int], None]  # name of the file, bytes so far, bytes in all
Fetch = Callable[[str, Path, int, Callable[[int, int], None]], None]  # url, target, most bytes, progress


class WeightsMissing(Unavailable):
    """A weight file is not here, or is not the one it should be."""


class WrongDownload(Unavailable):
    """What came is not the file that was asked for; it was thrown away."""


class AlreadyInstalling(Conflict):
    """Another command installs into the same folder."""


class FileState(StrEnum):
    """How a weight file stands."""

    MISSING = "missing"
    PRESENT = "present"
    WRONG = "wrong"


@dataclass(frozen=True)
class Weights:
    """The checked contents of an engine's files."""

    contents: Mapping[str, bytes]  # by name, in the engine's order
    digests: tuple[str, ...]  # sha256, in the same order


@dataclass(frozen=True)
class EngineState:
    """How an engine stands on this machine."""

    spec: EngineSpec
    is_installed: bool
    is_broken: bool  # a file is here that should not be
    problem: str | None  # a sentence, when it is not installed
    missing_bytes: int  # to download


def overview(folder: Path) -> list[EngineState]:
    """Return how every engine stands. Files are hashed again only when they change."""
    return [state(spec, folder) for spec in ENGINES.values()]


def state(spec: EngineSpec, folder: Path) -> EngineState:
    """Return how one engine stands."""
    states = {file: file_state(file, folder) for file in spec.weights}
    problems = [_sentence(file.name, one) for file, one in states.items() if one is not FileState.PRESENT]
    missing = sum(file.size for file in spec.downloads if states[file] is not FileState.PRESENT)
    is_broken = FileState.WRONG in states.values()
    return EngineState(spec, not problems, is_broken, " ".join(problems) or None, missing)


def file_state(file: WeightFile, folder: Path) -> FileState:
    """Return how one file stands; one that was put here by hand and never pinned is missing."""
    path, expected = _path(file, folder), _expected(file, folder)
    if path is None or expected is None or not path.is_file():
        return FileState.MISSING
    return FileState.PRESENT if _digest_of(path) == expected else FileState.WRONG


def read(spec: EngineSpec, folder: Path) -> Weights:
    """Return the files' contents, checked. Raises WeightsMissing, naming the file."""
    contents = {file.name: _checked(spec, file, folder) for file in spec.weights}
    return Weights(contents, tuple(sha256(content).hexdigest() for content in contents.values()))


def install(spec: EngineSpec, folder: Path, fetch: Fetch, progress: Progress) -> list[str]:
    """Bring what is missing and return the names of the files that came.

    Raises WeightsMissing for a file that comes with a package, WrongDownload, AlreadyInstalling, and what
    `fetch` raises. Whatever is raised, files that were right stay.
    """
    for file in spec.weights:
        if isinstance(file, PackagedFile):
            _checked(spec, file, folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "install.lock", timeout=0):
            wanted = [file for file in spec.downloads if file_state(file, folder) is not FileState.PRESENT]
            for file in wanted:
                _install(file, folder, fetch, progress)
    except Timeout as error:
        raise AlreadyInstalling("Another command is installing into {folder}.", folder=folder) from error
    return [file.name for file in wanted]


def _install(file: DownloadedFile, folder: Path, fetch: Fetch, progress: Progress) -> None:
    target = folder / file.name
    expected = _expected(file, folder)
    if expected is None and target.is_file() and _begins(target, file.start):
        _pin(file.name, _digest_of(target), folder)  # put there by hand
        return
    part = folder / f"{file.name}.part"
    most = file.size if file.sha256 else file.size * SLACK
    fetch(file.url, part, most, lambda done, total: progress(file.name, done, total))
    digest = _digest_of(part)
    is_whole = file.size / SLACK <= part.stat().st_size <= most and _begins(part, file.start)
    if not is_whole or digest != (expected or digest):
        part.unlink()
        raise WrongDownload(
            "What came is not {file}, and was thrown away (its sha256 is {digest}).",
            file=file.name,
            digest=digest,
        )
    part.replace(target)
    if file.sha256 is None:
        _pin(file.name, digest, folder)


def _checked(spec: EngineSpec, file: WeightFile, folder: Path) -> bytes:
    path, expected = _path(file, folder), _expected(file, folder)
    if path is None or expected is None or not path.is_file():
        raise _refusal(spec, file, FileState.MISSING)
    content = path.read_bytes()
    if sha256(content).hexdigest() != expected:
        raise _refusal(spec, file, FileState.WRONG)
    return content


def _refusal(spec: EngineSpec, file: WeightFile, how: FileState) -> WeightsMissing:
    where = file.package if isinstance(file, PackagedFile) else None
    mend = f"pip install {where}" if where else f"python -m core faces install {spec.name}"
    return WeightsMissing(
        'The face engine "{engine}" cannot be used: {problem} To mend it: {mend}',
        engine=spec.name,
        problem=_sentence(file.name, how),
        mend=mend,
    )


def _sentence(name: str, how: FileState) -> str:
    if how is FileState.MISSING:
        return f"{name} is not installed."
    return f"{name} is not the file it should be: cut short, changed, or of another model."


def _path(file: WeightFile, folder: Path) -> Path | None:
    """Return where a file is or would be; None when its package is not installed."""
    if isinstance(file, DownloadedFile):
        return folder / file.name
    package = find_spec(file.package)  # does not import it: one would start TensorFlow
    if package is None or not package.submodule_search_locations:
        return None
    return Path(package.submodule_search_locations[0]) / file.path


def _expected(file: WeightFile, folder: Path) -> str | None:
    return file.sha256 or _pins(folder).get(file.name)


def _pins(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / PINS).read_text()))
    except (FileNotFoundError, ValueError):  # what is not pinned counts as not installed
        return {}


def _pin(name: str, digest: str, folder: Path) -> None:
    whole = folder / f"{PINS}.part"
    whole.write_text(json.dumps(_pins(folder) | {name: digest}, indent=2))
    whole.replace(folder / PINS)


def _begins(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _digest_of(path: Path) -> str:
    facts = path.stat()
    return _digest(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, *_facts: int) -> str:
    """Return the sha256 of a file that has not changed since."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
