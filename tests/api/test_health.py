"""The answer for machines that restart things."""

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api import health as routes
from core import health
from core.children import ChildStatus


@pytest.fixture
def client(backends):
    health.watch(SimpleNamespace(status=lambda: [ChildStatus("worker", True, 7, 0)]))
    with TestClient(Starlette(routes=routes.ROUTES)) as client:
        yield client
    health.watch(None)


def test_all_is_well(client):
    answer = client.get("/health")

    well = {"ok": True, "detail": ""}
    parts = {
        "database": well,
        "objects": well,
        "vectors": well,
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
