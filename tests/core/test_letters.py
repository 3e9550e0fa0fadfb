"""One letter as text and as HTML: the same words, nothing of strangers that works, nothing fetched."""

import re
from html.parser import HTMLParser

import pytest

from core import letters
from core.letters import Button, Letter, Row

NASTY = "<script>alert(1)</script> \"quoted\" 'too' & more"
URL = "https://photos.example.org/order?o=abc&x=1"
LETTER = Letter(
    subject="Your photos are ready: Night run",
    greeting="Hello Ada,",
    paragraphs=("Thank you. " + "These are many words that go on and on. " * 5,),
    rows=(
        Row("Night run · full size: 3 × ฿120", "฿360"),
        Row("Total", "฿360", is_total=True),
    ),
    button=Button("Open your photos", URL),
    notes=("Keep the link to yourself.",),
    footer=("Encore · photos.example.org", "You bought there."),
)


class Seen(HTMLParser):
    """The words, the tags and the addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.tags, self.links = "", [], []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]


def test_text_and_html_say_the_same():
    words = letters.text(LETTER)
    seen = Seen(letters.html(LETTER))

    said = [LETTER.greeting, *LETTER.paragraphs, *LETTER.notes, *LETTER.footer, LETTER.button.text]
    said += [word for row in LETTER.rows for word in (row.text, row.value)]
    flat, shown = " ".join(words.split()), " ".join(seen.words.split())
    assert [part for part in said if " ".join(part.split()) not in flat] == []
    assert [part for part in said if " ".join(part.split()) not in shown] == []


def test_the_text_is_lines_of_a_mail_with_each_address_by_itself():
    lines = letters.text(LETTER).splitlines()

    assert max(map(len, lines)) <= letters.WIDTH
    assert lines[0] == "Hello Ada,"
    assert URL in lines
    assert lines[lines.index(URL) - 1] == "Open your photos:"
    assert "Total" + " " * (letters.WIDTH - 9) + "฿360" in lines
    assert lines[-3:] == ["-- ", *LETTER.footer]


def test_rows_that_lead_somewhere_stand_by_themselves_with_their_addresses():
    rows = tuple(Row(f"{day} Oct 2026", "฿5", url=f"https://example.org/order?o={day}") for day in (17, 18))
    letter = Letter("A", "Hello,", (), rows=rows)

    assert letters.text(letter) == (
        "Hello,\n\n17 Oct 2026  ฿5\nhttps://example.org/order?o=17\n\n"
        "18 Oct 2026  ฿5\nhttps://example.org/order?o=18\n"
    )
    assert Seen(letters.html(letter)).links == [row.url for row in rows]


def test_an_address_is_never_broken_however_long():
    long = Letter("A", "Hello,", ("Look:",), button=Button("Open", "https://example.org/" + "x" * 500))

    assert long.button.url in letters.text(long).splitlines()


def test_the_buttons_address_is_written_out_in_html_too():
    seen = Seen(letters.html(LETTER))

    assert seen.links.count(URL) == 2
    assert URL in seen.words


def test_nothing_is_fetched_and_nobody_is_followed():
    html = letters.html(LETTER)

    assert set(Seen(html).tags) & {"img", "script", "link", "iframe", "object", "form", "video"} == set()
    assert not re.search(r"url\(|@import|src=|background=", html)
    assert {link.partition("?")[0] for link in Seen(html).links} == {"https://photos.example.org/order"}


def test_it_is_six_hundred_pixels_wide_and_knows_dark_screens():
    html = letters.html(LETTER)

    assert "max-width:600px" in html
    assert "prefers-color-scheme: dark" in html
    assert 'content="light dark"' in html


@pytest.mark.parametrize(
    "letter",
    [
        Letter(NASTY, "Hello,", ("A",)),
        Letter("A", NASTY, ("A",)),
        Letter("A", "Hello,", (NASTY,)),
        Letter("A", "Hello,", (), rows=(Row(NASTY, NASTY),)),
        Letter("A", "Hello,", (), button=Button(NASTY, f"https://example.org/{NASTY}")),
        Letter("A", "Hello,", (), notes=(NASTY,)),
        Letter("A", "Hello,", (), footer=(NASTY,)),
        Letter("A", "Hello,", (), language=NASTY),
    ],
    ids=["subject", "greeting", "paragraph", "row", "button", "note", "footer", "language"],
)
def test_what_strangers_wrote_is_words_and_nothing_else(letter):
    html = letters.html(letter)

    assert "script" not in Seen(html).tags
    assert "<script" not in html
    assert '"quoted"' not in html


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Run\r\nBcc: eve@example.org", "Run Bcc: eve@example.org"),
        ("Run\u2028\u202eflipped\x00\x07", "Run flipped"),
        ("  many \t spaces ", "many spaces"),
        ("วิ่งกลางคืน", "วิ่งกลางคืน"),
    ],
)
def test_a_name_stays_one_line_wherever_it_stands(name, shown):
    letter = Letter(name, name, (name,), rows=(Row(name, name),), footer=(name,))

    assert letter.headline == shown
    assert letter.headline.isprintable()
    assert letters.text(letter).count(shown) == 5
    assert Seen(letters.html(letter)).words.count(shown) == 7


def test_a_long_subject_is_shortened_at_a_word():
    headline = Letter("word " * 100, "Hello,", ()).headline

    assert len(headline) <= letters.LONGEST_SUBJECT
    assert headline.endswith("word …")


def test_parts_that_are_not_there_leave_nothing_behind():
    bare = Letter("Hello", "Hello,", ("One sentence.",))

    assert letters.text(bare) == "Hello,\n\nOne sentence.\n"
    assert Seen(letters.html(bare)).tags.count("table") == 2
    assert Seen(letters.html(bare)).links == []
