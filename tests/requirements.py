"""What some tests need from the machine: without it they skip, or fail where ENCORE_REQUIRE is `all`."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def eval_folder(name: str) -> Path:
    """Return a face set below the folder that ENCORE_EVAL names; it is measured on and never shipped."""
    root = os.environ.get("ENCORE_EVAL")
    if not root:
        lacking(f"ENCORE_EVAL does not name the folder with the face set {name!r}")
    folder = Path(root) / name
    if not (folder / "truth.json").is_file():
        lacking(f"ENCORE_EVAL holds no face set {name!r}")
    return folder


def weight_file(name: str) -> Path:
    """Return a downloaded file of weights below the folder that ENCORE_WEIGHTS names."""
    root = os.environ.get("ENCORE_WEIGHTS")
    if not root:
        lacking(f"ENCORE_WEIGHTS does not name the folder with {name!r}")
    path = Path(root) / name
    if not path.is_file():
        lacking(f"ENCORE_WEIGHTS holds no file {name!r}")
    return path


def require_binary(name: str) -> str:
    """Return the full path of a program such as `chromium`."""
    path = shutil.which(name)
    if path is None:
        lacking(f"the program {name} is not installed")
    return path


def lacking(reason: str) -> NoReturn:
    """Skip the running test, or fail it where everything is required."""
    if os.environ.get("ENCORE_REQUIRE") == "all":
        pytest.fail(reason)
    pytest.skip(reason)
