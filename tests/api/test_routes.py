"""What is not a page, and what is nothing at all."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.api.site import site


@pytest.fixture
def client(backends) -> TestClient:
    """A program that asks a site whose pages answer every address, as Streamlit's do."""
    page = Route("/{path:path}", lambda _: PlainTextResponse("a page"))
    return TestClient(site(backends, page), base_url="http://localhost:8501")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/events/1", "/api/uploads/x", "/api/uploads/1/2", "/api/a%0Ab"]
)
def test_a_program_that_asks_for_nothing_gets_a_refusal_and_no_page(client, method, path):
    answer = client.request(method, path)

    assert (answer.status_code, answer.json()) == (
        404,
        {
            "error": "NotFound",
            "message": "There is nothing at this address.",
            "status_code": 404,
            "request_id": answer.headers["x-request-id"],
        },
    )


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_program_that_asks_in_the_wrong_way_is_told_so_and_gets_no_page(client, method):
    answer = client.request(method, "/api/uploads/1")

    assert (answer.status_code, answer.headers["allow"]) == (405, "PUT")


def test_everything_else_is_a_page(client):
    assert client.get("/gallery").text == "a page"
