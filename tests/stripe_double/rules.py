"""What Stripe checks of a request beyond its types. Nothing was done yet: no refusal is saved."""

import re
from typing import Any

from tests.stripe_double import forms
from tests.stripe_double.refusals import Refused

Params = dict[str, Any]
DAY = 24 * 60 * 60
HALF_AN_HOUR = 30 * 60
SMALLEST = {"thb": 1000, "usd": 50, "eur": 50, "jpy": 50}  # the currencies that it knows


def require(params: Params, *names: str) -> None:
    """These parameters are there."""
    for name in names:
        if not params.get(name):
            raise Refused(
                f"Missing required param: {name}.", code="parameter_missing", param=name, is_saved=False
            )


def total(items: list[Params]) -> tuple[str, int]:
    """Return the currency and the sum of a session's lines."""
    if len(items) > 100:
        raise Refused("There is a maximum of 100 line items.", param="line_items", is_saved=False)
    prices = [item["price_data"] for item in items]
    currencies = {price["currency"] for price in prices}
    if len(currencies) != 1:
        raise Refused("All line items have the same currency.", param="line_items", is_saved=False)
    for item, price in zip(items, prices, strict=True):
        name = price.get("product_data", {}).get("name", "")
        if not name.strip() or len(name) > 250:
            raise Refused("A product has a name.", param="line_items", is_saved=False)
        if price["unit_amount"] < 0 or item.get("quantity", 1) < 1:
            raise Refused("Invalid non-negative integer", param="line_items", is_saved=False)
    total = sum(p["unit_amount"] * item.get("quantity", 1) for item, p in zip(items, prices, strict=True))
    return _currency(currencies.pop()), total


def _currency(currency: str) -> str:
    if currency not in SMALLEST:
        raise Refused(f"Invalid currency: {currency}.", param="currency", is_saved=False)
    return currency


def check_methods(module: str, name: str, params: Params, currency: str) -> None:
    """The ways to pay are ones of the SDK's list, and take the currency."""
    methods = params.get("allowed_payment_method_types")
    if methods is None:
        return
    known = forms.choices(module, name, "allowed_payment_method_types")
    param = "allowed_payment_method_types"
    if not methods or not set(methods) <= known:
        raise Refused(f"Invalid {param}: {methods}", param=param, is_saved=False)
    if "promptpay" in methods and currency != "thb":
        raise Refused("The payment method `promptpay` takes thb only.", param=param, is_saved=False)
    if "automatic_payment_methods" in params:
        raise Refused(f"You may only specify one of these: {param}.", param=param, is_saved=False)


def check_smallest(currency: str, amount: int, what: str) -> None:
    """An amount is worth its fees."""
    smallest = SMALLEST[_currency(currency)]
    if amount < smallest:
        words = f"{what} must be at least {smallest} {currency}"
        raise Refused(words, code="amount_too_small", param="amount", is_saved=False)


def check_expiry(expires_at: int, now: float) -> None:
    """A session lives between half an hour and a day."""
    if not now + HALF_AN_HOUR - 1 <= expires_at <= now + DAY:
        words = "The `expires_at` timestamp must be between 30 minutes and 24 hours from session creation."
        raise Refused(words, param="expires_at", is_saved=False)


def check_texts(params: Params) -> None:
    """Metadata, addresses and URLs are ones."""
    for metadata in (params.get("metadata", {}), params.get("payment_intent_data", {}).get("metadata", {})):
        if len(metadata) > 50 or any(len(name) > 40 or len(text) > 500 for name, text in metadata.items()):
            raise Refused("Metadata is 50 names of 40 and 500 characters.", param="metadata", is_saved=False)
    if "@" not in params.get("customer_email", "@"):
        words = f"Invalid email address: {params['customer_email']}"
        raise Refused(words, code="email_invalid", param="customer_email", is_saved=False)
    for name in ("success_url", "cancel_url"):
        if not re.match(r"https?://\S+$", params.get(name, "https://x")):
            raise Refused("Not a valid URL", code="url_invalid", param=name, is_saved=False)
