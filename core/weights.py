"""Weight files: which are here, whether they are the right ones, and how they come.

What is loaded is what was checked. A file without a known hash is pinned by its first installation: its
sha256 is written beside it, and from then on no other content is taken until somebody has the pin forgotten.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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


class NotDownloaded(Unavailable):
    """A file did not come."""


class WeightsUnusable(Unavailable):
    """The folder or a file in it cannot be read or written."""


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
    """Return how every engine stands; only files that changed are hashed again. Raises WeightsUnusable."""
    return [state(spec, folder) for spec in ENGINES.values()]


def state(spec: EngineSpec, folder: Path) -> EngineState:
    """Return how one engine stands. Raises WeightsUnusable."""
    states = {file: file_state(file, folder) for file in spec.weights}
    problems = [_sentence(file.name, one) for file, one in states.items() if one is not FileState.PRESENT]
    missing = sum(file.size for file in spec.downloads if states[file] is not FileState.PRESENT)
    is_broken = FileState.WRONG in states.values()
    return EngineState(spec, not problems, is_broken, " ".join(problems) or None, missing)


def file_state(file: WeightFile, folder: Path) -> FileState:
    """Return how one file stands; one that was put here by hand and never pinned is missing.

    Raises WeightsUnusable.
    """
    with _on_disk(folder):
        path, expected = _path(file, folder), _expected(file, folder)
        if path is None or expected is None or not _is_there(path):
            return FileState.MISSING
        return FileState.PRESENT if _digest_of(path) == expected else FileState.WRONG


def require(spec: EngineSpec, folder: Path) -> None:
    """Raise what `read` would; only files that changed are hashed again."""
    for file in spec.weights:
        how = file_state(file, folder)
        if how is not FileState.PRESENT:
            raise _refusal(spec, file, how)


def read(spec: EngineSpec, folder: Path) -> Weights:
    """Return the files' contents, checked. Raises WeightsMissing, naming the file, and WeightsUnusable."""
    with _on_disk(folder):
        contents = {file.name: _checked(spec, file, folder) for file in spec.weights}
    return Weights(contents, tuple(sha256(content).hexdigest() for content in contents.values()))


def install(spec: EngineSpec, folder: Path, fetch: Fetch, progress: Progress) -> list[str]:
    """Bring what is missing and return the names of the files that came.

    Raises WeightsMissing for a file that is not the one it should be and came with a package or by hand,
    NotDownloaded, WrongDownload, AlreadyInstalling, WeightsUnusable. Whatever is raised, files that were
    right stay.
    """
    with _alone_in(folder):
        for file in spec.weights:
            if isinstance(file, PackagedFile):
                _checked(spec, file, folder)
        wanted = [file for file in spec.downloads if file_state(file, folder) is not FileState.PRESENT]
        for file in wanted:
            _install(spec, file, folder, fetch, progress)
    return [file.name for file in wanted]


def forget_pins(spec: EngineSpec, folder: Path) -> None:
    """Let the next installation pin anew whatever of the engine has no known hash.

    Raises AlreadyInstalling, WeightsUnusable.
    """
    names = {file.name for file in spec.downloads}
    with _alone_in(folder):
        _write_pins({name: digest for name, digest in _pins(folder).items() if name not in names}, folder)


def unfit(spec: EngineSpec, name: str) -> WeightsMissing:
    """Return the refusal of a file that is here, perhaps pinned, but cannot be what the engine needs."""
    return WeightsMissing(
        'The face engine "{engine}" cannot be used: {problem} '
        "Delete it, then: python -m core faces install {engine} --forget-pins",
        engine=spec.name,
        problem=_sentence(name, FileState.WRONG),
    )


def _install(spec: EngineSpec, file: DownloadedFile, folder: Path, fetch: Fetch, progress: Progress) -> None:
    target = folder / file.name
    expected = _expected(file, folder)
    if expected is None and _is_there(target):  # put there by hand
        if not _is_whole(target, file):
            raise unfit(spec, file.name)
        _write_pins(_pins(folder) | {file.name: _digest_of(target)}, folder)
        return
    part = folder / f"{file.name}.part"
    try:
        fetch(file.url, part, _most(file), lambda done, total: progress(file.name, done, total))
    except Unavailable as error:
        words = '{file} could not be downloaded: {reason} The face engine "{engine}" is not installed.'
        raise NotDownloaded(words, file=file.name, reason=error, engine=spec.name) from error
    digest = _digest_of(part)
    if not _is_whole(part, file) or digest != (expected or digest):
        part.unlink()
        raise _thrown_away(spec, file, digest, is_pinned=file.sha256 is None and expected is not None)
    part.replace(target)
    if file.sha256 is None:
        _write_pins(_pins(folder) | {file.name: digest}, folder)


def _thrown_away(spec: EngineSpec, file: DownloadedFile, digest: str, *, is_pinned: bool) -> WrongDownload:
    words = "What came is not {file}, and was thrown away (its sha256 is {digest})."
    if is_pinned:
        words += (
            " It is not what was installed here first; if that was the wrong one, delete what is left of it, "
            "then: python -m core faces install {engine} --forget-pins"
        )
    return WrongDownload(words, file=file.name, digest=digest, engine=spec.name)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other installations out of the folder, made if need be. Raises AlreadyInstalling."""
    with _on_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / "install.lock", timeout=0):
                yield
        except Timeout as error:
            raise AlreadyInstalling("Another command is installing into {folder}.", folder=folder) from error


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    """Turn what the system says of a file into our refusal. Raises WeightsUnusable."""
    try:
        yield
    except OSError as error:
        raise WeightsUnusable(
            "The face engines' weights cannot be used: {path}: {reason}.",
            path=error.filename or folder,
            reason=error.strerror or error,
        ) from error


def _checked(spec: EngineSpec, file: WeightFile, folder: Path) -> bytes:
    path, expected = _path(file, folder), _expected(file, folder)
    if path is None or expected is None or not _is_there(path):
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
        pins = json.loads((folder / PINS).read_text())
    except (FileNotFoundError, ValueError):  # what is not pinned counts as not installed
        return {}
    return pins if isinstance(pins, dict) else {}


def _write_pins(pins: Mapping[str, str], folder: Path) -> None:
    whole = folder / f"{PINS}.part"
    whole.write_text(json.dumps(pins, indent=2))
    whole.replace(folder / PINS)


def _is_there(path: Path) -> bool:
    """Whether there is something; unlike `exists`, what keeps us from seeing it is raised."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _is_whole(path: Path, file: DownloadedFile) -> bool:
    """Whether it may be the file, going by its length and how it begins."""
    with path.open("rb") as content:
        begins = content.read(len(file.start)) == file.start
    return begins and file.size / SLACK <= path.stat().st_size <= _most(file)


def _most(file: DownloadedFile) -> int:
    """Return the bytes that a file may have at most."""
    return file.size if file.sha256 else file.size * SLACK


def _digest_of(path: Path) -> str:
    facts = path.stat()
    return _digest(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, *_facts: int) -> str:
    """Return the sha256 of a file that has not changed since."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
