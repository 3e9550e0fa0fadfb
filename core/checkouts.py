"""An order at the payment gateway: opened once, and asked about."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import groupby

from sqlmodel import col, select

from core.access import Viewer
from core.backends import Backends
from core.gateway import Checkout, CheckoutLine, CheckoutRequest, PaymentEvent
from core.pricing import Quote
from models.event import Event
from models.order import LineItem, Order


def cart_key(viewer: Viewer, quote: Quote, email: str) -> str:
    """Return what is the same for the same cart, buyer, address and total: two clicks make one order."""
    photo_ids = sorted(str(line.photo_id) for line in quote.lines)
    buyer = [viewer.visitor_key, str(viewer.account_id), email]
    total = [str(quote.total_amount), quote.currency]
    return sha256("\n".join([*buyer, *total, *photo_ids]).encode()).hexdigest()


def start(backends: Backends, order: Order, items: Sequence[LineItem], return_path: str) -> Checkout:
    """Open the order's checkout; doing so again gives the same one. Raises Unavailable.

    `items` are sorted by event: the buyer sees one line per event at the gateway.
    """
    request = CheckoutRequest(
        order_id=order.id,
        lines=_lines(backends, items),
        amount=order.total_amount,
        currency=order.currency,
        email=order.email,
        return_url=backends.settings.url(return_path),
        cancel_url=backends.settings.url("/cart"),  # it keeps its photos until they are paid
        expires_at=order.expires_at,
    )
    return backends.payments.start_checkout(request)


def ask(backends: Backends, order: Order) -> PaymentEvent | None:
    """Return where the order stands at the gateway, None when it was never sent there. Raises Unavailable."""
    if order.checkout_id is None or order.gateway != backends.payments.name:
        return None
    return backends.payments.look_up(order.checkout_id)


def _lines(backends: Backends, items: Sequence[LineItem]) -> list[CheckoutLine]:
    with backends.reading() as session:
        used = col(Event.id).in_({item.event_id for item in items})
        names = dict(session.exec(select(Event.id, Event.name).where(used)).all())
    grouped = groupby(items, key=lambda item: item.event_id)
    amounts = [(event_id, [item.amount for item in group]) for event_id, group in grouped]
    return [CheckoutLine(names[event_id], sum(parts), len(parts)) for event_id, parts in amounts]
