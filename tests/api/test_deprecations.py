"""What a route says when its end is decided."""

from datetime import date

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import app as site_api
from api import deprecations, routing

ANNOUNCED = deprecations.deprecated(date(2026, 11, 1), date(2027, 5, 1), "https://example.org/changes")
ENDLESS = deprecations.deprecated(date(2026, 11, 1), None, "/api/docs")


@pytest.fixture
def app() -> FastAPI:
    """An API with a route that goes, one that is only not recommended any more, and one that stays."""
    router = routing.router("things")

    @router.get("/goes", deprecated=True, dependencies=[ANNOUNCED])
    def goes() -> int:
        return 1

    @router.get("/unloved", deprecated=True, dependencies=[ENDLESS])
    def unloved() -> int:
        return 2

    @router.get("/stays")
    def stays() -> int:
        return 3

    app = FastAPI()
    app.include_router(router, prefix="/v1")
    return app


def test_a_route_that_goes_says_since_when_until_when_and_what_to_use_instead(app):
    answer = TestClient(app).get("/v1/goes")

    assert answer.json() == 1
    assert answer.headers["deprecation"] == "@1793491200"  # RFC 9745: seconds since 1970, of midnight UTC
    assert answer.headers["sunset"] == "Sat, 01 May 2027 00:00:00 GMT"
    assert answer.headers["link"] == '<https://example.org/changes>; rel="deprecation"; type="text/html"'


def test_without_a_decided_end_there_is_no_sunset(app):
    headers = TestClient(app).get("/v1/unloved").headers

    assert (headers["deprecation"], "sunset" in headers) == ("@1793491200", False)


def test_what_stays_says_nothing(app):
    headers = TestClient(app).get("/v1/stays").headers

    assert {"deprecation", "sunset", "link"} & set(headers) == set()


def test_the_document_says_so_too(app):
    paths = app.openapi()["paths"]

    marked = {path: paths[path]["get"].get("deprecated", False) for path in paths}
    assert marked == {"/v1/goes": True, "/v1/unloved": True, "/v1/stays": False}
    assert list(deprecations.silent(app)) == []


def test_a_route_that_is_deprecated_in_the_document_only_is_found(app):
    app.add_api_route("/forgotten", lambda: 1, deprecated=True)
    app.add_api_route("/unmarked", lambda: 1, dependencies=[ANNOUNCED])

    assert sorted(deprecations.silent(app)) == ["/forgotten", "/unmarked"]


def test_every_deprecated_route_of_the_site_announces_it(settings):
    assert list(deprecations.silent(site_api.build(settings))) == []


def test_no_route_is_gone_before_it_is_deprecated():
    with pytest.raises(ValueError, match="before it is deprecated"):
        deprecations.deprecated(date(2027, 1, 1), date(2026, 1, 1), "/api/docs")
