"""Every guest of the demo event finds their photos, at the product's own cut-offs."""

from pathlib import Path

import pytest

from benchmarks.faces import measure
from core.adapters import face_engines

pytestmark = pytest.mark.accuracy


def test_guests_find_their_photos_and_hardly_a_strangers():
    figures = measure(face_engines.load("bundled", Path()), Path("data/demo"))

    # measured 2026-11-20: found 1.00, found_sure 0.93, strangers_sure 0, wrong 0
    assert figures.found >= 0.97
    assert figures.found_sure >= 0.85
    assert figures.strangers_sure == 0
    assert figures.wrong <= 0.1
