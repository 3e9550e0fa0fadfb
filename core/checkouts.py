"""From the cart to an order, and from there to the payment gateway: opened once."""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import groupby

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core import addresses, attempts, bills, buyers, jobs, orders, payments, quotes
from core.access import Viewer
from core.backends import Backends
from core.buyers import Buyer
from core.errors import Conflict
from core.gateway import CheckoutLine, CheckoutRequest, Intent
from core.pricing import Line, Quote, RowKind
from core.quotes import Cart
from models.cart import Size
from models.event import Event, EventMember
from models.job import JobKind
from models.order import LineItem, LineKind, Order, OrderStatus

TRIES = 3  # at placing what other clicks place at the same moment


class CartIsEmpty(Conflict):
    """Nothing in the cart can be bought now."""

    def __init__(self) -> None:
        super().__init__("There is nothing to pay in your cart. If you have just paid, look at your orders.")


class NotPending(Conflict):
    """There is nothing to pay."""

    def __init__(self) -> None:
        super().__init__("This order is not waiting for a payment. Look at it again, or order anew.")


def place(backends: Backends, viewer: Viewer, email: str) -> Order:
    """Return the order of what is in the cart: paid when it is free, else with an open checkout.

    The same cart placed twice is the same order. What else waits for a payment in this browser is ended
    first, so that nobody pays for both. Raises CartIsEmpty, InvalidInput for the address, what `quotes`
    raises at ordering, PaymentUnderWay, and Unavailable while the gateway is away: the order stays, and
    placing it again opens its checkout.
    """
    buyer = Buyer(viewer, addresses.checked(email))
    for _ in range(TRIES):
        with suppress(IntegrityError):  # the unique key: another click was faster, and its order is this one
            order = _written_down(backends, buyer)
            if order is not None:
                return _with_checkout(backends, order)
    raise attempts.PaymentUnderWay


def _written_down(backends: Backends, buyer: Buyer) -> Order | None:
    """Return the cart's order, None when others had to be ended before."""
    with backends.transaction() as session:
        cart = quotes.read(session, buyer, backends.now(), is_ordering=True)
        if cart.is_empty:
            raise CartIsEmpty
        key = cart_key(buyer, cart.quote)
        waiting = session.exec(select(Order).where(Order.pending_key == key)).first()
        here = (backends.payments.name, orders.FREE)
        is_over = waiting is not None and (
            waiting.expires_at <= backends.now() or waiting.gateway not in here
        )
        order = None if is_over else waiting
        open_ids = session.exec(select(Order.id).where(buyers.is_open(buyer.viewer))).all()
        others = [order_id for order_id in open_ids if order is None or order_id != order.id]
        if not others:
            return order or _write(backends, session, buyer, cart, key)
    for order_id in others:
        attempts.give_up(backends, order_id)
    return _settled(backends, waiting) if waiting is not None and is_over else order


def _settled(backends: Backends, order: Order) -> Order | None:
    """Return an order whose time was over, if it turned out to be paid."""
    found = orders.find(backends, order.id)
    return found if found.status is OrderStatus.PAID else None


def _write(backends: Backends, session: Session, buyer: Buyer, cart: Cart, key: str) -> Order:
    now, quote = backends.now(), cart.quote
    order = Order(
        visitor_key=buyer.viewer.visitor_key,
        account_id=buyer.viewer.account_id,
        email=buyer.email,
        total_amount=quote.total_amount,
        tax_amount=quote.tax_amount,
        currency=quote.currency,
        bill=bills.packed(quote.rows),
        coupon_id=cart.coupon_used.id if cart.coupon_used else None,
        gateway=backends.payments.name if quote.total_amount else orders.FREE,
        pending_key=key,
        created_at=now,
        expires_at=now + backends.settings.order_ttl,
    )
    session.add(order)
    session.flush()
    session.add_all(_line_items(backends, session, order, cart))
    if quote.total_amount == 0:
        payments.pay(backends, session, order)
    else:
        jobs.enqueue(session, JobKind.EXPIRE_ORDER, order.id, delay=backends.settings.order_ttl)
    return order


def _line_items(backends: Backends, session: Session, order: Order, cart: Cart) -> list[LineItem]:
    """Return the order's parts, with all that their money will be shared by as it is now."""
    photographers = {item.photo.id: item.photo.uploaded_by for item in cart.items}
    percents = _commissions(session, cart)
    items = []
    for line in cart.quote.lines:
        item = _line_item(order, line)
        item.platform_percent = backends.settings.platform_percent
        if line.photo_id is not None:
            item.photographer_id = photographers[line.photo_id]
            item.commission_percent = percents.get((line.event_id, photographers[line.photo_id]), 0)
        items.append(item)
    return items


def _line_item(order: Order, line: Line) -> LineItem:
    return LineItem(
        order_id=order.id,
        event_id=line.event_id,
        kind=LineKind(line.kind),
        photo_id=line.photo_id,
        size=Size(line.size),
        label=line.label,
        list_amount=line.list_amount,
        amount=line.amount,
        tax_amount=line.tax_amount,
        currency=line.currency,
        is_gift=line.is_gift,
    )


def _commissions(session: Session, cart: Cart) -> dict[tuple[int, int], int]:
    """Return the percentage of each photographer in each event; who is no member has none."""
    columns = (EventMember.event_id, EventMember.account_id, EventMember.commission_percent)
    members = select(*columns).where(
        col(EventMember.event_id).in_({item.photo.event_id for item in cart.items}),
        col(EventMember.account_id).in_({item.photo.uploaded_by for item in cart.items}),
    )
    return {(event_id, account_id): percent for event_id, account_id, percent in session.exec(members)}


def _with_checkout(backends: Backends, order: Order) -> Order:
    """Open the checkout after the order is committed: money never comes for an order we do not have.

    A payment that a program had begun is ended first.
    """
    if order.status is not OrderStatus.PENDING or order.checkout_url is not None:
        return order
    if order.checkout_id is not None:
        order = attempts.end(backends, order.id)
        if order.status is not OrderStatus.PENDING:
            return order
    checkout = backends.payments.start_checkout(_request(backends, order))
    return attempts.note(backends, order, checkout.id, checkout.url)


def start_intent(backends: Backends, order: Order) -> Intent:
    """Open a payment of an order for a program, ending the checkout first; asking again returns the same one.

    Raises NotPending, PaymentUnderWay, and Conflict where the gateway has no such way.
    """
    if order.checkout_url is not None and backends.payments.has_intents:
        order = attempts.end(backends, order.id)
    if order.status is not OrderStatus.PENDING or order.expires_at <= backends.now():
        raise NotPending
    intent = backends.payments.start_intent(_request(backends, order))
    attempts.note(backends, order, intent.id, None)
    return intent


def _request(backends: Backends, order: Order) -> CheckoutRequest:
    return CheckoutRequest(
        order_id=order.id,
        attempt=order.attempt,
        lines=_lines(backends, orders.lines(backends, order)),
        amount=order.total_amount,
        currency=order.currency,
        email=order.email,
        return_url=backends.settings.url(orders.address(backends, order)),
        cancel_url=backends.settings.url("/cart"),  # it keeps its photos until they are paid
        expires_at=order.expires_at,
    )


def _lines(backends: Backends, items: Sequence[LineItem]) -> list[CheckoutLine]:
    with backends.reading() as session:
        used = col(Event.id).in_({item.event_id for item in items})
        names = dict(session.exec(select(Event.id, Event.name).where(used)).all())
    grouped = groupby(items, key=lambda item: item.event_id)
    amounts = [(event_id, [item.amount for item in group]) for event_id, group in grouped]
    return [CheckoutLine(names[event_id], sum(parts), len(parts)) for event_id, parts in amounts]


def cart_key(buyer: Buyer, quote: Quote) -> str:
    """Return what is the same for the same cart, buyer, address and bill: two clicks make one order."""
    lines = sorted(f"{line.kind} {line.event_id} {line.photo_id} {line.size}" for line in quote.lines)
    codes = [f"{row.label} {row.amount}" for row in quote.rows if row.kind is RowKind.COUPON]
    who = [buyer.viewer.visitor_key, str(buyer.viewer.account_id), buyer.email]
    total = [str(quote.total_amount), str(quote.tax_amount), quote.currency]
    return sha256("\n".join([*who, *total, *codes, *lines]).encode()).hexdigest()
