"""How a route is found among many, and in which thread it runs."""

import threading

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.testclient import TestClient

from api import app as site_api
from api import routing


def scope(method: str, path: str, kind: str = "http") -> dict:
    return {"type": kind, "method": method, "path": path, "root_path": "", "headers": []}


def routes() -> list[APIRoute]:
    return [route for router in site_api.ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def first_of_all(method: str, path: str) -> APIRoute:
    """What FastAPI finds, one after the other."""
    return next(
        route
        for route in routes()
        if method in route.methods and route.path_regex.match(path.removeprefix("/v1"))
    )


@pytest.fixture(scope="module")
def directory() -> routing.Directory:
    return routing.Directory("/v1", site_api.ROUTERS)


def test_every_route_of_the_site_is_found_as_fastapi_would_find_it(directory):
    for route in routes():
        for method in route.methods:
            path = "/v1" + route.path_format.format_map(dict.fromkeys(route.param_convertors, "7"))

            match, found = directory.matches(scope(method, path))

            assert match is Match.FULL
            assert found["route"] is first_of_all(method, path)
            assert found["path_params"] == dict.fromkeys(route.param_convertors, "7")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1"),
        ("GET", "/v1/"),
        ("GET", "/"),
        ("GET", "/v2/events"),
        ("GET", "/v1/events/"),
        ("GET", "/v1/events/1/nothing"),
        ("BREW", "/v1/events"),
        ("HEAD", "/v1/events"),
    ],
)
def test_what_is_not_in_it_is_left_to_others(directory, method, path):
    assert directory.matches(scope(method, path)) == (Match.NONE, {})


def test_websockets_are_left_to_others(directory):
    assert directory.matches(scope("GET", "/v1/events", "websocket")) == (Match.NONE, {})


@pytest.fixture
def client() -> TestClient:
    router = routing.router("things")

    @router.get("/plain")
    def plain() -> str:
        return threading.current_thread().name

    @router.get("/asynchronous")
    async def asynchronous() -> str:
        return threading.current_thread().name

    app = FastAPI()
    app.router.routes.append(routing.Directory("/v1", [router]))
    app.include_router(router, prefix="/v1")
    return TestClient(app)


def test_a_plain_route_runs_in_a_thread_and_an_asynchronous_one_in_the_loop(client):
    plain, asynchronous = client.get("/v1/plain").json(), client.get("/v1/asynchronous").json()

    assert plain.startswith("AnyIO worker")
    assert not asynchronous.startswith("AnyIO worker")


def test_a_wrong_method_is_still_told_the_right_one(client):
    answer = client.post("/v1/plain")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_an_answer_is_checked_in_the_thread_that_made_it_or_in_the_loop_but_in_no_second_one(
    client, monkeypatch
):
    hops = []
    hop = routing.run_in_threadpool

    async def counted(*arguments, **named):
        hops.append(arguments)
        return await hop(*arguments, **named)

    monkeypatch.setattr(routing, "run_in_threadpool", counted)
    monkeypatch.setattr("fastapi.routing.run_in_threadpool", counted)

    client.get("/v1/plain")

    assert len(hops) == 1
