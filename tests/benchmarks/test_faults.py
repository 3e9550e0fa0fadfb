"""The checker of the API's promises finds the faults that are put before it."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from benchmarks import faults
from tests.api.site import serving


class Thing(BaseModel):
    """What the faulty site promises."""

    name: str = Field(min_length=1)


def faulty() -> FastAPI:
    """A site with one fault of each kind, and one route without."""
    app = FastAPI(openapi_url="/api/openapi.json")

    @app.get("/good/{number}", operation_id="good")
    def good(number: int) -> Thing:
        return Thing(name=str(number))

    @app.get("/crash", operation_id="crash")
    def crash(size: int = 1) -> Thing:
        return Thing(name=str(1 // size)) if size else JSONResponse({}, 500)

    @app.get("/shape/{number}", response_model=Thing, operation_id="shape")
    def shape(number: int) -> JSONResponse:
        return JSONResponse({"name": ""})

    @app.post("/status", operation_id="status")
    def status(thing: Thing) -> JSONResponse:
        return JSONResponse({"name": "x"}, 418)

    return app


def test_every_seeded_fault_is_found_and_no_other():
    with serving(faulty()) as site:
        count, found = faults.find(f"http://{site}", {"anybody": dict}, {"number": 7}, examples=40)

    assert count > 100
    assert {fault.operation for fault in found} == {"crash", "shape", "status"}
