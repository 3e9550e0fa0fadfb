"""What every mail looks like: text and HTML made of one letter, whose words come from elsewhere."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

WIDTH = 78  # characters of a line of text; what has no spaces is never broken
LONGEST_SUBJECT = 150  # characters


@dataclass(frozen=True)
class Row:
    """A line of a table: words, and a number at its end. `url` is a full one, where the words lead."""

    text: str
    value: str = ""
    url: str = ""
    is_total: bool = False


@dataclass(frozen=True)
class Button:
    """The one way on from a letter."""

    text: str
    url: str  # a full one


@dataclass(frozen=True)
class Letter:
    """A mail as its words, in the order in which they are read. Each text is one paragraph."""

    subject: str
    greeting: str
    paragraphs: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    button: Button | None = None
    notes: tuple[str, ...] = ()  # below the button, in small print
    footer: tuple[str, ...] = ()  # who sends it, and why
    language: str = "en"

    @property
    def headline(self) -> str:
        """The subject as one line of a mail's head, whatever strangers called themselves."""
        return textwrap.shorten(one_line(self.subject), LONGEST_SUBJECT, placeholder=" …")


def one_line(text: str) -> str:
    """Return words without line ends, hidden directions and other signs that are not to be seen."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def text(letter: Letter) -> str:
    """Return a letter as plain text: lines of 78 characters, every address in a line of its own."""
    return "\n\n".join(_blocks(letter)) + "\n"


def _blocks(letter: Letter) -> Iterator[str]:
    yield from map(_filled, (letter.greeting, *letter.paragraphs))
    if letter.rows:
        yield from _table(letter.rows)
    if letter.button is not None:
        yield f"{one_line(letter.button.text)}:\n{letter.button.url}"
    yield from map(_filled, letter.notes)
    if letter.footer:
        yield "-- \n" + "\n".join(map(_filled, letter.footer))


def _filled(paragraph: str) -> str:
    return textwrap.fill(one_line(paragraph), WIDTH, break_long_words=False, break_on_hyphens=False)


def _table(rows: tuple[Row, ...]) -> Iterator[str]:
    """Yield numbers below each other; with addresses in between, each row stands by itself."""
    if any(row.url for row in rows):
        yield from (f"{one_line(row.text)}  {one_line(row.value)}\n{row.url}".strip() for row in rows)
    else:
        yield "\n".join(map(_line, rows))


def _line(row: Row) -> str:
    words, value = one_line(row.text), one_line(row.value)
    gap = " " * max(2, WIDTH - len(words) - len(value))
    return f"{words}{gap}{value}" if value else words


def html(letter: Letter) -> str:
    """Return a letter as HTML: 600 pixels wide, light and dark, with nothing fetched from anywhere."""
    return _template().render(letter=letter)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["one_line"] = one_line
    return environment.get_template("letter.html.jinja")
