"""The child of `process_sandbox`: works on strangers' pixels within limits, one call after another.

Started as `python -m core.adapters.pixel_child FD PARENT_PID WEIGHTS_FOLDER MEMORY_BYTES`. It ends when its
pipe closes, when its parent is gone, and after a bug of ours, of which it sends the traceback first.
"""

import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from core import geotags, imaging, web_copies
from core.adapters import face_engines
from core.adapters.five_point_engine import LONGEST_SIDE, SHORTER_SIDE
from core.engines import ENGINES
from core.errors import PlatformError
from core.ports import EngineIdentity, FaceEngine, FoundFace, Pixels

PARENT_CHECK_SECONDS = 1.0

Answer = tuple[str, Any]  # "begun", "value", "refusal" or "bug", and what it is
Work = Callable[..., Any]


def main(descriptor: int, parent_pid: int, weights: Path, memory_limit: int) -> None:
    """Answer calls until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not leave faces on the disk
    _limit(memory_limit)
    cv2.setNumThreads(face_engines.THREADS)
    threading.Thread(target=_end_with, args=(parent_pid,), daemon=True).start()
    connection: Connection[Any, Any] = Connection(descriptor)
    sys.excepthook = partial(_send_bug, connection)
    works = _works(weights, memory_limit)
    while True:
        try:
            name, arguments = connection.recv()
        except (EOFError, ConnectionError):
            return
        connection.send(("begun", None))  # from here on, if we fall it is the file's fault
        connection.send(_answer(works[name], arguments))
        del arguments  # a selfie must not wait here for the next call


def _limit(memory: int) -> None:
    """Allow that many bytes of address space; the hard limit stays, for an engine that needs more."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, hard))


def _end_with(parent_pid: int) -> None:
    """End the process once its parent is gone, even in the middle of a call.

    Not PR_SET_PDEATHSIG: that fires when the *thread* which started the child ends, as a page's does.
    """
    pause = threading.Event()
    while os.getppid() == parent_pid:
        pause.wait(PARENT_CHECK_SECONDS)
    os._exit(0)


def _send_bug(
    connection: "Connection[Any, Any]",
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    with suppress(OSError):  # the parent may be gone
        connection.send(("bug", "".join(traceback.format_exception(kind, error, trace))))


def _answer(work: Work, arguments: tuple[Any, ...]) -> Answer:
    try:
        return "value", work(*arguments)
    except PlatformError as refusal:
        return "refusal", refusal
    except MemoryError:
        return "refusal", imaging.TooHeavy(
            "This picture needs too much memory. Save a smaller JPEG of it and send that."
        )


def _works(folder: Path, memory_limit: int) -> dict[str, Work]:
    """Return what can be asked. An engine is loaded by the first call that needs it, again if it refused."""

    @cache
    def engine(name: str) -> FaceEngine:
        if name in ENGINES and ENGINES[name].memory:
            _limit(memory_limit + ENGINES[name].memory)
        return face_engines.load(name, folder)

    def faces(source: Path | bytes, engine_name: str) -> tuple[EngineIdentity, list[FoundFace]]:
        loaded = engine(engine_name)
        pixels = imaging.load_upright(source, LONGEST_SIDE, SHORTER_SIDE)
        return loaded.identity, loaded.find(pixels)

    def selfie(content: bytes, engine_name: str) -> tuple[EngineIdentity, list[FoundFace]]:
        loaded = engine(engine_name)
        return loaded.identity, _any_way_up(loaded, imaging.load_upright(content, LONGEST_SIDE, SHORTER_SIDE))

    def identity(engine_name: str) -> EngineIdentity:
        return engine(engine_name).identity

    return {
        "inspect": imaging.inspect,
        "render": _render,
        "without_gps": geotags.without_gps,
        "web_copy": web_copies.make,
        "faces": faces,
        "selfie": selfie,
        "identity": identity,
    }


def _any_way_up(engine: FaceEngine, pixels: Pixels) -> list[FoundFace]:
    """Return the faces of a picture or, if none of them can be searched, of the picture turned.

    Not whichever way is surest: of 294 selfies 13 would be turned that were upright.
    """
    found = engine.find(pixels)
    if _surest(found):
        return found
    turned = max((engine.find(np.rot90(pixels, quarters)) for quarters in (2, 1, 3)), key=_surest)
    return turned if _surest(turned) else found


def _surest(faces: list[FoundFace]) -> float:
    return max((face.confidence for face in faces if face.embedding is not None), default=0.0)


def _render(path: Path, mark: str) -> dict[str, bytes]:
    return imaging.render(imaging.load_upright(path, max(imaging.RENDITIONS.values())), mark)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
