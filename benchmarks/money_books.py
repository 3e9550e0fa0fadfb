"""What the database and Stripe's double say of one history, read at once, for the checker."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from benchmarks.money_history import History
from models.job import Job
from models.ledger import Book, EntryKind, LedgerEntry, LedgerPosting
from models.mail import MailKind, OutboxMail
from models.order import Download, LineItem, LineKind, Order, OrderStatus, ReceivedEvent
from models.photo import Photo
from models.refund import Dispute, Receipt, Refund, RefundLine, RefundStatus

DECIDED = ("won", "lost", "warning_closed", "prevented")  # disputes


@dataclass(frozen=True)
class Payment:
    """One payment at Stripe."""

    id: str
    amount: int  # that came, minor units
    currency: str
    refunded: int  # and did not come back
    lost: int  # in disputes that are decided
    is_disputed: bool  # and nothing is decided
    is_slow: bool  # it was on its way for a while

    @property
    def kept(self) -> int:
        """What is left of it."""
        return self.amount - self.refunded - self.lost


@dataclass(frozen=True)
class Case:
    """One order, with everything that belongs to it."""

    name: str
    order: Order
    lines: Sequence[LineItem]
    downloads: Sequence[Download]
    refunds: Sequence[tuple[Refund, dict[UUID, int]]]  # with its parts by line
    disputes: Sequence[Dispute]
    receipts: Sequence[Receipt]
    entries: Sequence[tuple[LedgerEntry, Sequence[LedgerPosting]]]
    confirmations: int  # mails
    payments: Sequence[Payment]  # that came
    is_there: bool  # all that it is about: no photo of it was deleted
    has_lost: bool  # photos of its event were deleted

    @property
    def is_sold(self) -> bool:
        """Its sale is booked."""
        return any(entry.kind is EntryKind.SALE for entry, _ in self.entries)

    @property
    def is_cut(self) -> bool:
        """It was never paid for, and photos of it were deleted."""
        there = sum(line.amount for line in self.lines)
        return self.order.paid_at is None and there < self.order.total_amount and self.has_lost

    @property
    def left(self) -> int:
        """What is left of its sale by the ledger."""
        return sum(self.booked(Book.GATEWAY, line=line.id) for line in self.lines)

    @cached_property
    def given(self) -> Counter[UUID]:
        """What went back of each line, or is on its way."""
        going = [parts for refund, parts in self.refunds if refund.status is not RefundStatus.FAILED]
        return _summed(going)

    @property
    def withdrawn(self) -> set[UUID]:
        """The lines that were given back here."""
        own = [
            row for row in self.refunds if not row[0].is_foreign and row[0].status is not RefundStatus.FAILED
        ]
        return {line_id for _, parts in own for line_id in parts}

    @property
    def uses_up(self) -> bool:
        """It counts for a coupon and for gifts, and did all the time since it was placed."""
        is_late = self.order.paid_at is None or self.order.paid_at >= self.order.expires_at
        may_be_late = is_late or any(payment.is_slow for payment in self.payments)
        was_given_up = any(refund.status is RefundStatus.FAILED for refund, _ in self.refunds)
        return self.order.status is OrderStatus.PAID and not may_be_late and not was_given_up

    def owed(self, book: Book) -> Counter[int]:
        """Return what stands in a book for each account."""
        sums: Counter[int] = Counter()
        for _, postings in self.entries:
            for one in postings:
                if one.book is book and one.account_id is not None:
                    sums[one.account_id] -= one.amount
        return sums

    def booked(self, *books: Book, line: UUID | None = None, currency: str | None = None) -> int:
        """Return what stands in some books, of a line or of all."""
        return sum(
            posting.amount
            for entry, postings in self.entries
            for posting in postings
            if posting.book in books
            and line in (None, posting.line_item_id)
            and currency in (None, entry.currency)
        )


@dataclass(frozen=True)
class Books:
    """Everything of one history."""

    cases: Sequence[Case]
    photos: set[UUID]  # that are there
    events: Sequence[ReceivedEvent]
    failed: Sequence[Job]
    stuck: Sequence[Job]
    accounts: dict[int, list[tuple[LedgerEntry, LedgerPosting]]]  # what is owed to people, oldest first


def read(history: History) -> Books:
    """Return what is written of a history now."""
    with history.world.backends.reading() as session:
        orders = {order.id: order for order in history.every_order()}
        of = {
            table: _by_order(session, table, orders)
            for table in (LineItem, Download, Refund, Dispute, Receipt)
        }
        parts = defaultdict[UUID, dict[UUID, int]](dict)
        refund_ids = [refund.id for refunds in of[Refund].values() for refund in refunds]
        for part in session.exec(select(RefundLine).where(col(RefundLine.refund_id).in_(refund_ids))):
            parts[part.refund_id][part.line_item_id] = part.amount
        is_told = OutboxMail.kind == MailKind.ORDER_CONFIRMATION
        subjects = select(OutboxMail.subject).where(
            is_told, col(OutboxMail.subject).in_([str(one) for one in orders])
        )
        by_subject = Counter(session.exec(subjects))
        is_there = (Photo.event_id == history.shop.event.id, col(Photo.removed_at).is_(None))
        photos = set(session.exec(select(Photo.id).where(*is_there)))
        entries, payments = _entries(session, orders), _payments(history)
        cases = [
            Case(
                history.place_of(order),
                order,
                of[LineItem][order.id],
                of[Download][order.id],
                [(refund, parts[refund.id]) for refund in of[Refund][order.id]],
                of[Dispute][order.id],
                of[Receipt][order.id],
                entries[order.id],
                by_subject[str(order.id)],
                payments[order.id],
                all(
                    line.photo_id in photos for line in of[LineItem][order.id] if line.kind is LineKind.PHOTO
                ),
                history.has_deleted,
            )
            for order in orders.values()
        ]
        jobs = session.exec(select(Job).where(Job.id > history.first_job, Job.status != "done")).all()
        return Books(
            cases,
            photos,
            session.exec(select(ReceivedEvent).where(col(ReceivedEvent.handled_at).is_(None))).all(),
            [job for job in jobs if job.status == "failed"],
            [job for job in jobs if job.status != "failed"],
            _accounts(session, history),
        )


def _grouped(rows: Iterable[Any], key: Any) -> defaultdict[Any, list[Any]]:
    groups = defaultdict[Any, list[Any]](list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _by_order(session: Session, table: Any, orders: dict[UUID, Order]) -> defaultdict[UUID, list[Any]]:
    return _grouped(
        session.exec(select(table).where(table.order_id.in_(list(orders)))), lambda row: row.order_id
    )


def _entries(session: Session, orders: dict[UUID, Order]) -> defaultdict[UUID, list[Any]]:
    query = (
        select(LedgerEntry).where(col(LedgerEntry.order_id).in_(list(orders))).order_by(col(LedgerEntry.id))
    )
    entries = session.exec(query).all()
    ids = [entry.id for entry in entries]
    postings = _grouped(
        session.exec(select(LedgerPosting).where(col(LedgerPosting.entry_id).in_(ids))),
        lambda one: one.entry_id,
    )
    groups = defaultdict[UUID, list[Any]](list)
    for entry in entries:
        groups[entry.order_id].append((entry, postings[entry.id]))
    return groups


def _accounts(session: Session, history: History) -> dict[int, list[Any]]:
    people = [history.shop.organiser.id, *(one.id for one in history.shop.photographers)]
    query = (
        select(LedgerEntry, LedgerPosting)
        .join(LedgerPosting)
        .where(col(LedgerPosting.account_id).in_(people))
    )
    rows = session.exec(query.order_by(col(LedgerEntry.id), col(LedgerPosting.id))).all()
    return _grouped(rows, lambda row: row[1].account_id)


def _payments(history: History) -> defaultdict[UUID, list[Payment]]:
    """Return the money that came to Stripe for our orders, as its own books say."""
    account = history.double.account
    groups = defaultdict[UUID, list[Payment]](list)
    for intent in account.all("payment_intent"):
        order_id = UUID(intent["metadata"]["order_id"])
        if intent["amount_received"] and order_id in history.orders:
            refunds = account.of_intent("refund", intent["id"])
            disputes = account.of_intent("dispute", intent["id"])
            groups[order_id].append(
                Payment(
                    id=intent["id"],
                    amount=intent["amount_received"],
                    currency=intent["currency"].upper(),
                    refunded=sum(
                        one["amount"] for one in refunds if one["status"] not in ("failed", "canceled")
                    ),
                    lost=sum(one["amount"] for one in disputes if _is_lost(one)),
                    is_disputed=any(one["status"] not in DECIDED for one in disputes),
                    is_slow=_method(history, intent) != "card",
                )
            )
    return groups


def _method(history: History, intent: dict[str, Any]) -> str:
    charge = history.double.account.things[intent["latest_charge"]]
    return str(charge["payment_method_details"]["type"])


def _summed(parts: Iterable[dict[UUID, int]]) -> Counter[UUID]:
    sums: Counter[UUID] = Counter()
    for one in parts:
        sums.update(one)
    return sums


def _is_lost(dispute: dict[str, Any]) -> bool:
    moved = sum(movement["amount"] for movement in dispute["balance_transactions"])
    return dispute["status"] in ("lost", "prevented") and moved < 0
