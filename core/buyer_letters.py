"""What buyers are written: what they bought, what they paid, what goes back, and where their files are."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from core import bills, orders
from core.backends import Backends
from core.i18n import _
from core.letters import Button, Letter, Row
from core.pricing import RowKind, format_amount
from core.stationery import footer, greeting, written
from models.account import Account
from models.event import Event
from models.mail import OutboxMail
from models.order import Download, LineItem, Order, OrderStatus
from models.refund import Receipt, ReceiptKind, Refund, RefundLine, RefundStatus

MOST_ORDERS = 50  # in one letter
_CODE = re.compile(r"([RC])(\d{4})-(\d{6,9})")
_KINDS = {"R": ReceiptKind.RECEIPT, "C": ReceiptKind.CREDIT_NOTE}


def order_confirmation(backends: Backends, mail: OutboxMail) -> Letter | None:
    """Return what was bought, and where its files are. None when all of it went back meanwhile."""
    with backends.reading() as session:
        order = session.get(Order, UUID(mail.subject))
        if order is None or order.status is not OrderStatus.PAID:
            return None
        events = _events(session, [order.id])[order.id]
        until = _fetched_until(session, order)
        rows = _bill(session, order)
        name = _name(session, order)
    return Letter(
        subject=_("Your photos are ready: {event}").format(event=_names(events)),
        greeting=greeting(name),
        paragraphs=(_("Thank you. Below is what you bought; the button opens your files."),),
        rows=rows,
        button=_to_order(backends, order, _("Open your photos")),
        notes=(*_until(until, _zone(events)), _private()),
        footer=_because_bought(backends),
    )


def receipt(backends: Backends, mail: OutboxMail) -> Letter | None:
    """Return a numbered paper: what was paid or given back, to whom, with its tax."""
    with backends.reading() as session:
        paper = _paper(session, mail.subject)
        if paper is None:
            return None
        order = session.get_one(Order, paper.order_id)
        zone = _zone(_events(session, [order.id])[order.id])
        rows = _bill(session, order) if paper.refund_id is None else _paid_back(session, paper)
        name = _name(session, order)
    is_receipt = paper.kind is ReceiptKind.RECEIPT
    title = _("Receipt {code}") if is_receipt else _("Credit note {code}")
    dated = _("{title} of {day}, for {email}.").format(
        title=title.format(code=paper.code), day=_day(paper.issued_at, zone), email=order.email
    )
    return Letter(
        subject=title.format(code=paper.code),
        greeting=greeting(name),
        paragraphs=(dated, *_seller(paper)),
        rows=rows,
        button=_to_order(backends, order, _("Open your order")),
        footer=_because_bought(backends),
    )


def refund(backends: Backends, mail: OutboxMail) -> Letter | None:
    """Return how much goes back, and for which photos. None when it failed meanwhile."""
    with backends.reading() as session:
        row = session.get(Refund, UUID(mail.subject))
        if row is None or row.status is RefundStatus.FAILED:
            return None
        order = session.get_one(Order, row.order_id)
        zone = _zone(_events(session, [order.id])[order.id])
        rows = () if row.is_foreign else _refunded_lines(session, row.id, row.currency)
        name = _name(session, order)
    amount = format_amount(row.amount, row.currency)
    told = _("{amount} of what you paid on {day} goes back to you, the way it came.").format(
        amount=amount, day=_day(order.paid_at or order.created_at, zone)
    )
    withdrawn = (_("The files of what went back can no longer be fetched."),) if rows else ()
    return Letter(
        subject=_("Your refund of {amount}").format(amount=amount),
        greeting=greeting(name),
        paragraphs=(told, _("Your bank may take up to ten days to show it.")),
        rows=(*rows, _total(row.amount, row.currency)) if rows else (),
        button=_to_order(backends, order, _("Open your order")),
        notes=withdrawn,
        footer=_because_bought(backends),
    )


def order_links(backends: Backends, mail: OutboxMail) -> Letter | None:
    """Return the private address of an order, or of all that were paid by who reads it. None without any."""
    with backends.reading() as session:
        found = _paid_orders(session, mail)
        events = _events(session, [order.id for order in found])
    if not found:
        return None
    button = _to_order(backends, found[0], _("Open your photos")) if len(found) == 1 else None
    rows = tuple(_order(backends, order, events[order.id], is_link=button is None) for order in found)
    return Letter(
        subject=_("The links to your photos"),
        greeting=greeting(),
        paragraphs=(_("These are the orders of this address. Each link opens one, with its files."),),
        rows=rows,
        button=button,
        notes=(_private(),),
        footer=footer(backends, _("You get this mail because somebody asked for the links to your orders.")),
    )


# --- what is looked up ---------------------------------------------------------------------


def _paper(session: Session, code: str) -> Receipt | None:
    found = _CODE.fullmatch(code)
    if found is None:
        return None
    letter, year, number = found.groups()
    numbered = (Receipt.year == int(year), Receipt.number == int(number))
    return session.exec(select(Receipt).where(Receipt.kind == _KINDS[letter], *numbered)).first()


def _paid_orders(session: Session, mail: OutboxMail) -> Sequence[Order]:
    """Return the order that the mail names, else the newest of its address."""
    query = select(Order).where(Order.status == OrderStatus.PAID, Order.email == mail.to)
    if "order_id" in mail.data:
        query = query.where(col(Order.id) == UUID(mail.data["order_id"]))
    return session.exec(query.order_by(col(Order.created_at).desc()).limit(MOST_ORDERS)).all()


def _events(session: Session, order_ids: Collection[UUID]) -> dict[UUID, list[Event]]:
    """Return the events of each order, in their order there."""
    query = select(LineItem.order_id, Event).join(Event, col(Event.id) == col(LineItem.event_id))
    rows = session.exec(query.where(col(LineItem.order_id).in_(order_ids)).distinct().order_by(col(Event.id)))
    found: dict[UUID, list[Event]] = {order_id: [] for order_id in order_ids}
    for order_id, event in rows:
        found[order_id].append(event)
    return found


def _fetched_until(session: Session, order: Order) -> datetime | None:
    granted = (Download.order_id == order.id, col(Download.withdrawn_at).is_(None))
    return session.exec(select(func.min(Download.expires_at)).where(*granted)).one()


def _name(session: Session, order: Order) -> str:
    account = None if order.account_id is None else session.get(Account, order.account_id)
    return account.name if account is not None and account.email == order.email else ""


def _refunded_lines(session: Session, refund_id: UUID, currency: str) -> tuple[Row, ...]:
    query = (
        select(LineItem.label, RefundLine.amount)
        .join(LineItem, col(LineItem.id) == col(RefundLine.line_item_id))
        .where(RefundLine.refund_id == refund_id)
        .order_by(col(LineItem.label))
    )
    return tuple(Row(label, format_amount(amount, currency)) for label, amount in session.exec(query))


# --- how it is said ------------------------------------------------------------------------


def _bill(session: Session, order: Order) -> tuple[Row, ...]:
    lines = session.exec(select(LineItem).where(LineItem.order_id == order.id)).all()
    said = bills.rows(order, lines)
    within = [row for row in said if row.kind is RowKind.TAX_INCLUDED]  # no part of the sum: below it
    rows = [Row(*bills.words(row, order.currency)) for row in said if row not in within]
    below = [Row(*bills.words(row, order.currency)) for row in within]
    return (*rows, _total(order.total_amount, order.currency), *below)


def _paid_back(session: Session, paper: Receipt) -> tuple[Row, ...]:
    rows = _refunded_lines(session, paper.refund_id, paper.currency) if paper.refund_id else ()
    tax = (
        (Row(_("Tax included"), format_amount(paper.tax_amount, paper.currency)),) if paper.tax_amount else ()
    )
    return (*rows, _total(paper.amount, paper.currency), *tax)


def _total(amount: int, currency: str) -> Row:
    return Row(_("Total"), format_amount(amount, currency), is_total=True)


def _seller(paper: Receipt) -> tuple[str, ...]:
    lines = [line.strip() for line in re.split(r"[|\n]", paper.seller) if line.strip()]
    return (_("Seller: {seller}").format(seller=", ".join(lines)),) if lines else ()


def _order(backends: Backends, order: Order, events: Sequence[Event], *, is_link: bool) -> Row:
    text = f"{_day(order.paid_at or order.created_at, _zone(events))} · {_names(events)}"
    url = backends.settings.url(orders.address(backends, order)) if is_link else ""
    return Row(text, format_amount(order.total_amount, order.currency), url)


def _to_order(backends: Backends, order: Order, text: str) -> Button:
    return Button(text, backends.settings.url(orders.address(backends, order)))


def _until(until: datetime | None, zone: ZoneInfo) -> tuple[str, ...]:
    if until is None:
        return ()
    return (_("The files can be fetched until {day}.").format(day=_day(until, zone)),)


def _private() -> str:
    return _("Whoever has the link can fetch the photos, so keep it to yourself.")


def _because_bought(backends: Backends) -> tuple[str, ...]:
    return footer(backends, _("You get this mail because photos were bought there with this address."))


def _names(events: Sequence[Event]) -> str:
    return ", ".join(event.name for event in events)


def _zone(events: Sequence[Event]) -> ZoneInfo:
    return events[0].zone if events else ZoneInfo("UTC")


def _day(at: datetime, zone: ZoneInfo) -> str:
    return written(at.astimezone(zone).date())
