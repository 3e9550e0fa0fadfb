"""The mark covers every picture and cannot be cropped away."""

import numpy as np
import pytest
from PIL import Image

from core import watermark

SIZES = [(1600, 1067), (800, 1200), (300, 200), (150, 100), (100, 150)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("background", ["white", "gray", "black"])
def test_the_mark_shows_in_every_ninth_of_a_picture(size, background):
    plain = Image.new("RGB", size, background)

    marked = watermark.marked(plain, "Night Run 2026")

    change = np.abs(np.asarray(marked, np.int16) - np.asarray(plain)).max(axis=2)
    ninths = [part for band in np.array_split(change, 3) for part in np.array_split(band, 3, axis=1)]
    assert min((part > 30).mean() for part in ninths) > 0.01


@pytest.mark.parametrize("size", SIZES)
def test_most_of_a_picture_stays_as_it_was(size):
    plain = Image.new("RGB", size, "gray")

    marked = watermark.marked(plain, "Night Run 2026")

    untouched = (np.asarray(marked) == np.asarray(plain)).all(axis=2).mean()
    assert untouched > 0.6


def test_the_picture_itself_is_left_alone():
    plain = Image.new("RGB", (300, 200), "gray")

    watermark.marked(plain, "Night Run")

    assert plain.getcolors() == [(300 * 200, (128, 128, 128))]


@pytest.mark.parametrize(
    ("mark", "written"),
    [
        ("Night Run 2026", "Night Run 2026"),
        ("  Night\nRun ", "Night Run"),
        ("Café d’été", "Cafe d’ete"),
        ("งานวิ่งกลางคืน", watermark.PLAIN_MARK),
        ("Run 🏃", watermark.PLAIN_MARK),
        ("   ", watermark.PLAIN_MARK),
        ("x" * 500, "x" * watermark.MARK_LETTERS),
    ],
)
def test_a_mark_is_written_in_letters_that_the_font_has(mark, written):
    plain = Image.new("RGB", (300, 200), "gray")

    assert watermark.marked(plain, mark) == watermark.marked(plain, written)


def test_events_have_different_marks():
    plain = Image.new("RGB", (300, 200), "gray")

    assert watermark.marked(plain, "Night Run") != watermark.marked(plain, "Day Run")
