"""How every part is: well, or away with a sentence."""

from types import SimpleNamespace

import pytest

from core import health, indexes, weights
from core.backends import open_database
from core.children import ChildStatus
from core.errors import Unavailable
from core.health import Part
from core.weights import FileState
from models.face import IndexStatus
from tests.fake_pixels import FakePixels
from tests.makers import make_event


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
        Part("limits", True),
        Part("worker", True),
        Part("faces", True, "bundled"),
    ]


def test_each_part_that_is_away_says_so_and_the_others_stay_well(backends, child, monkeypatch):
    def no_children(_engine):
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
        "limits": (True, ""),
        "worker": (False, "restarting"),
        "faces": (False, "The face search does not start right now."),
    }


def test_a_worker_that_was_restarted_is_well_and_tells(backends, child):
    child.status = ChildStatus("worker", True, 9, 2)

    assert health.of(backends)[4] == Part("worker", True, "2 restarts")


def test_a_site_without_a_worker_of_its_own_says_so(backends):
    assert health.of(backends)[4] == Part("worker", False, "not run by this site")


# --- face engines --------------------------------------------------------------------------

LIGHT_IS_GONE = (
    'The face engine "light" cannot be used: MobileFaceNet.onnx is not installed. '
    "To mend it: python -m core faces install light"
)


@pytest.fixture
def files(monkeypatch):
    """How downloaded weight files stand, by name: as if they were here, until a test says otherwise."""
    stand = {}
    monkeypatch.setattr(weights, "file_state", lambda file, _: stand.get(file.name, FileState.PRESENT))
    return stand


def make_index(backends, engine: str, status: IndexStatus = IndexStatus.SERVING) -> None:
    with backends.transaction() as session:
        indexes.make(session, make_event(backends).id, backends.pixels.identity(engine), status)


def faces(backends) -> list[Part]:
    return [part for part in health.of(backends) if part.name.startswith("faces")]


def test_each_engine_that_an_event_has_or_moves_to_is_a_part(backends, files):
    for status in IndexStatus:
        make_index(backends, "bundled", status)
    make_index(backends, "light")
    make_index(backends, "sface", IndexStatus.BUILDING)
    make_index(backends, "deepface", IndexStatus.RETIRED)  # nobody needs it any more

    assert faces(backends) == [
        Part("faces", True, "bundled"),
        Part("faces: light", True, "light"),
        Part("faces: sface", True, "sface"),
    ]


@pytest.mark.parametrize("status", [IndexStatus.SERVING, IndexStatus.BUILDING])
def test_a_file_that_an_event_needs_and_that_vanished_after_it_was_loaded_is_told(backends, files, status):
    make_index(backends, "light", status)
    files["MobileFaceNet.onnx"] = FileState.MISSING

    assert faces(backends) == [Part("faces", True, "bundled"), Part("faces: light", False, LIGHT_IS_GONE)]


def test_a_file_of_the_usual_engine_that_vanished_is_told_once(backends, files):
    backends.settings.face_engine = "light"
    make_index(backends, "light")
    files["MobileFaceNet.onnx"] = FileState.MISSING

    assert faces(backends) == [Part("faces", False, LIGHT_IS_GONE)]


def test_a_usual_engine_that_nobody_knows_is_told(backends):
    backends.settings.face_engine = "arcface"

    (part,) = faces(backends)

    assert not part.is_well
    assert part.detail.startswith('There is no face engine called "arcface".')


def test_an_event_whose_engine_was_replaced_by_another_version_is_told(backends, files):
    make_index(backends, "bundled")
    make_index(backends, "light")
    backends.pixels = FakePixels("f" * 64)

    assert faces(backends) == [
        Part("faces", False, str(indexes.EngineChanged())),
        Part("faces: light", False, str(indexes.EngineChanged())),
    ]
