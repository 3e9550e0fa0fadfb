"""Face engines and indexes over HTTP: for admins, and progress for members."""

import pytest

from core import reindex
from core.engines import ENGINES
from core.weights import WeightsMissing
from models.account import Role
from models.event import Event, MemberRole
from tests.makers import make_account, make_event, make_jpeg, make_member, owner_of, upload


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends, name="Hill Run")


@pytest.fixture
def admin(backends, bearer) -> dict[str, str]:
    return bearer(make_account(backends, Role.ADMIN))


@pytest.fixture
def shot(backends, event, work) -> None:
    """Two photos, indexed by the usual engine."""
    for number in range(2):
        upload(backends, event, make_jpeg("anna", seed=number), by=owner_of(backends, event))
    work()


def error(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def start(api, event, who, engine: str = "light"):
    return api.post(f"events/{event.id}/face-index", json={"engine": engine}, headers=who)


def test_engines_are_listed_with_how_they_stand(api, admin):
    answer = api.get("face-engines", headers=admin)

    items = {item["name"]: item for item in answer.json()["items"]}
    bundled, light = items["bundled"], items["light"]
    assert list(items) == list(ENGINES)
    assert (bundled["is_usual"], bundled["is_installed"], bundled["problem"]) == (True, True, None)
    assert (light["is_usual"], light["is_installed"], light["missing_bytes"]) == (False, False, 3_998_070)
    assert "not installed" in light["problem"]
    assert [figures["dataset"] for figures in light["measured"]] == ["portraits", "album"]
    assert light["licence"] == ENGINES["light"].licence


def test_an_event_moves_to_another_engine(backends, api, admin, event, shot, work):
    path = f"events/{event.id}/face-index"
    before = api.get(path, headers=admin).json()

    started = start(api, event, admin)
    again = start(api, event, admin, "sface")
    work()

    assert before == {"serving": "bundled", "building": None, "photos": 2, "done": 2, "failed": 0}
    assert started.status_code == 202
    assert started.json() == before | {"building": "light", "done": 0}
    assert error(again) == (409, "AlreadyBuilding")
    assert api.get(path, headers=admin).json() == before | {"serving": "light"}


def test_moving_can_be_called_off(api, admin, event, shot):
    start(api, event, admin)

    answers = [api.delete(f"events/{event.id}/face-index", headers=admin) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 409]
    assert api.get(f"events/{event.id}/face-index", headers=admin).json()["building"] is None


def test_a_move_is_started_once_for_one_key(api, admin, event, shot):
    headers = admin | {"Idempotency-Key": "the-very-first"}

    answers = [start(api, event, headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()


def test_what_cannot_be_started_is_refused(backends, api, admin, event, shot, monkeypatch):
    empty = make_event(backends)
    usual = start(api, event, admin, "bundled")
    unknown = start(api, event, admin, "eyes {0}")
    shapeless = [start(api, event, admin, engine).status_code for engine in ("", "x" * 41, "a\0b")]

    def missing(engine: str) -> None:
        raise WeightsMissing("{engine} is not installed.", engine=engine)

    monkeypatch.setattr(backends.pixels, "identity", missing)
    absent = start(api, event, admin, "sface")
    monkeypatch.undo()

    assert error(usual) == (409, "Conflict")
    assert error(unknown) == (422, "NoSuchEngine")
    assert shapeless == [422] * 3
    assert (error(absent), absent.json()["message"]) == ((409, "NotInstalled"), "sface is not installed.")
    assert error(start(api, empty, admin)) == (409, "Conflict")
    assert error(api.post("events/999999/face-index", json={"engine": "light"}, headers=admin)) == (
        404,
        "NoSuchEvent",
    )


def test_every_event_with_faces_is_listed_page_by_page(backends, api, admin, event, shot, work):
    newer = make_event(backends, name="Lake Run")
    upload(backends, newer, make_jpeg("ben", seed=7), by=owner_of(backends, newer))
    make_event(backends, name="No photo yet")
    work()
    backends.settings.weights = backends.settings.data / "nothing"

    first = api.get("face-indexes", params={"limit": 1}, headers=admin).json()
    params = {"limit": 1, "cursor": first["next_cursor"]}
    second = api.get("face-indexes", params=params, headers=admin).json()

    assert [item["event_name"] for item in first["items"] + second["items"]] == ["Lake Run", "Hill Run"]
    assert second["next_cursor"] is None
    assert second["items"] == [
        {
            "event_id": event.id,
            "event_name": "Hill Run",
            "serving": "bundled",
            "building": None,
            "photos": 2,
            "done": 2,
            "failed": 0,
            "problems": [],
        }
    ]


def test_what_is_wrong_with_an_index_is_told(backends, api, admin, event, shot):
    backends.pixels.weights_sha256 = "1" * 64

    (item,) = api.get("face-indexes", headers=admin).json()["items"]

    assert item["problems"] == [str(problem) for problem in problems(backends)]
    assert "re-index" in item["problems"][0]


def problems(backends) -> list:
    (standing,) = reindex.overview(backends, by=make_account(backends, Role.ADMIN))
    return standing.problems


def test_engines_are_for_admins_and_progress_for_members(backends, api, bearer, visitor, event, shot):
    owner = bearer(owner_of(backends, event))
    door = bearer(make_member(backends, event, MemberRole.DOOR))
    outsiders = [bearer(make_account(backends)), bearer(owner_of(backends, make_event(backends)))]
    path = f"events/{event.id}/face-index"

    def statuses(who) -> list[int]:
        return [
            api.get("face-engines", headers=who).status_code,
            api.get("face-indexes", headers=who).status_code,
            start(api, event, who).status_code,
            api.delete(path, headers=who).status_code,
            api.get(path, headers=who).status_code,
        ]

    assert [statuses(who) for who in ({}, visitor)] == [[401] * 5] * 2
    assert [statuses(who) for who in (owner, door)] == [[403] * 4 + [200]] * 2
    assert [statuses(who) for who in outsiders] == [[403] * 4 + [404]] * 2
