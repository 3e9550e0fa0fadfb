"""What a monitor reads, and who may."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from api import lines, metrics
from core import jobs
from models.job import JobKind
from tests.api.site import app_routes, site
from tests.makers import make_event

TOKEN = {"Authorization": "Bearer a token for the monitor"}
HERE = ("127.0.0.1", 50000)


@pytest.fixture
def ask(backends):
    """Ask the site, from this machine or elsewhere; its pages answer every other address."""

    def page(_) -> PlainTextResponse:
        return PlainTextResponse("a page")

    def bug(_) -> PlainTextResponse:
        raise RuntimeError("a bug")

    metrics.know(app_routes(backends.settings))
    app = site(backends, Route("/bug", bug), Route("/{path:path}", page))

    def get(path, client=HERE, method="GET", **headers):
        program = TestClient(
            app, base_url="http://localhost:8501", client=client, raise_server_exceptions=False
        )
        return program.request(method, path, headers=headers)

    return get


def read(answer) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and labels in order of their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def grown(ask, *requests) -> dict[tuple[str, ...], float]:
    """What was counted for these requests, by GET or by another method."""
    before = read(ask("/metrics"))
    for path, *method in requests:
        ask(path, method=(method or ["GET"])[0])
    after = read(ask("/metrics"))
    counted = {key: value - before.get(key, 0) for key, value in after.items()}
    names = ("encore_http_requests_total", "encore_refusals_total")
    return {
        key: value
        for key, value in counted.items()
        if key[0] in names and value and key[2:3] != ("/metrics",)
    }


def test_requests_are_counted_by_the_template_of_their_route(ask):
    counted = grown(ask, ("/api/v1/events/1",), ("/api/v1/events/2",), ("/health/live",))

    assert counted == {
        ("encore_http_requests_total", "GET", "/api/v1/events/{event_id}", "404"): 2,
        ("encore_http_requests_total", "GET", "/health/live", "200"): 1,
        ("encore_refusals_total", "NoSuchEvent"): 2,
    }


def test_pages_are_one_route_and_what_is_not_there_another(ask):
    counted = grown(ask, ("/gallery",), ("/_stcore/health",), ("/api/nothing",), ("/api/v1/nothing/1",))

    assert counted == {
        ("encore_http_requests_total", "GET", "pages", "200"): 2,
        ("encore_http_requests_total", "GET", "nothing", "404"): 2,
        ("encore_refusals_total", "NotFound"): 2,
    }


def test_methods_that_nobody_knows_are_one_series(ask):
    counted = grown(ask, ("/gallery", "BREW"), ("/gallery", "WHEN"))

    assert counted == {("encore_http_requests_total", "other", "pages", "405"): 2}


def test_a_bug_counts_as_an_error_of_ours(ask):
    assert grown(ask, ("/bug",)) == {("encore_http_requests_total", "GET", "pages", "500"): 1}


def test_the_time_of_a_request_is_measured(ask):
    ask("/health/live")

    samples = read(ask("/metrics"))
    name = "encore_http_request_duration_seconds"
    assert samples[f"{name}_bucket", "+Inf", "/health/live"] == samples[f"{name}_count", "/health/live"] >= 1
    assert 0 < samples[f"{name}_sum", "/health/live"] < 60


def test_jobs_are_counted_when_somebody_looks(ask, backends):
    make_event(backends)
    with backends.transaction() as session:
        jobs.enqueue(session, JobKind.RENDER_PHOTO, "1")

    samples = read(ask("/metrics"))

    found = {key[1]: value for key, value in samples.items() if key[0] == "encore_jobs"}
    assert found == {"due": 1, "running": 0, "done": 0, "failed": 0}


def test_the_figures_come_without_the_database_too(ask, backends):
    with backends.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE job")

    answer = ask("/metrics")

    assert answer.status_code == 200
    assert ("encore_live_listeners",) in read(answer)


def test_live_lines_are_counted_while_they_are_open(ask):
    with lines._counted(7), lines._counted(8):
        open_ones = read(ask("/metrics"))["encore_live_listeners",]

    assert (open_ones, read(ask("/metrics"))["encore_live_listeners",]) == (2, 0)


@pytest.mark.parametrize("client", [HERE, ("::1", 50000)])
def test_this_machine_may_look(ask, client):
    assert ask("/metrics", client).status_code == 200


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        (("203.0.113.7", 50000), {}),
        (("203.0.113.7", 50000), {"X-Forwarded-For": "127.0.0.1"}),
        (HERE, {"X-Forwarded-For": "203.0.113.7"}),  # a proxy that nobody told us of
        (HERE, {"X-Forwarded-For": "127.0.0.1"}),
        (HERE, {"Forwarded": "for=127.0.0.1"}),
        (("testclient", 50000), {}),
        (None, {}),
    ],
)
def test_nobody_else_learns_that_there_is_anything(ask, client, headers):
    answer = ask("/metrics", client, **headers)

    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_behind_a_proxy_everybody_comes_from_here_and_nobody_may_look(ask, backends):
    backends.settings.proxies = 1

    assert ask("/metrics").status_code == 404


def test_who_has_the_token_may_look_from_anywhere(ask, backends):
    backends.settings.metrics_token = SecretStr("a token for the monitor")
    backends.settings.proxies = 1

    assert ask("/metrics", ("203.0.113.7", 50000), **TOKEN).status_code == 200


@pytest.mark.parametrize(
    "given", ["Bearer another token", "Basic a token for the monitor", "Bearer ", "Bearer \xe9"]
)
def test_another_token_opens_nothing(ask, backends, given):
    backends.settings.metrics_token = SecretStr("a token for the monitor")

    answer = ask("/metrics", ("203.0.113.7", 50000), Authorization=given.encode("latin-1"))

    assert answer.status_code == 404


@pytest.mark.parametrize("token", [None, SecretStr("")])
def test_where_no_token_is_set_an_empty_one_opens_nothing(ask, backends, token):
    backends.settings.metrics_token = token

    assert ask("/metrics", ("203.0.113.7", 50000), Authorization="Bearer ").status_code == 404


def test_a_known_series_is_found_without_making_it_again(backends):
    metrics.know(metrics.ROUTES)
    app = Starlette(middleware=[Middleware(metrics.Measured)], routes=metrics.ROUTES)
    client = TestClient(app, client=HERE)

    before = len(metrics._series)
    for _ in range(3):
        client.get("/metrics")

    assert len(metrics._series) <= before + 1
