"""What is posted for sales, refunds and disputes.

A line's postings always say what is left of its sale: after a refund or a lost dispute the difference to
that is posted, so that nothing depends on the order in which things were heard.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, func, select

from core import ledger, shares
from core.backends import Backends
from models.event import Event, EventMember
from models.ledger import Book, EntryKind, LedgerEntry, LedgerPosting
from models.order import LineItem, LineKind, Order
from models.photo import Photo, Review, Stage

PAYABLE = (Book.OWED, Book.FROZEN)  # what people are owed, whether it may be paid now or not

# --- sales ---------------------------------------------------------------------------------


def sale(backends: Backends, session: Session, order: Order, items: Sequence[LineItem]) -> None:
    """Share out what was paid for an order: tax, platform, photographers, organisers."""
    if order.total_amount and not ledger.is_posted(session, EntryKind.SALE, order.id):
        postings = [posting for item in items for posting in _sold(session, item)]
        _post(backends, session, EntryKind.SALE, order.id, order, postings)


def _sold(session: Session, item: LineItem) -> list[LedgerPosting]:
    """Return the postings of one line; the organiser has what is left, their own photos' part included."""
    organiser_id = session.get_one(Event, item.event_id).created_by
    net = item.amount - item.tax_amount
    platform = shares.percent_of(net, item.platform_percent)
    earned = _earned(session, item, net - platform, organiser_id)
    rest = net - platform - sum(share for _, share, _, _ in earned)
    rows = [
        (Book.GATEWAY, None, item.amount, None, None),
        (Book.TAX, None, -item.tax_amount, None, None),
        (Book.PLATFORM, None, -platform, net, item.platform_percent),
        *((Book.OWED, who, -share, base, percent) for who, share, base, percent in earned),
        (Book.OWED, organiser_id, -rest, None, None),
    ]
    return [
        LedgerPosting(
            book=book,
            account_id=account_id,
            event_id=item.event_id,
            line_item_id=item.id,
            amount=amount,
            base_amount=base,
            percent=percent,
        )
        for book, account_id, amount, base, percent in rows
    ]


def _earned(
    session: Session, item: LineItem, amount: int, organiser_id: int
) -> list[tuple[int, int, int, int]]:
    """Return the photographers' shares of an amount: account, share, of what base, by what percentage.

    A pass is shared out by how many of the event's photos each has taken.
    """
    if item.kind is LineKind.PHOTO:
        rates = {item.photographer_id: item.commission_percent} if item.photographer_id else {}
        counts = Counter(dict.fromkeys(rates, 1))
    else:
        counts, rates = _photographers(session, item.event_id)
    people = sorted(counts)
    bases = shares.allocate(amount if people else 0, [counts[who] for who in people])
    return [
        (who, shares.percent_of(base, rates.get(who, 0)), base, rates.get(who, 0))
        for who, base in zip(people, bases, strict=True)
        if who != organiser_id
    ]


def _photographers(session: Session, event_id: int) -> tuple[Counter[int], dict[int, int]]:
    """Return how many public photos each account has in an event, and everybody's commission."""
    is_public = (
        Photo.stage == Stage.INDEXED,
        Photo.review == Review.APPROVED,
        col(Photo.removed_at).is_(None),
    )
    query = select(Photo.uploaded_by, func.count()).where(Photo.event_id == event_id, *is_public)
    counts = Counter(dict(session.exec(query.group_by(col(Photo.uploaded_by))).all()))
    members = select(EventMember.account_id, EventMember.commission_percent)
    return counts, dict(session.exec(members.where(EventMember.event_id == event_id)).all())


def _post(
    backends: Backends,
    session: Session,
    kind: EntryKind,
    subject: object,
    order: Order,
    postings: Sequence[LedgerPosting],
) -> None:
    ledger.post(backends, session, kind, subject, postings, currency=order.currency, order_id=order.id)


# --- what is left of a sale ----------------------------------------------------------------


@dataclass(frozen=True)
class _Share:
    """Whose part of a line it is; what is frozen counts as owed."""

    book: Book
    account_id: int | None
    event_id: int | None


def left(session: Session, order: Order) -> dict[UUID, int]:
    """Return what is left of each line of an order by the books, in minor units."""
    query = select(LedgerPosting.line_item_id, func.sum(LedgerPosting.amount)).join(LedgerEntry)
    at_gateway = query.where(LedgerEntry.order_id == order.id, LedgerPosting.book == Book.GATEWAY)
    rows = session.exec(at_gateway.group_by(col(LedgerPosting.line_item_id)))
    return {line_id: int(amount) for line_id, amount in rows if line_id is not None}


def change(
    backends: Backends,
    session: Session,
    kind: EntryKind,
    subject: object,
    order: Order,
    lines: Mapping[UUID, int],
) -> None:
    """Post what brings lines of an order to what is left of each, minor units. Once by kind and subject."""
    if not ledger.is_posted(session, kind, subject):
        postings = [one for line_id, amount in lines.items() for one in _to(session, line_id, amount)]
        _post(backends, session, kind, subject, order, postings)


def _to(session: Session, line_id: UUID, amount: int) -> list[LedgerPosting]:
    """Return the postings that bring a line to what is left of it, in proportion to its sale."""
    sold, now = _of_line(session, line_id)
    wanted = shares.allocate(amount, [-posting.amount for posting in sold.values()])
    changed = [
        _moved(share, line_id, -part - now[share], sold[share])
        for share, part in zip(sold, wanted, strict=True)
    ]
    at_gateway = LedgerPosting(
        book=Book.GATEWAY, line_item_id=line_id, amount=-sum(one.amount for one in changed)
    )
    return [at_gateway, *changed]


def _of_line(session: Session, line_id: UUID) -> tuple[dict[_Share, LedgerPosting], Counter[_Share]]:
    """Return the shares of a line's sale, and what each of them is now."""
    query = select(LedgerPosting, LedgerEntry.kind).join(LedgerEntry)
    of_line = query.where(LedgerPosting.line_item_id == line_id, LedgerPosting.book != Book.GATEWAY)
    sold: dict[_Share, LedgerPosting] = {}
    now: Counter[_Share] = Counter()
    for posting, kind in session.exec(of_line.order_by(col(LedgerPosting.id))):
        book = Book.OWED if posting.book in PAYABLE else posting.book
        share = _Share(book, posting.account_id, posting.event_id)
        now[share] += posting.amount
        if kind is EntryKind.SALE:
            sold[share] = posting
    return sold, now


def _moved(share: _Share, line_id: UUID, amount: int, sold: LedgerPosting) -> LedgerPosting:
    """Return a posting to a share; where all of it goes or comes back, its computation does, too."""
    is_whole = sold.base_amount is not None and abs(amount) == abs(sold.amount)
    sign = 1 if amount < 0 else -1
    return LedgerPosting(
        book=share.book,
        account_id=share.account_id,
        event_id=share.event_id,
        line_item_id=line_id,
        amount=amount,
        base_amount=sign * sold.base_amount if is_whole and sold.base_amount is not None else None,
        percent=sold.percent if is_whole else None,
    )


# --- disputes: what people are owed is frozen ----------------------------------------------


def freeze(backends: Backends, session: Session, subject: str, order: Order) -> None:
    """Freeze what people are owed for an order, if anything. Once by subject."""
    postings = _swapped(session, order, Book.OWED, Book.FROZEN)
    is_new = not ledger.is_posted(session, EntryKind.DISPUTE_OPENED, subject)
    if is_new and any(posting.amount for posting in postings):
        _post(backends, session, EntryKind.DISPUTE_OPENED, subject, order, postings)


def thaw(backends: Backends, session: Session, subject: str, order: Order) -> None:
    """Give people back what was frozen. Once by subject."""
    if not ledger.is_posted(session, EntryKind.DISPUTE_WON, subject):
        postings = _swapped(session, order, Book.FROZEN, Book.OWED)
        _post(backends, session, EntryKind.DISPUTE_WON, subject, order, postings)


def lose(backends: Backends, session: Session, subject: str, order: Order, amount: int) -> None:
    """Take a lost amount from an order's lines, in proportion to what is left of each. Once by subject."""
    if ledger.is_posted(session, EntryKind.DISPUTE_LOST, subject):
        return
    lines = left(session, order)
    lost = min(amount, sum(lines.values()))
    parts = shares.allocate(lost, list(lines.values()))
    postings = _swapped(session, order, Book.FROZEN, Book.OWED)
    for (line_id, there), part in zip(lines.items(), parts, strict=True):
        postings += _to(session, line_id, there - part)
    _post(backends, session, EntryKind.DISPUTE_LOST, subject, order, postings)


def _swapped(session: Session, order: Order, source: Book, target: Book) -> list[LedgerPosting]:
    """Return postings that move all that an order has in one book to another."""
    of = (col(LedgerPosting.account_id), col(LedgerPosting.event_id), col(LedgerPosting.line_item_id))
    query = select(*of, func.sum(LedgerPosting.amount)).join(LedgerEntry)
    rows = session.exec(
        query.where(LedgerEntry.order_id == order.id, LedgerPosting.book == source).group_by(*of)
    ).all()
    return [
        LedgerPosting(book=book, account_id=who, event_id=event_id, line_item_id=line_id, amount=amount)
        for who, event_id, line_id, there in rows
        for book, amount in ((source, -int(there)), (target, int(there)))
    ]
