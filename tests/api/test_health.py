"""The answer for machines that restart things."""

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import health
from core.children import ChildStatus
from tests.api.site import app_routes


@pytest.fixture
def client(backends):
    health.watch(SimpleNamespace(status=lambda: [ChildStatus("worker", True, 7, 0)]))
    with TestClient(Starlette(routes=app_routes(backends.settings))) as client:
        yield client
    health.watch(None)


def test_all_is_well(client):
    answer = client.get("/health")

    well = {"ok": True, "detail": ""}
    parts = {
        "database": well,
        "objects": well,
        "vectors": well,
        "limits": well,
        "worker": well,
        "faces": well | {"detail": "bundled"},
    }
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "parts": parts})
    assert answer.headers["cache-control"] == "no-store"


def test_one_part_that_is_away_makes_the_whole_unwell(backends, client):
    backends.vectors.is_down = True

    answer = client.get("/health")

    assert (answer.status_code, answer.json()["ok"]) == (503, False)
    assert [name for name, part in answer.json()["parts"].items() if not part["ok"]] == ["vectors"]


def test_ready_is_the_same_question(backends, client):
    ready = client.get("/health/ready")
    backends.vectors.is_down = True
    unready = client.get("/health/ready")

    assert (ready.status_code, unready.status_code) == (200, 503)
    assert unready.json() == client.get("/health").json()


def test_a_process_that_answers_is_alive_whatever_is_down(client, monkeypatch):
    monkeypatch.setattr("core.wiring.backends", lambda: pytest.fail("it asked a part"))

    answer = client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert answer.headers["cache-control"] == "no-store"
