"""What must be true of money, whatever happened: asked of the database, the files and Stripe's own books.

Nothing here calls what it checks: shares and sums are computed anew, in another way where there is one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from uuid import UUID

from sqlmodel import func, select

from benchmarks import money_books
from benchmarks.money_books import Books, Case
from benchmarks.money_history import History
from core import downloads, ledger
from core.errors import Forbidden, NotFound
from core.pricing import RowKind
from models.ledger import Book, EntryKind, LedgerPosting
from models.order import Download, LineItem, LineKind, OrderStatus
from models.refund import Receipt, ReceiptKind, RefundStatus

UNPAID = (OrderStatus.PENDING, OrderStatus.FAILED, OrderStatus.EXPIRED)
PEOPLE = (Book.OWED, Book.FROZEN)


def violations(history: History) -> Iterator[str]:
    """Yield what is not as it must be, in words. Everything that can happen by itself has happened."""
    yield from history.wrong
    books = money_books.read(history)
    for case in books.cases:
        for rule in OF_ORDERS:
            yield from (f"{case.name}: {words}" for words in rule(history, case))
        yield from (f"{case.name}: {words}" for words in files(history, case, books.photos))
    yield from limits(history, books)
    yield from payouts(books)
    yield from leftovers(books)


def of_world(history: History) -> Iterator[str]:
    """Yield what is wrong with everything that histories share: the chain of the books, numbers of papers."""
    yield from ledger.faults(history.world.backends)
    with history.world.backends.reading() as session:
        groups = (Receipt.kind, Receipt.year)
        series = select(*groups, func.count(), func.min(Receipt.number), func.max(Receipt.number))
        for kind, year, count, first, last in session.exec(series.group_by(*groups)):
            if (first, last) != (1, count):
                yield f"{kind} of {year}: {count} papers are numbered {first} to {last}."


# --- one order -----------------------------------------------------------------------------


def bill(_: History, case: Case) -> Iterator[str]:
    """Lines and rows add up to the total, and taxes to the tax.

    What was never paid for loses the lines of photos that are deleted.
    """
    order = case.order
    if sum(line.amount for line in case.lines) != order.total_amount and not case.is_cut:
        yield "its lines do not add up to its total."
    if sum(line.tax_amount for line in case.lines) != order.tax_amount and not case.is_cut:
        yield "the taxes of its lines do not add up to its tax."
    if any(not 0 <= line.tax_amount <= line.amount for line in case.lines):
        yield "a line's tax is not a part of it."
    rows = [row for row in order.bill if row["kind"] != RowKind.TAX_INCLUDED]
    if sum(row["amount"] for row in rows) != order.total_amount:
        yield "the rows of its bill do not add up to its total."


def entries(_: History, case: Case) -> Iterator[str]:
    """Every entry adds up to zero, and so does every line."""
    for entry, postings in case.entries:
        if sum(posting.amount for posting in postings):
            yield f"the entry of its {entry.kind} does not add up to zero."
    for line in case.lines:
        if case.booked(*Book, line=line.id):
            yield "the postings of a line do not add up to zero."


def money(_: History, case: Case) -> Iterator[str]:
    """The ledger has as much at the gateway as the gateway has."""
    for currency in {payment.currency for payment in case.payments} | {
        entry.currency for entry, _ in case.entries
    }:
        there = sum(payment.kept for payment in case.payments if payment.currency == currency)
        booked = case.booked(Book.GATEWAY, currency=currency)
        if there != booked:
            yield f"Stripe has {there} {currency} of it, the ledger says {booked}."


def status(_: History, case: Case) -> Iterator[str]:
    """It is paid when its money came, and not when it did not."""
    order, asked = case.order, (case.order.total_amount, case.order.currency)
    if not order.total_amount:
        if order.status is not OrderStatus.PAID:
            yield f"it costs nothing, and is {order.status}."
        return
    fitting = [payment for payment in case.payments if (payment.amount, payment.currency) == asked]
    if order.status is OrderStatus.PENDING:
        yield "its time is over, and it still waits for a payment."
    if case.is_sold and not fitting:
        yield f"it is {order.status}, but what it costs never came."
    if order.status in UNPAID and case.payments:
        yield f"money came for it, but it is {order.status}."
    if (
        order.status is OrderStatus.HELD
        and fitting
        and len(case.payments) == 1
        and case.is_there
        and not case.is_cut
    ):
        yield "the right money came for it, but it is held."
    if order.status is OrderStatus.PAID and not case.is_sold:
        yield "it is paid, but its sale is not booked."
    left = case.left if case.is_sold else sum(payment.kept for payment in case.payments)
    has_gifts = case.is_sold and any(not line.amount for line in case.lines)  # they stay with their guest
    is_refunded = order.status is OrderStatus.REFUNDED
    if (is_refunded and left) or (case.payments and not left and not is_refunded and not has_gifts):
        yield f"{left} is left of what came for it, and it is {order.status}."


def refunds(_: History, case: Case) -> Iterator[str]:
    """No line gives back more than it cost, and what was asked for was carried out."""
    given = case.given
    for line in case.lines:
        if given[line.id] > line.amount:
            yield f"{given[line.id]} of a line went back that cost {line.amount}."
        if line.refunded_amount != given[line.id]:
            yield f"a line says that {line.refunded_amount} went back, and its refunds {given[line.id]}."
    for refund, parts in case.refunds:
        if refund.amount != sum(parts.values()):
            yield "the parts of a refund do not add up to it."
        if refund.status is RefundStatus.REQUESTED:
            yield "a refund was asked for and never carried out."


def papers(_: History, case: Case) -> Iterator[str]:
    """There is one receipt and one confirmation for what was paid, one note for each refund that is done."""
    is_paid = case.order.paid_at is not None
    receipts = [one for one in case.receipts if one.kind is ReceiptKind.RECEIPT]
    said = [(one.amount, one.tax_amount) for one in receipts]
    wanted = [(case.order.total_amount, case.order.tax_amount)] if is_paid and case.order.total_amount else []
    if said != wanted:
        yield f"its receipts say {said}, not {wanted}."
    if case.confirmations != is_paid:
        yield f"it has {case.confirmations} confirmations, and is {case.order.status}."
    notes = {one.refund_id: one.amount for one in case.receipts if one.kind is ReceiptKind.CREDIT_NOTE}
    done = {refund.id: refund.amount for refund, _ in case.refunds if refund.status is RefundStatus.DONE}
    if not done.items() <= notes.items() or len(notes) + len(receipts) != len(case.receipts):
        yield f"its credit notes say {notes}, not {done}."


def frozen(_: History, case: Case) -> Iterator[str]:
    """While a dispute is open nobody may be paid of the order, and nothing is frozen otherwise (T41)."""
    owed, held = case.owed(Book.OWED), case.owed(Book.FROZEN)
    is_open = case.is_sold and any(payment.is_disputed for payment in case.payments)
    if is_open and any(amount > 0 for amount in owed.values()):
        yield f"it is disputed, and {owed} may be paid out."
    if not is_open and any(held.values()):
        yield f"nobody disputes it, and {held} is frozen."


def shares(history: History, case: Case) -> Iterator[str]:
    """Everybody has the share of each line that was agreed, of what is left of it, to the unit (T43)."""
    sold = [one for entry, postings in case.entries if entry.kind is EntryKind.SALE for one in postings]
    for line in case.lines:
        mine = _by_share(one for one in sold if one.line_item_id == line.id)
        if line.kind is LineKind.PHOTO and case.is_sold:
            expected = _agreed(history, line)
            if mine != expected:
                yield f"a line was shared out as {dict(mine)}, not {dict(expected)}."
        for one in sold:
            is_computed = one.line_item_id == line.id and one.percent is not None
            if is_computed and -one.amount != _half_up((one.base_amount or 0) * (one.percent or 0), 100):
                yield f"{-one.amount} is not {one.percent} % of {one.base_amount}."
        yield from _left(case, line, mine)


def _by_share(postings: Iterable[LedgerPosting]) -> Counter[tuple[Book, int | None]]:
    """Return what each has, by account; what is frozen counts as owed."""
    sums: Counter[tuple[Book, int | None]] = Counter()
    for one in postings:
        if one.book is not Book.GATEWAY:
            sums[Book.OWED if one.book in PEOPLE else one.book, one.account_id] -= one.amount
    return Counter({share: amount for share, amount in sums.items() if amount})


def _agreed(history: History, line: LineItem) -> Counter[tuple[Book, int | None]]:
    shop, net = history.shop, line.amount - line.tax_amount
    platform = _half_up(net * history.world.backends.settings.platform_percent, 100)
    rate = shop.rates.get(line.photographer_id or 0, 0)
    commission = _half_up((net - platform) * rate, 100)
    wanted = Counter({(Book.TAX, None): line.tax_amount, (Book.PLATFORM, None): platform})
    wanted[Book.OWED, line.photographer_id] += commission
    wanted[Book.OWED, shop.organiser.id] += net - platform - commission
    return Counter({share: amount for share, amount in wanted.items() if amount})


def _left(case: Case, line: LineItem, sold: Counter[tuple[Book, int | None]]) -> Iterator[str]:
    mine = (one for _, postings in case.entries for one in postings if one.line_item_id == line.id)
    now, left = _by_share(mine), case.booked(Book.GATEWAY, line=line.id)
    for share in sold.keys() | now.keys():
        exact = Fraction(sold[share] * left, line.amount) if line.amount else Fraction(0)
        if abs(now[share] - exact) >= 1:
            yield f"of {sold[share]} {share[0]} should be {float(exact):.2f} left, and {now[share]} is."


def _half_up(numerator: int, denominator: int) -> int:
    return int(Fraction(numerator, denominator) + Fraction(1, 2))


OF_ORDERS: tuple[Callable[[History, Case], Iterator[str]], ...] = (
    bill, entries, money, status, refunds, papers, frozen, shares,
)  # fmt: skip


# --- files ---------------------------------------------------------------------------------


def files(history: History, case: Case, photos: set[UUID]) -> Iterator[str]:
    """What is paid can be fetched, and nothing else: not before, and not once its money went back (T40)."""
    opened = {one.id: _opens(history, case, one) for one in case.downloads}
    if case.order.paid_at is None and case.downloads:
        yield f"it is {case.order.status}, and files were granted."
    for line in case.lines:
        mine = [one for one in case.downloads if one.line_item_id == line.id]
        there = [opened[one.id] for one in mine if one.photo_id in photos]
        is_sold = case.order.paid_at is not None and line.kind is LineKind.PHOTO and line.photo_id in photos
        if is_sold and len(there) != 1:
            yield f"a photo was paid for, and granted {len(there)} times."
        must = _must_open(case, line)
        if must is True and not all(there):
            yield "a file that is paid for cannot be fetched."
        if must is False and any(opened[one.id] for one in mine):
            yield "a file can be fetched that is not paid for, or not any more."


def _must_open(case: Case, line: LineItem) -> bool | None:
    """Return whether a line's files are to be had; None where its money went bit by bit, elsewhere."""
    if case.order.status is not OrderStatus.PAID:
        return False
    if case.given[line.id] < line.amount or not line.amount:
        return True
    return False if line.id in case.withdrawn else None


def _opens(history: History, case: Case, granted: Download) -> bool:
    """Try the address that the buyer has had, or would have."""
    token = history.world.backends.signer.sign("download", str(granted.id), case.order.link_version)
    try:
        downloads.open(history.world.backends, token, is_counted=False)
    except (Forbidden, NotFound):
        return False
    return True


# --- everything together -------------------------------------------------------------------


def limits(history: History, books: Books) -> Iterator[str]:
    """No coupon and no gift is used more often than it may, but by money that came late."""
    shop, used = history.shop, [case for case in books.cases if case.uses_up]
    if shop.coupon is not None:
        uses = Counter(case.order.email for case in used if case.order.coupon_id is not None)
        most, each = shop.coupon.limit, shop.coupon.limit_per_buyer
        if most is not None and uses.total() > most:
            yield f"a coupon for {most} orders was used in {uses.total()}."
        if each is not None and any(count > each for count in uses.values()):
            yield f"a coupon for {each} orders of each buyer was used by {dict(uses)}."
    gifts = Counter(case.order.email for case in used for line in case.lines if line.is_gift)
    if any(count > shop.prices.free_count for count in gifts.values()):
        yield f"{dict(gifts)} photos were given where {shop.prices.free_count} were free."


def payouts(books: Books) -> Iterator[str]:
    """Nobody is paid more than they are owed at that moment; what is frozen is not owed."""
    for account_id, rows in books.accounts.items():
        owed = 0
        for entry, posting in rows:
            owed -= posting.amount if posting.book is Book.OWED else 0
            if entry.kind is EntryKind.PAYOUT and owed < 0:
                yield f"account {account_id} was paid {-owed} more than it was owed."


def leftovers(books: Books) -> Iterator[str]:
    """Every message was handled and every job came to its end."""
    yield from (f"the message {event.kind} was never handled." for event in books.events)
    yield from (f"the job {job.kind} gave up: {job.last_error}" for job in books.failed)
    yield from (f"the job {job.kind} is {job.status}: {job.last_error}" for job in books.stuck)
