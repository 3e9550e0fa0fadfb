"""Purchases: from the cart to an order, and from verified messages about money to granted files.

Messages come twice, late and out of order. Each is written down once, and an order becomes paid by one
conditional UPDATE: a payment wins over failures and expiries whenever it arrives, and nothing un-pays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy import CursorResult, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core import activity, addresses, audit, carts, checkouts, downloads, jobs
from core.access import Viewer
from core.backends import Backends
from core.carts import Cart
from core.errors import Conflict, NotFound, Unavailable
from core.gateway import PaymentEvent, PaymentState
from models.job import JobKind
from models.order import LineItem, Order, OrderStatus, ReceivedEvent
from models.photo import Photo

log = structlog.get_logger()

FREE = "free"  # stands for the gateway of an order that costs nothing
BY_EVENT = (col(LineItem.event_id), col(LineItem.label), col(LineItem.id))  # order of an order's parts
UNPAID = (OrderStatus.PENDING, OrderStatus.FAILED, OrderStatus.EXPIRED)  # a payment may still arrive


class CartIsEmpty(Conflict):
    """Nothing in the cart can be bought now."""

    def __init__(self) -> None:
        super().__init__("There is nothing to pay in your cart. If you have just paid, look at your orders.")


class NoSuchOrder(NotFound):
    """There is no such order, or its address is wrong."""

    def __init__(self) -> None:
        super().__init__("There is no such order. Check the link, or look at your orders.")


def place(backends: Backends, viewer: Viewer, email: str) -> Order:
    """Return the order of what is in the cart: paid when it is free, else with an open checkout.

    The same cart placed twice is the same order. Raises CartIsEmpty, InvalidInput for the address, and
    Unavailable while the gateway is away: the order stays, and placing it again opens its checkout.
    """
    address = addresses.checked(email)
    order = _written_down(backends, viewer, address)
    if order.status is OrderStatus.PENDING and order.expires_at <= backends.now():
        expire(backends, str(order.id))
        settled = find(backends, order.id)
        order = settled if settled.status is OrderStatus.PAID else _written_down(backends, viewer, address)
    return _with_checkout(backends, order)


def _written_down(backends: Backends, viewer: Viewer, email: str) -> Order:
    try:
        return _find_or_write(backends, viewer, email)
    except IntegrityError:  # the unique key: another click was faster, and its order is this one
        return _find_or_write(backends, viewer, email)


def _find_or_write(backends: Backends, viewer: Viewer, email: str) -> Order:
    with backends.transaction() as session:
        cart = carts.read(session, viewer, backends.now(), is_ordering=True)
        if not cart.items:
            raise CartIsEmpty
        key = checkouts.cart_key(viewer, cart.quote, email)
        waiting = session.exec(select(Order).where(Order.pending_key == key)).first()
        return waiting or _write(backends, session, viewer, cart, email, key)


def _write(backends: Backends, session: Session, viewer: Viewer, cart: Cart, email: str, key: str) -> Order:
    now, quote = backends.now(), cart.quote
    order = Order(
        visitor_key=viewer.visitor_key,
        account_id=viewer.account_id,
        email=email,
        total_amount=quote.total_amount,
        currency=quote.currency,
        gateway=backends.payments.name if quote.total_amount else FREE,
        pending_key=key,
        created_at=now,
        expires_at=now + backends.settings.order_ttl,
    )
    session.add(order)
    session.flush()
    session.add_all(
        LineItem(
            order_id=order.id,
            event_id=line.event_id,
            photo_id=line.photo_id,
            label=line.label,
            amount=line.amount,
            currency=line.currency,
        )
        for line in quote.lines
    )
    if quote.total_amount == 0:
        _pay(backends, session, order)
    else:
        jobs.enqueue(session, JobKind.EXPIRE_ORDER, order.id, delay=backends.settings.order_ttl)
    return order


def _with_checkout(backends: Backends, order: Order) -> Order:
    """Open the checkout after the order is committed: money never comes for an order we do not have."""
    if order.status is not OrderStatus.PENDING or order.checkout_id is not None:
        return order
    checkout = checkouts.start(backends, order, lines(backends, order), address(backends, order))
    with backends.transaction() as session:
        row = session.get_one(Order, order.id)
        row.checkout_id, row.checkout_url = checkout.id, checkout.url
    return row


def receive(backends: Backends, body: bytes, headers: Mapping[str, str]) -> None:
    """Write down what a gateway says, once, to be settled by a job. Raises Forbidden unless it is signed."""
    event = backends.payments.read_event(body, headers)
    if event is not None:
        _note(backends, event)


def _note(backends: Backends, event: PaymentEvent) -> None:
    note = ReceivedEvent(
        id=event.id,
        order_id=event.order_id,
        checkout_id=event.checkout_id,
        state=event.state,
        amount=event.amount,
        currency=event.currency,
        received_at=backends.now(),
    )
    try:
        with backends.transaction() as session:
            if session.get(Order, event.order_id) is None:
                raise NoSuchOrder
            session.add(note)
            session.flush()
            jobs.enqueue(session, JobKind.SETTLE_ORDER, event.order_id)
    except IntegrityError:
        return  # already received


def settle(backends: Backends, order_id: str) -> None:
    """Act on the messages about an order that were not acted on yet, oldest first."""
    with backends.transaction() as session:
        order = session.exec(select(Order).where(Order.id == UUID(order_id)).with_for_update()).first()
        if order is None:
            raise NoSuchOrder
        news = select(ReceivedEvent).where(
            ReceivedEvent.order_id == order.id, col(ReceivedEvent.handled_at).is_(None)
        )
        for event in session.exec(news.order_by(col(ReceivedEvent.received_at), col(ReceivedEvent.id))).all():
            _act(backends, session, order, event)
            event.handled_at = backends.now()


def _act(backends: Backends, session: Session, order: Order, event: ReceivedEvent) -> None:
    match PaymentState(event.state):
        case PaymentState.PAID if _agrees(session, order, event):
            _pay(backends, session, order)
        case PaymentState.PAID:
            _hold(session, order, event)
        case PaymentState.FAILED:
            _move(session, order.id, OrderStatus.FAILED, since=(OrderStatus.PENDING,))
        case PaymentState.EXPIRED:
            _move(session, order.id, OrderStatus.EXPIRED, since=(OrderStatus.PENDING,))


def _agrees(session: Session, order: Order, event: ReceivedEvent) -> bool:
    """The money is what was asked, for this checkout, and all that it pays for is still there."""
    there = _lines_of(order).join(Photo).where(col(Photo.removed_at).is_(None))
    is_whole = sum(item.amount for item in session.exec(there)) == order.total_amount
    is_exact = (event.amount, event.currency) == (order.total_amount, order.currency)
    return order.checkout_id in (None, event.checkout_id) and is_whole and is_exact


def _move(session: Session, order_id: UUID, to: OrderStatus, since: Sequence[OrderStatus]) -> bool:
    """Change the status if it is one of `since`, and free the key of the cart. Returns whether it changed."""
    moving = update(Order).where(col(Order.id) == order_id, col(Order.status).in_(since))
    moved = session.execute(moving.values(status=to, pending_key=None))
    return isinstance(moved, CursorResult) and moved.rowcount == 1


def _pay(backends: Backends, session: Session, order: Order) -> None:
    """Make the order paid and grant its files, unless that was done before."""
    if not _move(session, order.id, OrderStatus.PAID, since=(*UNPAID, OrderStatus.HELD)):
        return
    session.execute(update(Order).where(col(Order.id) == order.id).values(paid_at=backends.now()))
    items = session.exec(_lines_of(order)).all()
    downloads.grant(backends, session, items)
    carts.take_out(session, order.visitor_key, [item.photo_id for item in items])
    activity.record_sale(session, order, items, by=downloads.buyer(session, order))
    log.info("order paid", order_id=str(order.id), amount=order.total_amount, currency=order.currency)


def _hold(session: Session, order: Order, event: ReceivedEvent) -> None:
    """Put money aside that does not fit the order: an admin looks at it, nothing is delivered for it."""
    _move(session, order.id, OrderStatus.HELD, since=UNPAID)
    audit.record(
        session,
        "order.held",
        order.id,
        by=None,
        message=event.id,
        paid={"amount": event.amount, "currency": event.currency, "checkout": event.checkout_id},
        ordered={"amount": order.total_amount, "currency": order.currency, "checkout": order.checkout_id},
    )
    log.error("payment does not fit its order", order_id=str(order.id))


def refresh(backends: Backends, order_id: UUID) -> Order:
    """Ask the gateway itself where an unpaid order stands, act on it, and return the order.

    A gateway that is away is no error here: its message, or the job at the order's expiry, still comes.
    """
    order = find(backends, order_id)
    try:
        _ask(backends, order)
    except Unavailable as away:
        log.warning("gateway away", order_id=str(order_id), reason=str(away))
    settle(backends, str(order_id))
    return find(backends, order_id)


def _ask(backends: Backends, order: Order) -> None:
    seen = checkouts.ask(backends, order) if order.status in UNPAID else None
    if seen is not None and seen.state is not PaymentState.OPEN:
        _note(backends, replace(seen, id=f"look:{seen.checkout_id}:{seen.state}"))


def expire(backends: Backends, order_id: str) -> None:
    """End an order whose time is over, unless the gateway says that it was paid. Raises Unavailable."""
    order = find(backends, UUID(order_id))
    _ask(backends, order)
    settle(backends, order_id)
    with backends.transaction() as session:
        _move(session, order.id, OrderStatus.EXPIRED, since=(OrderStatus.PENDING,))


def find(backends: Backends, order_id: UUID) -> Order:
    """Return an order, for callers that have checked who asks. Raises NoSuchOrder."""
    with backends.reading() as session:
        order = session.get(Order, order_id)
    if order is None:
        raise NoSuchOrder
    return order


def lines(backends: Backends, order: Order) -> Sequence[LineItem]:
    """Return the priced parts of an order, event by event."""
    with backends.reading() as session:
        return session.exec(_lines_of(order)).all()


def mine(backends: Backends, viewer: Viewer) -> Sequence[Order]:
    """Return the orders of the viewer's account and of this browser, newest first."""
    with backends.reading() as session:
        query = select(Order).where(carts.ordered_by(viewer)).order_by(col(Order.created_at).desc())
        return session.exec(query.limit(200)).all()


def address_token(backends: Backends, order: Order) -> str:
    """Return the secret part of the order's private address."""
    return backends.signer.sign("order", str(order.id))


def address(backends: Backends, order: Order) -> str:
    """Return the order's private address, as a local path: who has it may fetch the files."""
    return f"/order?o={address_token(backends, order)}"


def by_token(backends: Backends, token: str) -> Order:
    """Return the order of a private address. Raises NoSuchOrder."""
    parts = backends.signer.read("order", token)
    if parts is None:
        raise NoSuchOrder
    return find(backends, UUID(parts[0]))


def _lines_of(order: Order) -> SelectOfScalar[LineItem]:
    query = select(LineItem).where(LineItem.order_id == order.id)
    return query.order_by(*BY_EVENT)
