"""What the benchmarks' commands share: options, the engine, and one sentence where something is wrong."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.datasets import DatasetError
from core.adapters import face_engines
from core.errors import PlatformError, Unavailable
from core.ports import FaceEngine
from core.settings import Settings


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return the options of a command that measures an engine with a set of people."""
    result = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    result.add_argument("dataset", type=Path)
    result.add_argument("--engine", default="bundled")
    result.add_argument("--json", action="store_true")
    return result


def engine(name: str) -> FaceEngine:
    """Return an engine by its name, loaded. Raises PlatformError."""
    try:
        return face_engines.load(name, Settings().weights_folder)
    except (ImportError, AttributeError, TypeError, ValueError) as error:  # of a `module:attribute`, mostly
        raise Unavailable(
            'The face engine "{engine}" cannot be used: {problem}.', engine=name, problem=error
        ) from error


@contextmanager
def plainly() -> Iterator[None]:
    """End the command with code 1 and the refusal's own sentence on stderr, without a traceback."""
    try:
        yield
    except (PlatformError, DatasetError) as refusal:
        raise SystemExit(str(refusal)) from None
