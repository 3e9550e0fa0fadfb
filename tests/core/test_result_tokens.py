"""Results in the hands of programs: whole, their owner's only, and not too long for a request."""

import base64
from datetime import timedelta
from uuid import uuid4

import pytest

from core import result_tokens
from core.results import Found, Hit, Remembered, SeenFace
from models.photo import Photo
from tests.makers import make_viewer

EVENT = 7


def found(count: int) -> Found:
    hits = [Hit(Photo(), uuid4(), 1 / (number + 3)) for number in range(count)]
    return Found(hits[: count // 2], hits[count // 2 :], 1000, 3)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_a_result_comes_back_to_the_last_digit(backends, count):
    result, viewer = found(count), make_viewer()

    token = result_tokens.write(backends, EVENT, result, by=viewer)

    seen = [SeenFace(hit.face_id, hit.certainty) for hit in result.hits]
    assert result_tokens.read(backends, EVENT, token, by=viewer) == Remembered(seen, 3)


def test_a_result_is_read_for_its_visitor_and_event_within_the_hour(backends, monkeypatch):
    viewer, now = make_viewer(), backends.now()
    monkeypatch.setattr(backends, "now", lambda: now)
    token = result_tokens.write(backends, EVENT, found(1), by=viewer)

    for event_id, reader, age in (
        (EVENT + 1, viewer, timedelta()),
        (EVENT, make_viewer(), timedelta()),
        (EVENT, viewer, result_tokens.RESULT_TTL + timedelta(seconds=1)),
    ):
        monkeypatch.setattr(backends, "now", lambda age=age: now + age)
        with pytest.raises(result_tokens.ResultUnknown):
            result_tokens.read(backends, event_id, token, by=reader)


def test_a_result_does_not_tell_whose_it_is(backends):
    viewer = make_viewer()

    token = result_tokens.write(backends, EVENT, found(0), by=viewer)

    assert viewer.visitor_key.encode() not in base64.urlsafe_b64decode(token.partition(".")[0] + "==")


def test_the_result_of_a_thousand_photos_fits_a_request(backends):
    assert len(result_tokens.write(backends, EVENT, found(1000), by=make_viewer())) < 40_000
