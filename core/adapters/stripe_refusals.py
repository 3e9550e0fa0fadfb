"""Stripe's errors as ours: none of them gets past this file."""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from core.errors import Conflict, InvalidInput, NotFound, PlatformError, Unavailable

AWAY = "The payment service does not answer. Nothing is lost: try again in a minute."
NO_KEY = "The payment service does not accept our key. Tell the admin."
NOT_UNDERSTOOD = "The payment service refused what it was asked for. Tell the admin."
TOO_MUCH = "That is more than was paid and not yet given back."
OTHER_CONTENT = (
    "The payment service was asked for this with another content already. Look at the order again."
)

BY_CODE: dict[str, tuple[type[PlatformError], str]] = {
    "resource_missing": (NotFound, "There is no such payment."),
    "amount_too_small": (Conflict, "This amount is too small to be paid here. Add something to your cart."),
    "amount_too_large": (Conflict, "This amount is too large to be paid at once. Order in several parts."),
    "email_invalid": (InvalidInput, "The payment service does not take this e-mail address. Correct it."),
    "charge_already_refunded": (Conflict, TOO_MUCH),
    "charge_disputed": (
        Conflict,
        "The buyer's bank has taken this payment back, or may. Nothing can be given back until it decides.",
    ),
    "balance_insufficient": (
        Unavailable,
        "There is not enough money at the payment service for this refund yet. Try again tomorrow.",
    ),
}
BY_PARAMETER: dict[str, tuple[type[PlatformError], str]] = {
    "expires_at": (Conflict, "The time for this payment is over. Order again from your cart."),
}


@contextmanager
def translated(otherwise: PlatformError | None = None) -> Iterator[None]:
    """Raise ours for every error of Stripe's; `otherwise` for a refusal that it gives no name."""
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Unavailable(NO_KEY) from error
    except stripe.IdempotencyError as error:
        raise Conflict(OTHER_CONTENT) from error
    except stripe.InvalidRequestError as error:
        raise _refusal(error, otherwise or Unavailable(NOT_UNDERSTOOD)) from error
    except stripe.StripeError as error:
        raise Unavailable(AWAY) from error


def _refusal(error: stripe.InvalidRequestError, otherwise: PlatformError) -> PlatformError:
    if error.http_status == 404:
        return NotFound("There is no such payment.")
    named = BY_CODE.get(error.code or "") or BY_PARAMETER.get(error.param or "")
    if named is not None:
        kind, words = named
        return kind(words)
    is_our_mistake = (error.code or "").startswith("parameter_")
    return Unavailable(NOT_UNDERSTOOD) if is_our_mistake else otherwise
