"""Who buys, where something is limited for each: known by browser, by account or by address."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, not_, or_
from sqlmodel import col

from core.access import Viewer
from models.order import Order, OrderStatus

LIVING = (OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.HELD)  # money came for it, or may any minute


@dataclass(frozen=True)
class Buyer:
    """Somebody who is about to order."""

    viewer: Viewer
    email: str = ""  # in lower case; "" until it is said


def is_theirs(buyer: Buyer) -> ColumnElement[bool]:
    """Return the condition on orders of this person, by whatever we know them."""
    return or_(
        false() if not buyer.viewer.visitor_key else col(Order.visitor_key) == buyer.viewer.visitor_key,
        false() if buyer.viewer.account_id is None else col(Order.account_id) == buyer.viewer.account_id,
        false() if not buyer.email else col(Order.email) == buyer.email,
    )


def counts(buyer: Buyer) -> ColumnElement[bool]:
    """Return the condition on orders that use something up: living ones.

    What is open in the buyer's own browser does not count, for the next order ends it.
    """
    living = col(Order.status).in_(LIVING)
    return and_(living, not_(is_open(buyer.viewer)))


def is_open(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition on the orders of a browser that still wait for their payment."""
    return and_(col(Order.visitor_key) == viewer.visitor_key, col(Order.status) == OrderStatus.PENDING)


def ordered_by(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition on orders that are the viewer's: by the account, or by this browser without one.

    What was bought while signed in stays with the account, not with a browser that others may use.
    """
    by_account = false() if viewer.account_id is None else col(Order.account_id) == viewer.account_id
    without = and_(col(Order.account_id).is_(None), col(Order.visitor_key) == viewer.visitor_key)
    return or_(by_account, without) if viewer.visitor_key else by_account
