"""The mark over every picture that is not paid for: the event's title, again and again, rising.

Pure. Written in the font inside Pillow, which is on every machine but has Latin letters only.
"""

import unicodedata
from functools import lru_cache
from math import hypot

from PIL import Image, ImageDraw, ImageFont

PLAIN_MARK = "ENCORE · PREVIEW"  # for titles that the font cannot write
MARK_LETTERS = 48  # a longer title is cut, so that each repeat stays on the picture
WHITE = (255, 255, 255, 105)  # chosen by eye: faces below it are still known
SMALL_WHITE = (255, 255, 255, 170)  # of small letters, whose strokes are thinner than a pixel
SMALL_LETTERS = 16  # pixels
EDGE = (0, 0, 0, 70)  # keeps the mark visible on white
SLOPE_DEGREES = 28


def marked(image: Image.Image, mark: str) -> Image.Image:
    """Return an RGB copy covered with the mark, too thin to hide a face and too dense to crop away."""
    layer = _mark_layer(image.size, _writable(mark))
    covered = image.copy()
    covered.paste(layer, mask=layer)
    return covered


@lru_cache(maxsize=16)
def _mark_layer(size: tuple[int, int], text: str) -> Image.Image:
    """Return RGBA of `size`: the text in staggered rows, rising, white with a dark edge on nothing.

    Shared between the photos of an event, which have few sizes and one mark: paste it, never draw on it.
    """
    letter_size = max(10, max(size) // 26)  # pixels
    font = ImageFont.load_default(letter_size)
    white = SMALL_WHITE if letter_size < SMALL_LETTERS else WHITE
    reach = round(hypot(*size)) + 1  # a square this wide covers `size` at any angle
    tile = Image.new("RGBA", (reach, reach))
    draw = ImageDraw.Draw(tile)
    step_x, step_y = round(draw.textlength(text, font)) + 3 * letter_size, round(3.4 * letter_size)
    for row, y in enumerate(range(0, reach, step_y)):
        for x in range(-(row % 2) * step_x // 2, reach, step_x):
            draw.text((x, y), text, white, font, stroke_width=max(1, letter_size // 14), stroke_fill=EDGE)
    left, top = (reach - size[0]) // 2, (reach - size[1]) // 2
    turned = tile.rotate(SLOPE_DEGREES, Image.Resampling.BILINEAR)
    return turned.crop((left, top, left + size[0], top + size[1]))


def _writable(mark: str) -> str:
    """Return the mark on one line without accents, or a plain one if the font lacks a letter."""
    folded = unicodedata.normalize("NFKD", " ".join(mark.split())[:MARK_LETTERS])
    text = "".join(letter for letter in folded if not unicodedata.combining(letter)).strip()
    font = ImageFont.load_default(20)
    missing = bytes(font.getmask("\U0010fffe"))
    is_writable = text and all(letter == " " or bytes(font.getmask(letter)) != missing for letter in text)
    return text if is_writable else PLAIN_MARK
