"""The whole main line through HTTP alone, with a typed client that was generated from the served document."""

import hashlib
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from types import ModuleType
from urllib.request import urlopen

import httpx
import pytest

from core import demo
from core.settings import ROOT

DEMO = ROOT / "data" / "demo"
PEOPLE = json.loads((DEMO / "truth.json").read_text())["people"]
GUEST = "guest_01"
PATIENCE = 120  # seconds until every photo is searchable
CONFIGURATION = """
project_name_override: encore_client
package_name_override: encore_client
post_hooks: []
"""


@pytest.fixture(scope="module")
def encore_client(site, tmp_path_factory) -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the generated client, by its name."""
    folder = tmp_path_factory.mktemp("client")
    document, configuration = folder / "openapi.json", folder / "configuration.yaml"
    with urlopen(f"{site.address}/api/openapi.json") as answer:
        document.write_bytes(answer.read())
    configuration.write_text(CONFIGURATION)
    generate = [Path(sys.executable).with_name("openapi-python-client"), "generate", "--meta", "none"]
    given = ["--path", document, "--config", configuration, "--output-path", folder / "encore_client"]
    subprocess.run([*generate, *given], check=True, capture_output=True, cwd=folder)
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"encore_client.{name}")
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "encore_client"]:
        del sys.modules[name]


class Program:
    """What a program does with the client, as one of those who may."""

    def __init__(self, imported: Callable[[str], ModuleType], client: object) -> None:
        self._imported, self._client = imported, client

    def __call__(self, operation: str, *ids: object, **arguments: object) -> object:
        """Call an operation, `tag.name`, and return its typed answer. A refusal is a failure."""
        answer = self._imported(f"api.{operation}").sync_detailed(*ids, client=self._client, **arguments)
        assert answer.status_code < 300, answer.content
        return answer.parsed

    def model(self, name: str, /, **values: object) -> object:
        """Make what an operation sends."""
        module, _, kind = name.partition(".")
        return getattr(self._imported(f"models.{module}"), kind)(**values)


@pytest.fixture
def connect(site, encore_client) -> Iterator[Callable[..., Program]]:
    """Make a program that calls the site, as somebody or as nobody; all are closed in the end."""
    with ExitStack() as stack:

        def make(token: str = "", **how: str) -> Program:
            kinds, address = encore_client("client"), f"{site.address}/api"
            client = (
                kinds.AuthenticatedClient(address, token=token, timeout=60, **how)
                if token
                else kinds.Client(address)
            )
            return Program(encore_client, stack.enter_context(client))

        yield make


@pytest.fixture
def organiser(connect, encore_client) -> Program:
    """A program that signed in for the demo's organiser."""
    nobody = connect()
    form = nobody.model(
        "token_request.TokenRequest",
        grant_type=encore_client("models.token_request_grant_type").TokenRequestGrantType.PASSWORD,
        username="organiser@demo.example",
        password=demo.PASSWORD,
    )
    return connect(nobody("sign_in.sign_in", body=form).access_token)


@pytest.fixture
def visitor(connect) -> Program:
    """A program for somebody without an account, such as a booth."""
    secret = connect()("share_links.create_visitor").visitor
    return connect(secret, prefix="", auth_header_name="X-Visitor")


@pytest.mark.integration
def test_from_photos_to_paid_originals(organiser, visitor, encore_client):
    names = [Path(name).name for name in PEOPLE[GUEST]["photos"]][:4]
    others = [path.name for path in sorted((DEMO / "photos").iterdir()) if path.name not in _theirs()][:4]

    event_id = _publish(organiser, encore_client, [*names, *others])
    link = organiser("share_links.create_link", event_id, body=organiser.model("new_share_link.NewShareLink"))
    visit = visitor("share_links.open_link", body=visitor.model("opened_link.OpenedLink", link=link.url))
    found = _search(visitor, encore_client, event_id)
    order = _buy(visitor, encore_client, [hit.photo.id for hit in found.sure])
    files = visitor("orders.list_downloads", order.id).items

    assert visit.event.id == event_id
    assert {hit.photo.filename for hit in found.sure} <= set(names)
    assert len(found.sure) >= 2
    assert (order.status.value, order.total_amount) == ("paid", 12_000 * len(found.sure))
    for file in files:
        content = httpx.get(file.url).content
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert content == (DEMO / "photos" / file.filename).read_bytes()
    sales = organiser("statistics.get_sales", event_id)
    assert (sales.revenue_amount, sales.order_count) == (order.total_amount, 1)


def _theirs() -> set[str]:
    return {Path(name).name for name in PEOPLE[GUEST]["photos"]}


def _publish(organiser: Program, encore_client, names: Sequence[str]) -> int:
    """Make an event, upload its photos, wait for their faces, approve them and open the event."""
    details = organiser.model(
        "new_event.NewEvent", name="By programs alone", held_on=date(2026, 11, 1), price_amount=12_000
    )
    event = organiser("events.create_event", body=details)
    gallery = organiser("galleries.list_galleries", event.id).items[0]
    file_of, body_of = encore_client("types").File, encore_client("models.upload_photos_files_body")
    opened = [(DEMO / "photos" / name).open("rb") for name in names]
    files = [
        file_of(payload=content, file_name=name, mime_type="image/jpeg")
        for name, content in zip(names, opened, strict=True)
    ]
    body = body_of.UploadPhotosFilesBody(files=files)
    uploads = organiser("photos.upload_photos", gallery.id, body=body)
    for content in opened:
        content.close()
    assert [upload.verdict.value for upload in uploads.items] == ["new"] * len(names)
    _wait_for_faces(organiser, event.id, len(names))
    approved = encore_client("models.review").Review.APPROVED
    ids = [upload.photo.id for upload in uploads.items]
    verdict = organiser.model("photos_verdict.PhotosVerdict", photo_ids=ids, review=approved)
    organiser("photos.review_photos", body=verdict)
    status = encore_client("models.event_status").EventStatus.ON_SALE
    organiser(
        "events.set_event_status", event.id, body=organiser.model("new_status.NewStatus", status=status)
    )
    return event.id


def _wait_for_faces(organiser: Program, event_id: int, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while organiser("events.count_event_photos", event_id).indexed < count:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _search(visitor: Program, encore_client, event_id: int) -> object:
    """Agree to today's words, and search by the guest's selfie."""
    words = visitor("search.get_consent_text", event_id)
    agreed = visitor.model("new_consent.NewConsent", purpose=words.purpose, version=words.version)
    receipt = visitor("search.give_consent", event_id, body=agreed)
    with (DEMO / PEOPLE[GUEST]["selfie"]).open("rb") as picture:
        selfie = encore_client("types").File(payload=picture, file_name="selfie.jpg", mime_type="image/jpeg")
        body = visitor.model("search_by_selfie_body.SearchBySelfieBody", consent=receipt.id, selfies=[selfie])
        return visitor("search.search_by_selfie", event_id, body=body)


def _buy(visitor: Program, encore_client, photo_ids: Sequence[object]) -> object:
    """Put photos into the cart, order them once though asked twice, pay, and wait until that is known."""
    visitor("cart.add_to_cart", body=visitor.model("wishes.Wishes", photo_ids=list(photo_ids)))
    body = visitor.model("new_order.NewOrder", email="guest@example.org")
    order, same = (
        visitor("orders.place_order", body=body, idempotency_key="the guest's only order") for _ in range(2)
    )
    assert order.id == same.id
    paid = encore_client("models.demo_answer").DemoAnswer.PAID
    checkout_id = order.checkout_url.rpartition("/")[2].rpartition("=")[2]
    visitor(
        "orders.play_demo_payment", checkout_id, body=visitor.model("demo_decision.DemoDecision", state=paid)
    )
    return visitor("orders.refresh_order", order.id)
