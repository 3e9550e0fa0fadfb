"""Orders as an event's organiser sees them: what is of the event, and nothing of any other."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, func, select

from core import access, audit, downloads, order_search, orders, outbox, paging, spreadsheets
from core.access import Action
from core.backends import Backends
from core.paging import Asked, Page
from models.account import Account
from models.mail import MailKind
from models.order import Download, LineItem, LineKind, Order, OrderStatus
from models.photo import Photo
from models.refund import Dispute, Receipt, Refund, RefundLine, RefundStatus

NEWEST = paging.Order[Order]("sold", (col(Order.created_at), col(Order.id)), is_descending=True)


@dataclass(frozen=True)
class Sale:
    """An order, with its lines of one event. Of its other lines not even the sum is told."""

    id: UUID
    email: str
    status: OrderStatus
    created_at: datetime
    paid_at: datetime | None
    currency: str
    lines: Sequence[LineItem]

    @property
    def amount(self) -> int:
        """What the lines cost, in minor units."""
        return sum(line.amount for line in self.lines)

    @property
    def refunded_amount(self) -> int:
        """What of it was given back or is on its way, in minor units."""
        return sum(line.refunded_amount for line in self.lines)

    @property
    def photo_count(self) -> int:
        """How many single photos are in it; a pass is none."""
        return sum(line.kind is LineKind.PHOTO for line in self.lines)

    @property
    def has_pass(self) -> bool:
        """The buyer has every photo of the event."""
        return any(line.kind is LineKind.PASS for line in self.lines)


@dataclass(frozen=True)
class GivenBack:
    """The part of a refund that is of the event."""

    id: UUID
    status: RefundStatus
    amount: int  # minor units, of the event's lines
    reason: str
    is_by_buyer: bool  # asked for by who bought, without anybody's help
    is_foreign: bool  # made at the payment service itself
    created_at: datetime
    finished_at: datetime | None
    last_error: str | None


@dataclass(frozen=True)
class Details:
    """A sale, and all that became of it."""

    sale: Sale
    photos: Mapping[UUID, Photo]  # by line item; none of a pass, or of a photo that is gone
    fetched: Mapping[UUID, datetime]  # by line item: when its file was first fetched
    refunds: Sequence[GivenBack]  # oldest first
    disputes: Sequence[Dispute]
    receipts: Sequence[str]  # the numbers of its papers


# --- reading -------------------------------------------------------------------------------


def listing(
    backends: Backends,
    event_id: int,
    asked: Asked,
    *,
    text: str = "",
    status: OrderStatus | None = None,
    by: Account | None,
) -> Page[Sale]:
    """Return the orders with photos of an event, newest first; `text` is looked for in what names them.

    That is the address, the beginning of the id, the names of the event's photos, and receipts' numbers.
    """
    query = select(Order).where(_is_of(event_id))
    if status is not None:
        query = query.where(Order.status == status)
    if text.strip():
        query = query.where(order_search.fits(text.strip(), event_id))
    with backends.reading() as session:
        access.require(session, by, Action.SELL, event_id)
        found = paging.read(backends, session, query, NEWEST, asked)
        return Page(_sales(session, event_id, found.items), found.next_cursor)


def find(backends: Backends, event_id: int, order_id: UUID, *, by: Account | None) -> Details:
    """Return an order with photos of an event. Raises NoSuchOrder."""
    with backends.reading() as session:
        access.require(session, by, Action.SELL, event_id)
        order = session.exec(select(Order).where(Order.id == order_id, _is_of(event_id))).first()
        if order is None:
            raise orders.NoSuchOrder
        (sale,) = _sales(session, event_id, [order])
        disputes = select(Dispute).where(Dispute.order_id == order_id).order_by(col(Dispute.opened_at))
        refunds = _given_back(session, sale)
        return Details(
            sale=sale,
            photos=_photos(session, sale),
            fetched=_fetched(session, [sale]),
            refunds=refunds,
            disputes=session.exec(disputes).all(),
            receipts=[paper.code for paper in _papers(session, sale, refunds)],
        )


def _is_of(event_id: int) -> ColumnElement[bool]:
    of_event = select(LineItem.order_id).where(LineItem.event_id == event_id)
    return col(Order.id).in_(of_event)


def _sales(session: Session, event_id: int, found: Sequence[Order]) -> list[Sale]:
    lines = defaultdict[UUID, list[LineItem]](list)
    query = select(LineItem).where(
        LineItem.event_id == event_id, col(LineItem.order_id).in_([order.id for order in found])
    )
    for line in session.exec(query.order_by(*orders.BY_EVENT)):
        lines[line.order_id].append(line)
    return [
        Sale(
            id=order.id,
            email=order.email,
            status=order.status,
            created_at=order.created_at,
            paid_at=order.paid_at,
            currency=order.currency,
            lines=lines[order.id],
        )
        for order in found
    ]


def _photos(session: Session, sale: Sale) -> dict[UUID, Photo]:
    query = select(LineItem.id, Photo).join(Photo).where(col(Photo.removed_at).is_(None))
    return dict(session.exec(query.where(col(LineItem.id).in_([line.id for line in sale.lines]))).all())


def _fetched(session: Session, sales: Collection[Sale]) -> dict[UUID, datetime]:
    """Return when each line's file was first fetched, of those that were."""
    ids = [line.id for sale in sales for line in sale.lines]
    query = select(Download.line_item_id, func.min(Download.fetched_at)).group_by(col(Download.line_item_id))
    was_fetched = query.where(col(Download.line_item_id).in_(ids), col(Download.fetched_at).is_not(None))
    return {line_id: at for line_id, at in session.exec(was_fetched) if at is not None}


def _given_back(session: Session, sale: Sale) -> list[GivenBack]:
    ours = col(RefundLine.line_item_id).in_([line.id for line in sale.lines])
    sums = select(RefundLine.refund_id, func.sum(RefundLine.amount)).where(ours)
    parts = dict(session.exec(sums.group_by(col(RefundLine.refund_id))).all())
    query = select(Refund).where(col(Refund.id).in_(parts))
    return [
        GivenBack(
            id=refund.id,
            status=refund.status,
            amount=int(parts[refund.id]),
            reason=refund.reason,
            is_by_buyer=refund.by_account_id is None and not refund.is_foreign,
            is_foreign=refund.is_foreign,
            created_at=refund.created_at,
            finished_at=refund.finished_at,
            last_error=refund.last_error,
        )
        for refund in session.exec(query.order_by(col(Refund.created_at), col(Refund.id)))
    ]


def _papers(session: Session, sale: Sale, refunds: Sequence[GivenBack]) -> Sequence[Receipt]:
    """Return the receipt, and the credit notes of what went back of the event."""
    is_ours = or_(
        col(Receipt.refund_id).is_(None), col(Receipt.refund_id).in_([refund.id for refund in refunds])
    )
    query = select(Receipt).where(Receipt.order_id == sale.id, is_ours)
    return session.exec(query.order_by(col(Receipt.id))).all()


# --- sending again, taking along -----------------------------------------------------------


def resend(backends: Backends, event_id: int, order_id: UUID, *, by: Account | None) -> None:
    """Send a buyer fresh links to what they paid for; the links before end at once.

    Raises NoSuchOrder, NotPaid, Withdrawn.
    """
    with backends.transaction() as session:
        access.require(session, by, Action.SELL, event_id)
        order = session.exec(
            select(Order).where(Order.id == order_id, _is_of(event_id)).with_for_update()
        ).first()
        if order is None:
            raise orders.NoSuchOrder
        downloads.reissue(backends, session, order)
        subject = f"{order.id}:{order.link_version}"
        outbox.put(session, MailKind.ORDER_LINKS, subject, order.email, order_id=str(order.id))
        audit.record(session, "order.resend", order.id, by=by, event=event_id)


HEADER = (
    "order",
    "status",
    "ordered_at",
    "paid_at",
    "email",
    "kind",
    "photo",
    "size",
    "currency",
    "price",
    "paid",
    "tax_included",
    "given_back",
    "price_minor",
    "paid_minor",
    "tax_included_minor",
    "given_back_minor",
    "fetched_at",
)


def export(backends: Backends, event_id: int, *, by: Account | None) -> Iterator[str]:
    """Return every line sold at an event as a CSV file, piece by piece, newest first. It is written down."""
    with backends.transaction() as session:
        access.require(session, by, Action.SELL, event_id)
        audit.record(session, "order.export", event_id, by=by)
    return spreadsheets.rows(HEADER, _exported(backends, event_id, by))


def _exported(backends: Backends, event_id: int, by: Account | None) -> Iterator[Sequence[spreadsheets.Cell]]:
    asked: Asked | None = Asked(paging.MOST)
    while asked:
        page = listing(backends, event_id, asked, by=by)
        with backends.reading() as session:
            fetched = _fetched(session, page.items)
        for sale in page.items:
            for line in sale.lines:
                yield _cells(sale, line, fetched.get(line.id))
        asked = Asked(paging.MOST, page.next_cursor) if page.next_cursor else None


def _cells(sale: Sale, line: LineItem, fetched_at: datetime | None) -> Sequence[spreadsheets.Cell]:
    amounts = (line.list_amount, line.amount, line.tax_amount, line.refunded_amount)
    return (
        sale.id,
        sale.status,
        sale.created_at,
        sale.paid_at,
        sale.email,
        line.kind,
        line.label,
        line.size if line.kind is LineKind.PHOTO else None,
        line.currency,
        *(spreadsheets.major(amount, line.currency) for amount in amounts),
        *amounts,
        fetched_at,
    )
