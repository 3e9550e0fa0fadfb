"""A search asks for consent before any pixel is looked at, and leaves no trace of the face."""

from pathlib import Path

import numpy as np
import pytest

from core import consent, search
from core.errors import NotFound
from core.incoming import FileTooBig
from models.consent import ConsentReceipt, Purpose
from models.event import EventStatus, Visibility
from tests.core.test_search import ask, searches, shoot
from tests.fake_pixels import FakePixels, embedding
from tests.makers import make_event, make_jpeg, make_viewer, some_id


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def viewer():
    return make_viewer()


class Blindfolded(FakePixels):
    """Pixels that must not be looked at."""

    def selfie(self, content: bytes, engine: str):
        raise AssertionError("a face was looked at without consent")


def no_receipt(backends, event, viewer) -> ConsentReceipt:
    return ConsentReceipt(id=some_id())


def of_another_visitor(backends, event, viewer) -> ConsentReceipt:
    return consent.give(backends, event.id, Purpose.SEARCH, by=make_viewer())


def for_another_event(backends, event, viewer) -> ConsentReceipt:
    return consent.give(backends, make_event(backends).id, Purpose.SEARCH, by=viewer)


def withdrawn(backends, event, viewer) -> ConsentReceipt:
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)
    consent.withdraw(backends, receipt.id, by=viewer)
    return receipt


def in_yesterdays_words(backends, event, viewer) -> ConsentReceipt:
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)
    with backends.transaction() as session:
        session.get_one(ConsentReceipt, receipt.id).version = "2020-01"
    return receipt


@pytest.mark.parametrize(
    "arrange", [no_receipt, of_another_visitor, for_another_event, withdrawn, in_yesterdays_words]
)
def test_without_consent_no_face_is_looked_at(backends, event, viewer, arrange):
    receipt = arrange(backends, event, viewer)
    backends.pixels = Blindfolded()

    with pytest.raises(consent.ConsentMissing, match="agree"):
        ask(backends, event, viewer, "anna", receipt=receipt)
    with pytest.raises(consent.ConsentMissing):
        search.by_selfies(backends, event.id, [make_jpeg("anna")], receipt_id=None, by=viewer)

    assert searches(backends) == []


@pytest.mark.parametrize("fields", [{"status": EventStatus.DRAFT}, {"visibility": Visibility.BY_LINK}])
def test_an_event_that_may_not_be_seen_is_not_searched(backends, viewer, fields):
    event = make_event(backends)
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)
    with backends.transaction() as session:
        session.get_one(type(event), event.id).sqlmodel_update(fields)
    backends.pixels = Blindfolded()

    with pytest.raises(NotFound):
        ask(backends, event, viewer, "anna", receipt=receipt)


def test_a_selfie_of_too_many_bytes_is_not_decoded(backends, event, viewer):
    backends.settings.max_selfie_mib = 1
    backends.pixels = Blindfolded()

    with pytest.raises(FileTooBig):
        ask(backends, event, viewer, selfie=bytes(2**20 + 1))


def test_a_search_leaves_counts_and_nothing_else(backends, event, viewer, work):
    shoot(backends, event, "ben")
    work()
    objects, vectors = list(backends.objects.keys("")), dict(backends.vectors._collections)
    selfie, probe = make_jpeg("zoe", size=(640, 480), seed=77), embedding("zoe")

    ask(backends, event, viewer, selfie=selfie)

    backends.engine.dispose()  # the write-ahead log goes into the file
    root = Path(backends.settings.sqlalchemy_url().removeprefix("sqlite:///")).parent
    written = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    traces = [
        probe.tobytes(),
        probe.astype(np.float64).tobytes(),
        selfie,
        selfie[100:164],
        str(probe[0]).encode(),
    ]
    assert b"SQLite format 3" in written
    assert [trace for trace in traces if trace in written] == []
    assert list(backends.objects.keys("")) == objects
    assert backends.vectors._collections.keys() == vectors.keys()
    assert searches(backends) == [{"sure": 0, "maybe": 0}]


def test_the_look_for_traces_would_see_one(backends, event):
    """The control of the test above."""
    probe = embedding("zoe")
    (backends.settings.data / "kept.bin").write_bytes(b"x" + probe.tobytes())

    written = b"".join(path.read_bytes() for path in backends.settings.data.rglob("*") if path.is_file())

    assert probe.tobytes() in written
