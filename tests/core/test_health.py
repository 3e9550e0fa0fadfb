"""How every part is: well, or away with a sentence."""

from types import SimpleNamespace

import pytest

from core import health
from core.backends import open_database
from core.children import ChildStatus
from core.errors import Unavailable
from core.health import Part


@pytest.fixture
def child():
    """The worker of a site, as it is seen."""
    seen = SimpleNamespace(status=ChildStatus("worker", True, 7, 0))
    health.watch(SimpleNamespace(status=lambda: [ChildStatus("chroma", True, 6, 0), seen.status]))
    yield seen
    health.watch(None)


def test_a_whole_platform_is_well(backends, child):
    assert health.of(backends) == [
        Part("database", True),
        Part("objects", True),
        Part("vectors", True),
        Part("worker", True),
        Part("faces", True, "fake"),
    ]


def test_each_part_that_is_away_says_so_and_the_others_stay_well(backends, child, monkeypatch):
    def no_children():
        raise Unavailable("The face search does not start right now.")

    backends.objects.is_down = backends.vectors.is_down = True
    backends.engine = open_database("sqlite:////nowhere/at/all.db")
    monkeypatch.setattr(backends.pixels, "identity", no_children)
    child.status = ChildStatus("worker", False, None, 3)

    parts = {part.name: (part.is_well, part.detail) for part in health.of(backends)}

    assert parts == {
        "database": (False, "The database does not answer."),
        "objects": (False, "The photo store does not answer. Try again later."),
        "vectors": (False, "Search is restarting. Try again in a few seconds."),
        "worker": (False, "restarting"),
        "faces": (False, "The face search does not start right now."),
    }


def test_a_worker_that_was_restarted_is_well_and_tells(backends, child):
    child.status = ChildStatus("worker", True, 9, 2)

    assert health.of(backends)[3] == Part("worker", True, "2 restarts")


def test_a_site_without_a_worker_of_its_own_says_so(backends):
    assert health.of(backends)[3] == Part("worker", False, "not run by this site")
