"""The part of Stripe's API that Encore speaks: who is asked, what is checked, what is answered."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import Any

from tests.stripe_double import payments, rules
from tests.stripe_double.account import Account, Thing
from tests.stripe_double.refusals import Refused

Params = dict[str, Any]
CHECKOUT = "stripe.params.checkout"
MINE = "stripe.params"


@dataclass(frozen=True)
class Endpoint:
    """One operation: its path, the SDK's type of its parameters, and what it does."""

    method: str
    path: re.Pattern[str]
    module: str
    type: str
    run: Callable[..., Thing]
    knows: frozenset[str]  # parameters that it acts on; others of the type are not built


def create_session(account: Account, params: Params) -> Thing:
    """POST /v1/checkout/sessions, mode payment."""
    rules.require(params, "mode", "success_url", "line_items")
    if params["mode"] != "payment":
        raise NotImplementedError(params["mode"])
    currency, total = rules.total(params["line_items"])
    rules.check_methods(f"{CHECKOUT}._session_create_params", "SessionCreateParams", params, currency)
    if total:
        rules.check_smallest(currency, total, "The Checkout Session's total amount due")
    expires_at = params.get("expires_at", int(account.clock()) + rules.DAY)
    rules.check_expiry(expires_at, account.clock())
    rules.check_texts(params)
    session = account.make(
        "checkout.session",
        amount_subtotal=total,
        amount_total=total,
        cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"),
        currency=currency,
        customer_email=params.get("customer_email"),
        expires_at=expires_at,
        metadata=params.get("metadata", {}),
        mode="payment",
        payment_intent=None,
        payment_method_types=params.get("allowed_payment_method_types", ["card", "promptpay"]),
        payment_status="unpaid",
        status="open",
        success_url=params["success_url"],
    )
    session["url"] = f"https://checkout.stripe.example/c/pay/{session['id']}"
    session["payment_intent_data"] = params.get("payment_intent_data", {})  # not shown by `answer`
    account.open_until(session)
    return session


def expire_session(account: Account, params: Params, object_id: str) -> Thing:
    """POST /v1/checkout/sessions/{id}/expire"""
    session = account.find("checkout.session", object_id)
    if session["status"] != "open":
        raise Refused(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    payments.expire(account, session)
    return session


def create_intent(account: Account, params: Params) -> Thing:
    """POST /v1/payment_intents"""
    currency, amount = params["currency"], params["amount"]
    rules.check_methods(
        f"{MINE}._payment_intent_create_params", "PaymentIntentCreateParams", params, currency
    )
    rules.check_smallest(currency, amount, "Amount")
    rules.check_texts(params)
    return payments.make_intent(
        account,
        amount=amount,
        currency=currency,
        metadata=params.get("metadata", {}),
        payment_method_types=params.get("allowed_payment_method_types", ["card", "promptpay"]),
    )


def cancel_intent(account: Account, params: Params, object_id: str) -> Thing:
    """POST /v1/payment_intents/{id}/cancel"""
    intent = account.find("payment_intent", object_id)
    if account.of_intent("checkout.session", object_id):
        raise Refused("You cannot cancel the PaymentIntent of a Checkout Session. Expire the session.")
    if intent["status"] in ("succeeded", "processing", "canceled"):
        raise Refused(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    payments.cancel(account, intent)
    return intent


def create_refund(account: Account, params: Params) -> Thing:
    """POST /v1/refunds"""
    rules.require(params, "payment_intent")
    intent = account.find("payment_intent", params["payment_intent"])
    return payments.refund(account, intent, params.get("amount"), params.get("metadata", {}))


def retrieve(kind: str) -> Callable[..., Thing]:
    """Return the operation that answers one object."""
    return lambda account, _params, object_id: account.find(kind, object_id)


def listing(kind: str) -> Callable[..., Thing]:
    """Return the operation that answers a page of objects, newest first."""

    def run(account: Account, params: Params) -> Thing:
        limit = params.get("limit", 10)
        if not 1 <= limit <= 100:
            raise Refused("limit is between 1 and 100", param="limit", is_saved=False)
        found = _newest_first(account, kind, params)
        if "starting_after" in params:
            last = account.find(kind, params["starting_after"])
            found = islice(dropwhile(lambda thing: thing is not last, found), 1, None)
        page = list(islice(found, limit + 1))
        return {"object": "list", "data": page[:limit], "has_more": len(page) > limit}

    return run


def _newest_first(account: Account, kind: str, params: Params) -> Iterator[Thing]:
    created = params.get("created", {})
    if isinstance(created, int) or not created.keys() <= {"gte"}:
        raise NotImplementedError(f"created={created}")
    ids = account.by_kind.get(kind, [])
    if "payment_intent" in params:
        ids = account.by_intent.get((kind, params["payment_intent"]), [])
    for object_id in reversed(ids):
        thing = account.things[object_id]
        if thing["created"] < max(created.get("gte", 0), _remembered(account, kind)):
            return
        if "types" not in params or thing["type"] in params["types"]:
            yield thing


def _remembered(account: Account, kind: str) -> float:
    """Return the time before which things of a kind are forgotten: events are listed for 30 days."""
    return account.clock() - 30 * rules.DAY if kind == "event" else 0


def _at(method: str, path: str, module: str, name: str, run: Callable[..., Thing], knows: str) -> Endpoint:
    pattern = re.compile("/v1" + path.replace("{id}", "([A-Za-z0-9_]+)"))
    return Endpoint(method, pattern, module, name, run, frozenset(knows.split()))


_SESSION = "mode line_items success_url cancel_url client_reference_id metadata payment_intent_data "
_SESSION += "customer_email allowed_payment_method_types expires_at"
_INTENT = "amount currency metadata allowed_payment_method_types automatic_payment_methods"
_PAGE = "limit starting_after created"
_C, _M = f"{CHECKOUT}._session_", f"{MINE}._"
ENDPOINTS = (
    _at("post", "/checkout/sessions", _C + "create_params", "SessionCreateParams", create_session, _SESSION),
    _at("get", "/checkout/sessions", _C + "list_params", "SessionListParams",
        listing("checkout.session"), _PAGE + " payment_intent"),
    _at("get", "/checkout/sessions/{id}", _C + "retrieve_params", "SessionRetrieveParams",
        retrieve("checkout.session"), "expand"),
    _at("post", "/checkout/sessions/{id}/expire", _C + "expire_params", "SessionExpireParams",
        expire_session, ""),
    _at("post", "/payment_intents", _M + "payment_intent_create_params", "PaymentIntentCreateParams",
        create_intent, _INTENT),
    _at("get", "/payment_intents", _M + "payment_intent_list_params", "PaymentIntentListParams",
        listing("payment_intent"), _PAGE),
    _at("get", "/payment_intents/{id}", _M + "payment_intent_retrieve_params", "PaymentIntentRetrieveParams",
        retrieve("payment_intent"), "expand"),
    _at("post", "/payment_intents/{id}/cancel", _M + "payment_intent_cancel_params",
        "PaymentIntentCancelParams", cancel_intent, ""),
    _at("post", "/refunds", _M + "refund_create_params", "RefundCreateParams",
        create_refund, "payment_intent amount metadata"),
    _at("get", "/refunds", _M + "refund_list_params", "RefundListParams",
        listing("refund"), _PAGE + " payment_intent"),
    _at("get", "/disputes", _M + "dispute_list_params", "DisputeListParams",
        listing("dispute"), _PAGE + " payment_intent"),
    _at("get", "/events", _M + "event_list_params", "EventListParams", listing("event"), _PAGE + " types"),
)  # fmt: skip
