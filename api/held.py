"""Money that fits no order: admins give it back."""

from uuid import UUID

from pydantic import Field

from api import callers, deps, routing
from api.bills import CURRENCY
from api.orders import OrderId
from api.schemas import Answer, Asked, Moment, Money, Page, page
from core import held
from models.order import OrderStatus

router = routing.router("orders")


class HeldOrder(Answer):
    """An order whose money did not fit."""

    id: UUID
    status: OrderStatus
    total_amount: Money
    currency: str = Field(description=CURRENCY)
    email: str = Field(description="The buyer's.")
    created_at: Moment = Field(description="In UTC.")


@router.get("/admin/held-orders")
def list_held_orders(caller: callers.Reports, asked: Asked) -> Page[HeldOrder]:
    """List the orders whose money did not fit, newest first: settle them with the buyer. Admins only."""
    return page(held.listing(deps.backends(), asked, by=caller.account), HeldOrder.model_validate)


@router.post("/admin/held-orders/{order_id}/refund", dependencies=routing.ONCE)
def refund_held_order(caller: callers.Owns, order_id: OrderId) -> HeldOrder:
    """Send money that was put aside back to who paid it. Admins only."""
    order = held.give_back(deps.backends(), order_id, by=caller.account)
    return HeldOrder.model_validate(order)
