"""The document of the API is enough to write a program against."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from sqlmodel import col, select

from api import app, told
from api.schemas import Request
from core import carts, checkouts, notices, payments, photos, refunds, webhooks
from core.backends import Backends
from core.gateway import DisputeState, PaymentState
from core.settings import Settings
from models.notice import Notice, NoticeKind
from models.order import Order
from models.photo import Photo, Review
from tests.core.test_search import ask, shoot
from tests.makers import make_event, make_viewer, owner_of

ANSWERS = ("Event", "Found", "Notice", "Order", "Photo", "ShareLink", "Webhook", "WebhookWithSecret")
ENDS = (".", "?", "!")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return app.build(Settings(_env_file=None)).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in (*document["paths"].values(), *document["webhooks"].values()):
        for operation in path.values():
            yield operation["operationId"], operation


def models(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Every model of a kind that the routes have."""
    for model in kind.__subclasses__():
        yield model
        yield from models(model)


def descriptions(part: object, place: str) -> Iterator[tuple[str, str]]:
    """Every description in a part of the document, and where it is."""
    if isinstance(part, dict):
        if isinstance(part.get("description"), str):
            yield place, part["description"]
        for name, inside in part.items():
            if name not in ("example", "examples", "default"):
                yield from descriptions(inside, f"{place} {name}")
    if isinstance(part, list):
        for inside in part:
            yield from descriptions(inside, place)


def test_every_parameter_is_described(document):
    bare = [
        (name, parameter["name"])
        for name, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]

    assert bare == []


def test_no_description_ends_in_the_middle_of_a_sentence(document):
    parts = {"schemas": document["components"]["schemas"], "info": document["info"]}
    for name, operation in operations(document):
        parts[name] = {part: operation.get(part) for part in ("description", "parameters", "requestBody")}

    cut = [one for one in descriptions(parts, "") if not one[1].rstrip("*)").endswith(ENDS)]

    assert cut == []


def test_everything_that_is_sent_has_an_example_that_would_be_taken(document):
    sent = [model for model in models(Request) if model.__name__ in document["components"]["schemas"]]

    without = [model.__name__ for model in sent if not examples(document, model.__name__)]

    assert without == []
    assert len(sent) > 20
    for model in sent:
        for example in examples(document, model.__name__):
            model.model_validate(example)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_answered_most_has_an_example_of_its_own_shape(document, name):
    schema = document["components"]["schemas"][name]

    (example,) = examples(document, name)

    whole = dict.fromkeys(schema.get("required", [])) | example  # FastAPI leaves out what is null
    made = model_of(name).model_validate(whole)
    assert shape(made.model_dump(mode="json")) == shape(whole)


def model_of(name: str) -> type[BaseModel]:
    """The model of that name, of whichever noun it is."""
    modules = [module for _, module in inspect.getmembers(app, inspect.ismodule)]
    return next(vars(module)[name] for module in modules if name in vars(module))


def shape(value: object) -> object:
    """The names in a value, however deep, and no values."""
    if isinstance(value, dict):
        return {name: shape(inside) for name, inside in value.items()}
    return [shape(inside) for inside in value] if isinstance(value, list) else None


def examples(document: dict[str, Any], name: str) -> list[Any]:
    return document["components"]["schemas"][name].get("examples", [])


def test_no_two_models_have_one_name(document):
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


# --- what is told --------------------------------------------------------------------------


@pytest.fixture
def event(backends):
    return make_event(backends)


def noted(backends: Backends) -> Iterator[Notice]:
    with backends.reading() as session:
        yield from session.exec(select(Notice).order_by(col(Notice.id)))


def pay(backends: Backends, photo: Photo) -> Order:
    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id])
    order = checkouts.place(backends, viewer, "runner@example.org")
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    return payments.refresh(backends, order.id)


def test_every_kind_is_told_as_the_document_says(backends, event, work):
    owner = owner_of(backends, event)
    kept, gone = (shoot(backends, event, "anna", seed=seed) for seed in (1, 2))
    work()
    photos.review(backends, [gone.id], Review.REJECTED, by=owner)
    ask(backends, event, make_viewer(), "anna")
    paid = pay(backends, kept)
    dispute_id, _ = backends.payments.dispute(paid.checkout_id, paid.total_amount)
    payments.settle(backends, str(paid.id))
    backends.payments.close_dispute(dispute_id, DisputeState.WON)
    payments.settle(backends, str(paid.id))
    refunds.give_back(backends, paid.id, None, "Blurred.", by=owner)
    work()
    photos.delete(backends, [gone.id], by=owner)

    found = list(noted(backends))

    assert {notice.kind for notice in found} == set(NoticeKind)
    for notice in found:
        heard = told.Notice.model_validate_json(notices.body(notice), extra="forbid").root
        assert (heard.id, heard.kind, heard.event_id) == (notice.id, notice.kind, event.id)
        assert heard.at == notice.at
        assert heard.data.model_dump(mode="json") == notice.data


def test_a_test_message_is_told_as_the_document_says(backends, event):
    owner = owner_of(backends, event)
    webhook = webhooks.create(backends, event.id, "https://hooks.example/encore", [], by=owner)

    delivery = webhooks.ping(backends, webhook.id, by=owner)

    heard = told.Notice.model_validate_json(delivery.body, extra="forbid").root
    assert isinstance(heard, told.Ping)
