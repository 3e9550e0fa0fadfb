"""What became of the money of orders: gateways send hints, and are then asked where a payment stands.

Messages come twice, late and out of order, or never. None of them is believed: whatever is heard, the gateway
is asked, and all of its answer is applied at once. An older answer is never applied after a newer one.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy import CursorResult, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core import (
    activity,
    audit,
    bookings,
    carts,
    disputes,
    downloads,
    jobs,
    ledger,
    orders,
    outbox,
    receipts,
    refund_answers,
    refunds,
    set_aside,
)
from core.backends import Backends
from core.errors import NotFound, Unavailable
from core.gateway import PaymentEvent, PaymentState, Standing
from models.job import JobKind
from models.mail import MailKind
from models.order import LineKind, Order, OrderStatus, ReceivedEvent
from models.photo import Photo

log = structlog.get_logger()

TRIES = 5  # at applying a look at the gateway while others apply theirs


def receive(backends: Backends, body: bytes, headers: Mapping[str, str]) -> None:
    """Write down what a gateway says, once, for a job to look into. Raises Forbidden unless it is signed."""
    event = backends.payments.read_event(body, headers)
    if event is None:
        return
    with suppress(IntegrityError), backends.transaction() as session:  # received already
        _note(backends, session, event)


def _note(backends: Backends, session: Session, event: PaymentEvent) -> None:
    order_id = _order_id(session, event)
    session.add(
        ReceivedEvent(
            id=event.id,
            kind=event.kind,
            payment_id=event.payment_id,
            order_id=order_id,
            received_at=backends.now(),
        )
    )
    session.flush()
    if order_id is None:
        jobs.enqueue(session, JobKind.TRACE_EVENT, event.id)
    else:
        jobs.enqueue(session, JobKind.SETTLE_ORDER, order_id)


def _order_id(session: Session, event: PaymentEvent) -> UUID | None:
    """Return the order of ours that a message is about, None when the gateway must be asked first."""
    if event.order_id is not None and session.get(Order, event.order_id) is not None:
        return event.order_id
    is_it = or_(col(Order.checkout_id) == event.payment_id, col(Order.intent_id) == event.payment_id)
    return session.exec(select(Order.id).where(is_it)).first()


def trace(backends: Backends, event_id: str) -> None:
    """Job: ask the gateway which order a message is about. Others may share our account at the gateway."""
    with backends.reading() as session:
        event = session.get_one(ReceivedEvent, event_id)
    try:
        standing = backends.payments.look_up(event.payment_id)
    except NotFound:
        standing = None
    with backends.transaction() as session:
        known = standing and standing.order_id and session.get(Order, standing.order_id)
        row = session.get_one(ReceivedEvent, event_id)
        if known:
            row.order_id = known.id
            jobs.enqueue(session, JobKind.SETTLE_ORDER, known.id)
        else:
            row.handled_at = backends.now()
            log.warning("message about a payment that is not ours", message=event_id)


# --- asking, and acting on the answer ------------------------------------------------------


def settle(backends: Backends, order_id: str) -> None:
    """Job: ask the gateway about an order's payment, and about others that messages name, and act on it."""
    order = orders.find(backends, UUID(order_id))
    with backends.reading() as session:
        waiting = select(ReceivedEvent).where(
            ReceivedEvent.order_id == order.id, col(ReceivedEvent.handled_at).is_(None)
        )
        news = session.exec(waiting.order_by(col(ReceivedEvent.received_at), col(ReceivedEvent.id))).all()
        put_aside = set_aside.of_order(session, order)
    named = [event.payment_id for event in news if event.payment_id != order.intent_id]
    for payment_id in dict.fromkeys([*filter(None, [order.checkout_id]), *named, *put_aside]):
        look(backends, order.id, payment_id)
    with backends.transaction() as session:
        heard = col(ReceivedEvent.id).in_([event.id for event in news])
        session.execute(update(ReceivedEvent).where(heard).values(handled_at=backends.now()))


def look(backends: Backends, order_id: UUID, payment_id: str) -> None:
    """Ask about one payment until its answer is the newest when it is applied. Raises Unavailable."""
    for _ in range(TRIES):
        order = orders.find(backends, order_id)
        if order.gateway != backends.payments.name:
            if order.gateway != orders.FREE:
                log.error("order of another gateway", order_id=str(order_id), gateway=order.gateway)
            return
        try:
            standing = backends.payments.look_up(payment_id)
        except NotFound:
            log.warning("payment unknown to the gateway", order_id=str(order_id), payment=payment_id)
            return
        if _apply(backends, order, standing):
            return
    raise Unavailable("This order changes in several places at once. Try again.")


def _apply(backends: Backends, seen: Order, standing: Standing) -> bool:
    """Act on an answer. Returns False when another one was acted on since the question."""
    with backends.transaction() as session:
        order = orders.locked(session, seen.id)
        ledger.lock(session)
        if order.looked != seen.looked:
            return False
        order.looked += 1
        session.flush()
        is_own = _is_its_own(order, standing)
        if is_own:
            order.checkout_id = order.checkout_id or standing.payment_id
            order.intent_id = standing.intent_id or order.intent_id
            _act(backends, session, order, standing)
        elif standing.state is PaymentState.PAID:
            _hold(backends, session, order, standing)
        if set_aside.holds(session, standing):
            set_aside.take_back(backends, session, order, standing)
            _show_held(session, order)
        elif is_own and order.paid_at is not None:
            bookings.sale(backends, session, order, session.exec(orders.lines_of(order)).all())
            refund_answers.apply(backends, session, order, standing)
            disputes.apply(backends, session, order, standing)
    return True


def _show_held(session: Session, order: Order) -> None:
    """An order that was never sold is held as long as money of it is put aside."""
    if not set_aside.of_order(session, order):
        move(session, order.id, OrderStatus.REFUNDED, since=(OrderStatus.HELD,))
    elif order.paid_at is None:
        move(session, order.id, OrderStatus.HELD, since=(OrderStatus.REFUNDED,))


def _is_its_own(order: Order, standing: Standing) -> bool:
    if order.checkout_id is None:  # what was ended before says nothing about an attempt that is to come
        return standing.state is PaymentState.PAID
    names = {standing.payment_id, standing.intent_id} - {None}
    return not names.isdisjoint({order.checkout_id, order.intent_id})


def _act(backends: Backends, session: Session, order: Order, standing: Standing) -> None:
    match standing.state:
        case PaymentState.PAID if order.status in (*orders.UNPAID, OrderStatus.HELD):
            if _agrees(session, order, standing):
                pay(backends, session, order)
            else:
                _hold(backends, session, order, standing)
        case PaymentState.FAILED:
            move(session, order.id, OrderStatus.FAILED, since=(OrderStatus.PENDING,))
        case PaymentState.EXPIRED:
            move(session, order.id, OrderStatus.EXPIRED, since=(OrderStatus.PENDING,))


def _agrees(session: Session, order: Order, standing: Standing) -> bool:
    """The money is what was asked, was not put aside before, and all that it pays for is still there."""
    there = orders.lines_of(order).outerjoin(Photo)
    lines = session.exec(there.where(col(Photo.removed_at).is_(None))).all()
    whole = [line for line in lines if line.kind is LineKind.PASS or line.photo_id is not None]
    is_whole = sum(line.amount for line in whole) == order.total_amount
    is_exact = (standing.amount, standing.currency) == (order.total_amount, order.currency)
    return is_whole and is_exact and not set_aside.holds(session, standing)


def move(session: Session, order_id: UUID, to: OrderStatus, since: Sequence[OrderStatus]) -> bool:
    """Change the status if it is one of `since`, and free the key of the cart. Returns whether it changed."""
    moving = update(Order).where(col(Order.id) == order_id, col(Order.status).in_(since))
    moved = session.execute(moving.values(status=to, pending_key=None))
    return isinstance(moved, CursorResult) and moved.rowcount == 1


def pay(backends: Backends, session: Session, order: Order) -> None:
    """Make the order paid, book its money and grant its files, unless that was done before."""
    if not move(session, order.id, OrderStatus.PAID, since=(*orders.UNPAID, OrderStatus.HELD)):
        return
    session.refresh(order)
    order.paid_at = backends.now()
    items = session.exec(orders.lines_of(order)).all()
    downloads.grant(backends, session, items)
    bookings.sale(backends, session, order, items)
    carts.take_out_bought(session, order, items)
    activity.record_sale(session, order, items, by=downloads.buyer(session, order))
    outbox.put(session, MailKind.ORDER_CONFIRMATION, str(order.id), order.email, order_id=str(order.id))
    receipt = receipts.issue(backends, session, order)
    if receipt is not None:
        outbox.put(session, MailKind.RECEIPT, receipt.code, order.email, order_id=str(order.id))
    log.info("order paid", order_id=str(order.id), amount=order.total_amount, currency=order.currency)


def _hold(backends: Backends, session: Session, order: Order, standing: Standing) -> None:
    """Put money aside that does not fit the order: an admin looks at it, nothing is delivered for it."""
    if set_aside.holds(session, standing):
        return
    set_aside.put(backends, session, order, standing)
    move(session, order.id, OrderStatus.HELD, since=orders.UNPAID)
    audit.record(
        session,
        "order.held",
        order.id,
        by=None,
        paid={"amount": standing.amount, "currency": standing.currency, "payment": standing.payment_id},
        ordered={"amount": order.total_amount, "currency": order.currency, "payment": order.checkout_id},
    )
    log.error("payment does not fit its order", order_id=str(order.id))


def give_back(backends: Backends, refund_id: str) -> None:
    """Job: ask the gateway for a refund, and act on what it says."""
    order_id = refunds.request(backends, refund_id)
    if order_id is not None:
        settle(backends, str(order_id))


# --- on one's own initiative ---------------------------------------------------------------


def refresh(backends: Backends, order_id: UUID) -> Order:
    """Ask the gateway itself where an unpaid order stands, act on it, and return the order.

    A gateway that is away is no error here: its message, or the job at the order's expiry, still comes.
    """
    order = orders.find(backends, order_id)
    if order.status in orders.UNPAID:
        try:
            settle(backends, str(order_id))
        except Unavailable as away:
            log.warning("gateway away", order_id=str(order_id), reason=str(away))
    return orders.find(backends, order_id)
