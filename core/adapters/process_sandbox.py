"""Work on strangers' pixels in a few child processes, each with a limit on memory and time.

The limits guard against files that stall or burst a decoder. They are no jail: a child reads what we read.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any, cast

import structlog

from core.engines import EngineReplaced
from core.errors import InvalidInput, PlatformError, Unavailable
from core.ports import EngineIdentity, FoundFace, PhotoFacts

GIB = 1024**3
PROJECT = Path(__file__).parents[2]
# A child gets these of our environment and no other: it has no use for our secrets.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "DEEPFACE_HOME")

Answer = tuple[str, Any]  # as `pixel_child` says it

log = structlog.get_logger(__name__)


class UnreadableFile(InvalidInput):
    """It killed the child that read it, or kept it past the time limit."""


class ChildLost(Unavailable):
    """A child fell before it began the call."""


class ProcessSandbox:
    """A PixelSandbox of `size` children, started when first needed and replaced when they fall.

    `weights` is the folder of downloaded weight files.
    """

    def __init__(
        self,
        size: int,
        weights: Path,
        memory_limit: int = 3 * GIB,  # bytes of address space per child
        time_limit: timedelta = timedelta(seconds=60),
        wait_limit: timedelta = timedelta(seconds=30),
    ) -> None:
        self._weights = weights
        self._memory_limit = memory_limit
        self._time_limit = time_limit
        self._wait_limit = wait_limit
        self._identities: dict[str, EngineIdentity] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self._children: set[_Child] = set()
        # Last in, first out: a second child is only started while the first is busy. None: not started yet.
        self._idle: LifoQueue[_Child | None] = LifoQueue()
        for _ in range(size):
            self._idle.put(None)

    def inspect(self, path: Path) -> PhotoFacts:
        """Return what a picture is, having decoded it once. Raises InvalidInput."""
        return cast(PhotoFacts, self._call("inspect", path.absolute()))

    def render(self, path: Path, mark: str) -> dict[str, bytes]:
        """Return a JPEG per rendition name, upright, sRGB, watermarked with `mark`."""
        return cast(dict[str, bytes], self._call("render", path.absolute(), mark))

    def without_gps(self, path: Path, target: Path) -> None:
        """Write a copy of the file without GPS metadata, pixels untouched."""
        self._call("without_gps", path.absolute(), target.absolute())

    def web_copy(self, path: Path, target: Path) -> None:
        """Write a JPEG small enough for a screen, upright, sRGB, which still says whose the photo is."""
        self._call("web_copy", path.absolute(), target.absolute())

    def faces(self, path: Path, engine: str) -> list[FoundFace]:
        """Return the faces of a photo file as the engine of that name sees them."""
        return self._found("faces", path.absolute(), engine)

    def selfie(self, content: bytes, engine: str) -> list[FoundFace]:
        """Return the faces of a selfie. Raises InvalidInput when it is no picture."""
        return self._found("selfie", content, engine)

    def identity(self, engine: str) -> EngineIdentity:
        """Return the identity of that engine. Raises Unavailable."""
        if engine not in self._identities:
            try:
                self._identities[engine] = cast(EngineIdentity, self._call("identity", engine))
            except InvalidInput as error:  # there is no picture: it is the engine that dies or is too heavy
                raise Unavailable(
                    "The face search does not start right now. Please try again later."
                ) from error
        return self._identities[engine]

    def _found(self, call: str, source: Path | bytes, engine: str) -> list[FoundFace]:
        identity, faces = cast(tuple[EngineIdentity, list[FoundFace]], self._call(call, source, engine))
        if identity != self._identities.setdefault(engine, identity):
            raise EngineReplaced(
                'The weights of the face engine "{engine}" were replaced. Restart Encore to use them.',
                engine=engine,
            )
        return faces

    def close(self) -> None:
        """Stop the children; a call under way ends with Unavailable."""
        with self._lock:
            self._is_closed = True  # from here on, whoever gives a child back stops it
            for child in self._children:
                child.kill()
        with suppress(Empty):
            while True:
                _stop(self._idle.get_nowait())

    def _call(self, name: str, *arguments: object) -> object:
        try:
            kind, content = self._ask(name, arguments)
        except ChildLost:  # no fault of the file: another child, or a new one, may have it
            kind, content = self._ask(name, arguments)
        if kind == "refusal":
            raise cast(PlatformError, content)
        if kind == "bug":
            raise RuntimeError(f"A pixel child failed in {name}:\n{content}")
        return content

    def _ask(self, name: str, arguments: tuple[object, ...]) -> Answer:
        with self._borrowed() as child:
            try:
                answer = child.ask(name, arguments, self._time_limit)
            except (EOFError, OSError) as error:
                log.warning("pixel child lost", call=name, exit_code=child.stop(), had_begun=child.has_begun)
                self._require_open()
                raise _loss(child.has_begun) from error
            if answer[0] == "bug":
                child.stop()  # it is about to end
        return answer

    @contextmanager
    def _borrowed(self) -> Iterator["_Child"]:
        """Yield a living child that nobody else has, and give its place back."""
        self._require_open()
        try:
            child = self._idle.get(timeout=self._wait_limit.total_seconds())
        except Empty:
            raise Unavailable(
                "Too many pictures are being read right now. Please try again shortly."
            ) from None
        try:
            child = self._living(child)
            yield child
        finally:
            self._idle.put(child)
            if self._is_closed:
                _stop(child)

    def _living(self, child: "_Child | None") -> "_Child":
        """Return this child, or a new one for one that fell while it was idle."""
        if child is not None and child.is_idle():
            return child
        _stop(child)
        with self._lock:
            self._require_open()
            fresh = _Child(self._weights, self._memory_limit)
            self._children = {other for other in self._children if other is not child} | {fresh}
        return fresh

    def _require_open(self) -> None:
        if self._is_closed:
            raise Unavailable("Encore is shutting down. Please try again in a minute.")


def _loss(had_begun: bool) -> PlatformError:
    if not had_begun:
        return ChildLost("The picture could not be read right now. Please try again.")
    return UnreadableFile(
        "This file could not be read within the limits of time and memory. "
        "Save it again as a JPEG and send that."
    )


class _Child:
    """One process and the pipe to it.

    Started with Popen and not with multiprocessing's spawn: Streamlit puts the page script in the place of
    `sys.modules["__main__"]`, and spawn runs what it finds there, so that the child would run the page.
    """

    def __init__(self, weights: Path, memory_limit: int) -> None:
        self.has_begun = False  # the call that it was given last
        self._connection: Connection[Any, Any]
        self._connection, theirs = Pipe()
        arguments = [str(theirs.fileno()), str(os.getpid()), str(weights.absolute()), str(memory_limit)]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.adapters.pixel_child", *arguments],
                cwd=PROJECT,  # where `-m` looks for core, wherever we run
                env=_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def is_idle(self) -> bool:
        """Tell whether it lives and has nothing to say; the end of its pipe would be something."""
        return self._process.poll() is None and not self._connection.poll()

    def ask(self, name: str, arguments: tuple[object, ...], time_limit: timedelta) -> Answer:
        """Return the kind and the content of its answer. EOFError or OSError: it died or was late."""
        self.has_begun = False
        watchdog = threading.Timer(time_limit.total_seconds(), self._process.kill)
        watchdog.start()  # and not poll(): a child may also stall while it reads or in half an answer
        try:
            self._connection.send((name, arguments))
            answer: Answer = self._connection.recv()
            if answer[0] == "begun":
                self.has_begun = True
                answer = self._connection.recv()
        finally:
            watchdog.cancel()
            watchdog.join()
        return answer

    def kill(self) -> None:
        """End it; whoever waits for its answer gets EOFError."""
        self._process.kill()

    def stop(self) -> int:
        """End it, free what it held, and return its exit code. Only for the one who has it."""
        self._process.kill()
        exit_code = self._process.wait()
        self._connection.close()
        return exit_code


def _stop(child: _Child | None) -> None:
    if child is not None:
        child.stop()


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # An arena per thread would count against the limit on address space without being used.
    return inherited | {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
