"""Orders of a cart, their files once they are paid, and payments that are only played."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api import callers, deps, routing
from api.schemas import Answer, Asked, Moment, Money, Page, Request, Text, page
from core import downloads, orders, paging, payments, purchases
from core.downloads import DownloadLink
from core.gateway import PaymentState
from core.purchases import Purchase
from models.order import OrderStatus

router = routing.router("orders")

Token = Annotated[Text, Query(max_length=500, description="Of the private address: `o` in `page_url`.")]

InStatus = Annotated[OrderStatus | None, Query(description="In this status only.")]
OrderId = Annotated[UUID, Path(description="The order's id.")]
CheckoutId = Annotated[
    str, Path(pattern="^[A-Za-z0-9_-]+$", max_length=255, description="As `checkout_url` ends.")
]
STATUS = (
    "`pending`: it waits for its payment. `paid`: its files may be fetched. `failed`: the payment was "
    "refused. `expired`: nobody paid in time. `held`: the money does not fit, and an admin looks at it."
)
_PHOTO_ID = "0d0f8f0c-5a1e-4d39-9d4e-0c6a2f6f7a11"
_EXAMPLE: JsonDict = {
    "id": "c4b6c3ce-3a0e-4f0e-8c0b-5d1b0d6f9e52",
    "status": "paid",
    "total_amount": 12000,
    "currency": "THB",
    "email": "nok@example.org",
    "created_at": "2026-11-02T02:10:00Z",
    "expires_at": "2026-11-02T02:40:00Z",
    "paid_at": "2026-11-02T02:11:30Z",
    "lines": [
        {
            "photo_id": _PHOTO_ID,
            "event_id": 12,
            "label": "Bangkok Night Run · IMG_0412.jpg",
            "amount": 12000,
            "currency": "THB",
        }
    ],
    "checkout_url": None,
    "page_url": "https://photos.example.org/order?o=eyJvIjoxfQ.c2lnbmF0dXJl",
    "archive_url": "https://photos.example.org/downloads/zip/eyJvIjoxfQ.c2lnbmF0dXJl",
}


class OrderLine(Answer):
    """A priced part of an order."""

    photo_id: UUID
    event_id: int
    label: str = Field(description="The event's name and the file's.")
    amount: Money
    currency: str = Field(description="By ISO 4217.")


class Order(Answer):
    """A purchase. Its amounts were copied when it was placed and never change."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    status: OrderStatus = Field(description=STATUS)
    total_amount: Money
    currency: str = Field(description="By ISO 4217.")
    email: str | None = Field(description="The buyer's; null for everybody else.")
    created_at: Moment = Field(description="In UTC.")
    expires_at: Moment = Field(description="Until when it can be paid, in UTC.")
    paid_at: Moment | None = Field(description="In UTC; null: it is not paid.")
    lines: list[OrderLine] = Field(description="What was ordered.")
    checkout_url: str | None = Field(description="Where it is paid; null when there is nothing to pay.")
    page_url: str = Field(description="Its private address: who has it may fetch the files.")
    archive_url: str | None = Field(description="All its files as a ZIP; null until it is paid.")


class NewOrder(Request):
    """What an order needs beside the cart. Prices are ours."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "nok@example.org"}]})

    email: Annotated[Text, Field(min_length=3, max_length=254, description="The buyer's.")]


class Download(Answer):
    """A file that was paid for. Its address needs no sign-in."""

    photo_id: UUID
    filename: str = Field(description="Safe on every system.")
    media_type: str = Field(description="Such as image/jpeg.")
    byte_size: int
    sha256: str | None = Field(description="Of the file's bytes, in hexadecimal; null: not known.")
    url: str = Field(description="The full address of the original.")
    left: int = Field(description="How often it may still be fetched; 0 once its time is over.")
    expires_at: Moment = Field(description="Until when it may be fetched, in UTC.")


class HeldOrder(Answer):
    """An order whose money did not fit."""

    id: UUID
    status: OrderStatus
    total_amount: Money
    currency: str = Field(description="By ISO 4217.")
    email: str = Field(description="The buyer's.")
    created_at: Moment = Field(description="In UTC.")


class DemoAnswer(StrEnum):
    """What a bank says."""

    PAID = "paid"
    FAILED = "failed"


class DemoDecision(Request):
    """What the bank that is played shall say."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "paid"}]})

    state: DemoAnswer


class DemoPayment(Answer):
    """Where a payment that is only played stands: its first answer is final."""

    checkout_id: str
    state: PaymentState = Field(description="`open`: it waits for an answer.")


@router.post("/orders", status_code=201, dependencies=routing.ONCE)
def place_order(caller: callers.Shops, sent: NewOrder) -> Order:
    """Order what is in the cart: free things are paid at once, others at `checkout_url`.

    The same cart ordered twice, before it is paid, is the same order.
    """
    order = orders.place(deps.backends(), caller.visitor, sent.email)
    return _shown(purchases.find(deps.backends(), order.id, by=caller.visitor))


@router.get("/orders")
def list_orders(caller: callers.Shops, asked: Asked, status: InStatus = None) -> Page[Order]:
    """List one's own orders, newest first."""
    return page(purchases.listing(deps.backends(), asked, by=caller.visitor, status=status), _shown)


@router.get("/orders/{order_id}", openapi_extra=callers.OPEN)
@routing.quick
def get_order(caller: callers.Shops, order_id: OrderId, token: Token = "") -> Order:
    """Return an order to its buyer, or to who has its private address."""
    return _shown(purchases.find(deps.backends(), order_id, token, by=caller.viewer))


@router.post("/orders/{order_id}/refresh", openapi_extra=callers.OPEN)
def refresh_order(caller: callers.Shops, order_id: OrderId, token: Token = "") -> Order:
    """Ask the payment service where an unpaid order stands, and return the order."""
    return _shown(purchases.refresh(deps.backends(), order_id, token, by=caller.viewer))


@router.get("/orders/{order_id}/downloads", openapi_extra=callers.OPEN)
def list_downloads(caller: callers.Shops, order_id: OrderId, token: Token = "") -> Page[Download]:
    """List the files of a paid order, by name, on one page."""
    found = purchases.files(deps.backends(), order_id, token, by=caller.viewer)
    return page(paging.whole(found), _download)


@router.get("/admin/held-orders")
def list_held_orders(caller: callers.Reports, asked: Asked) -> Page[HeldOrder]:
    """List the orders whose money did not fit, newest first: settle them with the buyer. Admins only."""
    return page(payments.held(deps.backends(), asked, by=caller.account), HeldOrder.model_validate)


@router.post("/demo-payments/{checkout_id}", dependencies=routing.ONCE)
def play_demo_payment(checkout_id: CheckoutId, sent: DemoDecision) -> DemoPayment:
    """Play the bank where payments are only played: no money moves. Who knows the checkout may.

    The order hears of it a moment later; refresh it to know at once.
    """
    state = payments.play(deps.backends(), checkout_id, PaymentState(sent.state))
    return DemoPayment(checkout_id=checkout_id, state=state)


def _shown(purchase: Purchase) -> Order:
    backends, order = deps.backends(), purchase.order
    is_paid, is_pending = order.status is OrderStatus.PAID, order.status is OrderStatus.PENDING
    archive = f"/downloads/zip/{orders.address_token(backends, order)}"
    return Order(
        id=order.id,
        status=order.status,
        total_amount=order.total_amount,
        currency=order.currency,
        email=order.email if purchase.is_own else None,
        created_at=order.created_at,
        expires_at=order.expires_at,
        paid_at=order.paid_at,
        lines=[OrderLine.model_validate(line) for line in purchase.lines],
        checkout_url=order.checkout_url if is_pending else None,
        page_url=backends.settings.url(orders.address(backends, order)),
        archive_url=backends.settings.url(archive) if is_paid else None,
    )


def _download(link: DownloadLink) -> Download:
    photo = link.photo
    return Download(
        photo_id=photo.id,
        filename=downloads.file_name(photo),
        media_type=photo.media_type,
        byte_size=downloads.size(photo),
        sha256=photo.delivered_sha256,
        url=deps.backends().settings.url(link.url),
        left=link.left,
        expires_at=link.expires_at,
    )
