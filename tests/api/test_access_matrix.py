"""Every operation of the document, by everybody, on one's own, another's and a missing thing.

Rows say who may; the calls are made from the document itself. An operation without a row is a failure.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api import app
from core import wiring
from core.settings import Settings
from tests.api import world as worlds
from tests.api.site import site
from tests.api.world import World
from tests.conftest import backends_with, settings_in
from tests.makers import PASSWORD, make_jpeg

VISITORS = ("nobody", "passer-by", "visitor")
PARTS = ("organiser", "photographer", "analyst", "door")  # in the own event; "stranger" organises the other
SIGNED_IN = ("admin", "guest", "stranger", *PARTS)
EVERYBODY = (*VISITORS, *SIGNED_IN)
THINGS = ("own", "other", "missing")
DONE = range(200, 300)

Expected = Callable[[str, str], object]  # who, which thing → a status, or several
Path_ = dict[str, object]


@dataclass(frozen=True)
class Row:
    """Who may call an operation, and with what."""

    expected: Expected
    sends: Callable[[Path_, World], dict[str, object]] = lambda _path, _world: {}


# --- rules ---------------------------------------------------------------------------------


def members(*parts: str) -> Expected:
    """Organisers, admins and these parts; other parts know the event, but may not; nobody else knows it."""

    def expected(who: str, which: str) -> object:
        if who in VISITORS:
            return 401
        if which == "missing":
            return 404
        if who == "admin":
            return DONE
        if which == "other":
            return DONE if who == "stranger" else 404
        if who in ("organiser", *parts):
            return DONE
        return 403 if who in PARTS else 404

    return expected


def viewers(who: str, which: str) -> object:
    """Who has a part in the event, or came by its link."""
    if which == "missing":
        return 404
    knows = {"own": ("visitor", "admin", *PARTS), "other": ("stranger", "admin")}[which]
    return DONE if who in knows else 404


def everybody(_who: str, _which: str) -> object:
    return DONE


def signed_in(who: str, _which: str) -> object:
    return 401 if who in VISITORS else DONE


def organisers(who: str, _which: str) -> object:
    if who in VISITORS:
        return 401
    return DONE if who in ("admin", "organiser", "stranger") else 403


def admins(who: str, which: str) -> object:
    if who in VISITORS:
        return 401
    if who != "admin":
        return 403
    return DONE


def admins_of_things(who: str, which: str) -> object:
    return 404 if who == "admin" and which == "missing" else admins(who, which)


def admins_in_vain(who: str, which: str) -> object:
    return 409 if admins_of_things(who, which) == DONE else admins_of_things(who, which)


def shoppers(who: str, _which: str) -> object:
    return 422 if who == "nobody" else DONE


def shoppers_who_see(who: str, which: str) -> object:
    return 422 if who == "nobody" else viewers(who, which)


def the_buyer(who: str, which: str) -> object:
    return DONE if (who, which) == ("visitor", "own") else 404


def the_visitor(who: str, which: str) -> object:
    return 422 if who == "nobody" else the_buyer(who, which)


def the_searcher(who: str, which: str) -> object:
    """A consent is the visitor's own; who does not even see the event hears of no consent."""
    if (who, which) == ("visitor", "own"):
        return DONE
    return 422 if who == "nobody" or viewers(who, which) == DONE else 404


def the_keys_owner(who: str, which: str) -> object:
    if who in VISITORS:
        return 401
    return DONE if (who, which) in (("organiser", "own"), ("stranger", "other")) else 404


def who_knows_the_address(_who: str, which: str) -> object:
    return 404 if which == "missing" else DONE


def opened_by_the_link(who: str, which: str) -> object:
    return 422 if who == "nobody" else who_knows_the_address(who, which)


# --- what is sent --------------------------------------------------------------------------


def json(**values: object) -> Callable[[Path_, World], dict[str, object]]:
    return lambda _path, _world: {"json": values}


def json_of(make: Callable[[Path_], dict[str, object]]) -> Callable[[Path_, World], dict[str, object]]:
    return lambda path, _world: {"json": make(path)}


def link_of(path: Path_, world: World) -> dict[str, object]:
    tokens = {things.path["event_id"]: things.share_token for things in (world.own, world.other)}
    return {"json": {"link": tokens.get(path["event_id"], "forged")}}


def selfie(path: Path_, _: World) -> dict[str, object]:
    return {"data": {"consent": str(path["consent_id"])}, "files": {"selfies": ("me.jpg", make_jpeg("ann"))}}


def photos_of(path: Path_) -> dict[str, object]:
    return {"photo_ids": [str(path["photo_id"])]}


EVENT = {"name": "Night run", "held_on": "2026-12-01"}
PERIOD = {"currency": "THB", "period_start": "2026-10-01", "period_end": "2026-11-01"}
PERSON = {"email": "new@example.org", "name": "New", "password": "four ordinary words"}

ROWS: dict[str, Row] = {
    # signing in
    "sign_in": Row(
        everybody,
        lambda _, world: {
            "data": {
                "grant_type": "password",
                "username": world.accounts["guest"].email,
                "password": PASSWORD,
            }
        },
    ),
    "sign_out": Row(everybody, lambda *_: {"data": {"token": "unknown"}}),
    # accounts
    "create_account": Row(everybody, json(**PERSON)),
    "list_accounts": Row(admins),
    "create_account_of_role": Row(admins, json(**PERSON, role="analyst")),
    "change_account": Row(admins_of_things, json(role="analyst")),
    "get_own_account": Row(signed_in),
    "change_own_account": Row(signed_in, json(name="Another")),
    "change_own_password": Row(signed_in, json(current=PASSWORD, new=PERSON["password"])),
    "end_own_sessions": Row(signed_in),
    "ask_for_password_reset": Row(everybody, json(email="anybody@example.org")),
    "reset_password": Row(lambda *_: 403, json(code="unknown", password=PERSON["password"])),
    "list_keys": Row(signed_in),
    "create_key": Row(signed_in, json(name="Booth", scopes=["search"])),
    "revoke_key": Row(the_keys_owner),
    # events
    "list_events": Row(everybody),
    "create_event": Row(organisers, json(**EVENT)),
    "get_event": Row(viewers),
    "change_event": Row(members(), json(name="Another")),
    "set_event_status": Row(members(), json(status="closed")),
    "get_event_cover": Row(viewers),
    "set_event_cover": Row(members(), json_of(lambda path: {"photo_id": str(path["photo_id"])})),
    "count_event_photos": Row(members(*PARTS)),
    "list_galleries": Row(viewers),
    "create_gallery": Row(members(), json(name="Finish")),
    "rename_gallery": Row(members(), json(name="Finish")),
    "delete_gallery": Row(
        lambda who, which: 409 if members()(who, which) == DONE else members()(who, which)
    ),  # it has photos
    "list_members": Row(members(*PARTS)),
    "put_member": Row(
        members(),
        lambda _, world: {"json": {"email": world.accounts["guest"].email, "role": "analyst"}},
    ),
    "remove_member": Row(members()),
    "list_links": Row(members()),
    "create_link": Row(members(), json(label="Poster")),
    "revoke_link": Row(members()),
    "get_link_qr": Row(members()),
    "create_visitor": Row(everybody),
    "open_link": Row(opened_by_the_link, link_of),
    "list_face_engines": Row(admins),
    "list_face_indexes": Row(admins),
    "start_reindex": Row(admins_in_vain, json(engine="bundled")),  # which it has
    "cancel_reindex": Row(admins_in_vain),  # none is on its way
    "get_reindex_progress": Row(members(*PARTS)),
    # photos
    "upload_photos": Row(
        members("photographer"),
        lambda *_: {"content": make_jpeg(seed=77), "headers": {"Content-Type": "image/jpeg"}},
    ),
    "list_photos": Row(viewers),
    "list_uploads": Row(members("photographer")),
    "get_photo": Row(viewers),
    "delete_photo": Row(members()),
    "get_rendition": Row(viewers),
    "review_photo": Row(members(), json(review="rejected")),
    "review_photos": Row(members(), json_of(lambda path: photos_of(path) | {"review": "rejected"})),
    "delete_photos": Row(members(), json_of(photos_of)),
    # search
    "get_consent_text": Row(viewers),
    "give_consent": Row(shoppers_who_see, json(purpose="search", version="2026-11.2")),
    "withdraw_consent": Row(the_visitor),
    "search_by_selfie": Row(the_searcher, selfie),
    "refine_search": Row(
        lambda who, which: 404 if who != "nobody" and viewers(who, which) == 404 else 422,
        json_of(
            lambda path: {
                "result": "forged",
                "consent": str(path["consent_id"]),
                "mine": [],
                "not_mine": [],
            }
        ),
    ),
    # prices
    "get_prices": Row(members()),
    "set_prices": Row(members(), json(price_amount=9_000)),
    "preview_prices": Row(members(), json(terms={"price_amount": 9_000}, photo_count=3)),
    "get_offer": Row(viewers),
    "get_gallery_prices": Row(members()),
    "set_gallery_prices": Row(members(), json(price_amount=9_000)),
    "set_photo_price": Row(members(), json(price_amount=9_000)),
    "list_coupons": Row(members()),
    "create_coupon": Row(members(), json(code="SOMETHING-ELSE", percent=10)),
    "end_coupon": Row(members()),
    # live
    "create_live_ticket": Row(members(*PARTS)),
    "listen": Row(
        lambda who, which: None if members(*PARTS)(who, which) == DONE else members(*PARTS)(who, which)
    ),  # a stream without an end: what it tells to whom is in test_live.py
    # shop
    "get_cart": Row(shoppers),
    "clear_cart": Row(shoppers),
    "add_to_cart": Row(shoppers_who_see, json_of(photos_of)),
    "set_cart_size": Row(the_visitor, json(size="web")),
    "add_found_to_cart": Row(
        lambda *_: 422, json_of(lambda path: {"event_id": path["event_id"], "result": "forged"})
    ),
    "remove_from_cart": Row(shoppers),
    "add_pass_to_cart": Row(shoppers_who_see, json_of(lambda path: {"event_id": path["event_id"]})),
    "remove_pass_from_cart": Row(shoppers),
    "enter_coupon": Row(
        the_visitor, json_of(lambda path: {"code": worlds.code_of(path["event_id"])})
    ),  # the others' carts are empty
    "drop_coupon": Row(shoppers),
    "place_order": Row(
        lambda who, _: {"nobody": 422, "visitor": DONE}.get(who, 409),  # the others' carts are empty
        json(email="buyer@example.org"),
    ),
    "list_orders": Row(shoppers),
    "get_order": Row(the_buyer),
    "refresh_order": Row(the_buyer),
    "list_downloads": Row(the_buyer),
    "list_receipts": Row(the_buyer),
    "start_payment_intent": Row(lambda who, which: 409 if the_buyer(who, which) == DONE else 404),  # paid
    "list_order_refunds": Row(the_buyer),
    "ask_for_refund": Row(the_buyer, json()),
    "ask_for_order_links": Row(everybody, json(email="anybody@example.org")),
    "list_held_orders": Row(admins),
    "refund_held_order": Row(admins_in_vain),  # nothing is held
    "list_disputes": Row(admins),
    "list_mails": Row(admins),
    "retry_mail": Row(admins_of_things),
    "play_demo_payment": Row(who_knows_the_address, json(state="paid")),
    # sales
    "list_sold": Row(members()),
    "export_sold": Row(members()),
    "get_event_order": Row(members()),
    "refund_event_order": Row(members(), json(reason="Blurred.")),
    "retry_refund": Row(members()),
    "resend_order_links": Row(members()),
    "get_earnings": Row(signed_in),
    "get_statement": Row(signed_in, lambda *_: {"params": PERIOD}),
    "export_statement": Row(signed_in, lambda *_: {"params": PERIOD}),
    "list_payouts": Row(admins),
    "draw_up_payouts": Row(admins, json(**PERIOD)),
    "mark_payout_paid": Row(admins_in_vain, json(reference="SCB 1187")),  # nothing is owed
    "cancel_payout": Row(admins_of_things),
    # reports
    "get_sales": Row(members("analyst")),
    "list_sales": Row(signed_in),
    "list_jobs": Row(admins),
    "list_event_jobs": Row(members(*PARTS)),
    "retry_job": Row(members("photographer")),
    "list_audit": Row(admins),
    "check_audit": Row(admins),
    # webhooks
    "list_webhooks": Row(members()),
    "create_webhook": Row(members(), json(url="https://books.example/other", kinds=[])),
    "change_webhook": Row(members(), json(is_active=False)),
    "delete_webhook": Row(members()),
    "rotate_webhook_secret": Row(members()),
    "ping_webhook": Row(members()),
    "list_deliveries": Row(members()),
    "resend_delivery": Row(members()),
}

DOCUMENT = app.build(Settings(_env_file=None)).openapi()
OPERATIONS: dict[str, tuple[str, str]] = {
    operation["operationId"]: (method.upper(), f"http://localhost:8501/api{path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def test_every_operation_has_a_row_and_every_row_an_operation():
    assert sorted(ROWS) == sorted(OPERATIONS)


Place = tuple[World, TestClient, Callable[[], None]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Place]:
    """The world, a program in it, and the way back to how it was."""
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        backends = backends_with(settings_in(folder, patch), empty_database)
    wiring.use(backends)
    made = worlds.build(backends)
    database = Path(str(backends.engine.url.database))
    backends.engine.dispose()
    shutil.copy(database, folder / "as-it-was.db")

    def restore() -> None:
        backends.engine.dispose()
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        shutil.copy(folder / "as-it-was.db", database)

    with TestClient(site(backends)) as client:
        yield made, client, restore
    wiring.use(None)
    backends.engine.dispose()


@pytest.mark.usefixtures("quick_hashes")
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_is_for_those_who_may(place, name):
    if name not in ROWS:
        pytest.fail(f"{name} has no row: say who may call it")

    assert list(_strays(*place, name)) == []


def test_a_row_that_does_not_hold_is_seen(place, monkeypatch):
    monkeypatch.setitem(ROWS, "get_sales", Row(members("photographer")))

    strays = set(_strays(*place, "get_sales"))

    assert strays == {("photographer", "own", 403, DONE), ("analyst", "own", 200, 403)}


def _strays(world: World, client: TestClient, restore: Callable[[], None], name: str) -> Iterator[object]:
    """Who got what instead of what the row says."""
    for which in THINGS:
        for who in EVERYBODY:
            status, expected = _call(world, client, name, who, which), ROWS[name].expected(who, which)
            if expected is not None and status not in (
                expected if isinstance(expected, range) else [expected]
            ):
                yield who, which, status, expected
            if status is not None and status < 400 and OPERATIONS[name][0] != "GET":
                restore()


def _call(world: World, client: TestClient, name: str, who: str, which: str) -> int | None:
    row, (method, address) = ROWS[name], OPERATIONS[name]
    if row.expected(who, which) is None:
        return None
    path = world.path(which)
    sent = row.sends(path, world)
    headers = world.headers[who] | dict(sent.pop("headers", {}))
    return client.request(method, address.format(**path), headers=headers, **sent).status_code
