"""What tests of money arrange: orders in any state at the demo gateway."""

import threading
from collections.abc import Callable

from sqlmodel import func, select

from core import carts, checkouts, payments
from core.access import Viewer
from core.backends import Backends
from core.errors import Unavailable
from core.gateway import PaymentState
from models.event import Event
from models.order import LineItem, Order
from tests.makers import make_event, make_photo, make_viewer

EMAIL = "runner@example.org"


class GatewayAway:
    """A gateway that does not answer."""

    name = "demo"

    def _away(self, *_):
        raise Unavailable("The payment service does not answer. Try again in a minute.")

    start_checkout = look_up = cancel = _away


def fill_cart(backends: Backends, event: Event | None = None, *, photos: int = 2, **fields) -> Viewer:
    """A visitor whose cart holds photos of one event; `fields` are the photos'."""
    event = event or make_event(backends)
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event, **fields).id for _ in range(photos)])
    return viewer


def make_order(backends: Backends, event: Event | None = None, **cart) -> Order:
    """A pending order with an open checkout, of two photos at 120 baht unless said otherwise."""
    return checkouts.place(backends, fill_cart(backends, event, **cart), EMAIL)


def make_paid(backends: Backends, event: Event | None = None, **cart) -> Order:
    """A paid order."""
    order = make_order(backends, event, **cart)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    return payments.refresh(backends, order.id)


def lines_of(backends: Backends, order: Order) -> list[LineItem]:
    """An order's lines, as they are now."""
    with backends.reading() as session:
        query = select(LineItem).where(LineItem.order_id == order.id).order_by(LineItem.label, LineItem.id)
        return list(session.exec(query))


def count(backends: Backends, table, *where) -> int:
    """How many rows there are."""
    with backends.reading() as session:
        return session.exec(select(func.count()).select_from(table).where(*where)).one()


def at_once(number: int, work: Callable[[], object]) -> list[object]:
    """Run the same work in several threads at the same moment; return what each gave or raised."""
    barrier, results = threading.Barrier(number), []

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001  a thread's error would be lost otherwise
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
