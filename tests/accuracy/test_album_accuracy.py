"""Seventy people in group photos with small faces: a set that is measured on and never shipped."""

from pathlib import Path

import pytest

from benchmarks.faces import measure
from core.adapters import face_engines
from tests.requirements import eval_folder

pytestmark = pytest.mark.accuracy


def test_in_an_album_what_is_shown_as_sure_is_right_and_most_photos_are_shown():
    folder = eval_folder("album")

    figures = measure(face_engines.load("bundled", Path()), folder)

    # measured 2026-11-20: found 0.89, wrong 0.20, FNIR at FPIR 5 % 0.15
    assert figures.found >= 0.85
    assert figures.wrong_sure == 0
    assert figures.wrong <= 0.25
    assert figures.fnir_at_fpir[5] <= 0.20
