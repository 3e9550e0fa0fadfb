"""A request under one key is carried out once."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core import repeats
from core.repeats import Answer, KeyReused, Repeatable, StillWorking
from models.fields import utc_now
from models.idempotency import KeptAnswer

REQUEST = Repeatable("1:visitor\nPOST\n/api/v1/orders\n\nkey-of-theirs", "a" * 64)
PAID = Answer(201, b'{"status":"paid"}')


def test_the_second_time_it_is_answered_as_the_first(backends):
    assert repeats.begin(backends, REQUEST) is None
    repeats.end(backends, REQUEST, PAID)

    assert repeats.begin(backends, REQUEST) == PAID


def test_the_same_key_for_another_content_is_refused(backends):
    repeats.begin(backends, REQUEST)
    repeats.end(backends, REQUEST, PAID)

    with pytest.raises(KeyReused):
        repeats.begin(backends, Repeatable(REQUEST.name, "b" * 64))


def test_the_same_key_of_somebody_else_is_another(backends):
    repeats.begin(backends, REQUEST)
    repeats.end(backends, REQUEST, PAID)

    assert repeats.begin(backends, Repeatable("2" + REQUEST.name[1:], "a" * 64)) is None


def test_a_request_on_its_way_is_not_carried_out_beside_itself(backends):
    repeats.begin(backends, REQUEST)

    with pytest.raises(StillWorking):
        repeats.begin(backends, REQUEST)


def test_what_was_refused_may_be_sent_again(backends):
    repeats.begin(backends, REQUEST)

    repeats.forget(backends, REQUEST)

    assert repeats.begin(backends, REQUEST) is None


def test_an_answer_that_was_given_is_not_forgotten(backends):
    repeats.begin(backends, REQUEST)
    repeats.end(backends, REQUEST, PAID)

    repeats.forget(backends, REQUEST)

    assert repeats.begin(backends, REQUEST) == PAID


def test_a_request_whose_site_died_may_be_sent_again_after_a_minute(backends):
    repeats.begin(backends, REQUEST)
    minute_later = utc_now() + timedelta(seconds=61)
    backends.now = lambda: minute_later

    assert repeats.begin(backends, REQUEST) is None
    with pytest.raises(StillWorking):
        repeats.begin(backends, REQUEST)


def test_the_table_holds_neither_the_key_nor_the_answer(backends):
    repeats.begin(backends, REQUEST)
    repeats.end(backends, REQUEST, PAID)

    with backends.reading() as session:
        row = str(session.exec(select(KeptAnswer)).one())

    assert "key-of-theirs" not in row
    assert "paid" not in row
