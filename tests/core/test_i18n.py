"""Words: English in the source, and the same sentence for a refusal as for a page."""

import threading

from core import i18n
from core.errors import Conflict


def test_english_is_what_stands_in_the_source():
    assert i18n._("Find my photos") == "Find my photos"


def test_a_count_chooses_the_form_and_is_filled_in():
    forms = [i18n.plural("{count} photo", "{count} photos", count) for count in (0, 1, 2, 1234)]

    assert forms == ["0 photos", "1 photo", "2 photos", "1,234 photos"]


def test_a_refusal_is_said_with_its_parameters():
    refusal = Conflict("A cart holds {limit} photos.", limit=500)

    assert i18n.refusal(refusal) == str(refusal) == "A cart holds 500 photos."


def test_braces_in_a_parameter_are_only_text():
    assert i18n.refusal(Conflict("There is no {name}.", name="{name} {0}")) == "There is no {name} {0}."


def test_a_language_is_spoken_in_its_thread_only_and_unknown_ones_are_english():
    spoken = []

    def elsewhere() -> None:
        i18n.use("tlh")
        spoken.append(i18n.language())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()

    assert (spoken, i18n.language()) == (["en"], "en")
