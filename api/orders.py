"""Orders of a cart, their payments and papers, and their files once they are paid."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api import bills, callers, deps, routing
from api.bills import CURRENCY, BillRow
from api.carts import SIZE
from api.schemas import Answer, Asked, Moment, Money, Page, Request, Text, page
from core import bills as rows
from core import checkouts, orders, paging, purchases
from core.downloads import DownloadLink
from core.purchases import Purchase
from models.cart import Size
from models.order import LineKind, OrderStatus
from models.refund import ReceiptKind, RefundStatus

router = routing.router("orders")

Token = Annotated[Text, Query(max_length=500, description="Of the private address: `o` in `page_url`.")]

InStatus = Annotated[OrderStatus | None, Query(description="In this status only.")]
OrderId = Annotated[UUID, Path(description="The order's id.")]
STATUS = (
    "`pending`: it waits for its payment. `paid`: its files may be fetched. `failed`: the payment was "
    "refused. `expired`: nobody paid in time. `held`: the money does not fit, and an admin looks at it. "
    "`refunded`: all of its money went back."
)
REFUND_STATUS = (
    "`requested`: the payment service is asked next. `pending`: it has it, and the buyer's bank may take "
    "days. `failed`: the money stayed."
)
_PHOTO_ID = "0d0f8f0c-5a1e-4d39-9d4e-0c6a2f6f7a11"
_EXAMPLE: JsonDict = {
    "id": "c4b6c3ce-3a0e-4f0e-8c0b-5d1b0d6f9e52",
    "status": "paid",
    "total_amount": 10800,
    "tax_amount": 707,
    "currency": "THB",
    "email": "nok@example.org",
    "created_at": "2026-11-02T02:10:00Z",
    "expires_at": "2026-11-02T02:40:00Z",
    "paid_at": "2026-11-02T02:11:30Z",
    "lines": [
        {
            "id": "5f3ba9a6-0c55-4b53-9a3f-7f2f2d0f6f0b",
            "kind": "photo",
            "photo_id": _PHOTO_ID,
            "event_id": 12,
            "label": "Bangkok Night Run · IMG_0412.jpg",
            "size": "full",
            "list_amount": 12000,
            "amount": 10800,
            "tax_amount": 707,
            "refunded_amount": 0,
            "is_gift": False,
            "currency": "THB",
        }
    ],
    "bill": [
        {"kind": "photos", "text": "Bangkok Night Run · full size: 1 × ฿120", "amount": 12000},
        {"kind": "coupon", "text": "Coupon RUNNER10 −10 %", "amount": -1200},
        {"kind": "tax_included", "text": "Includes VAT 7 %", "amount": 707},
    ],
    "refunds": [],
    "is_disputed": False,
    "checkout_url": None,
    "page_url": "https://photos.example.org/order?o=eyJvIjoxfQ.c2lnbmF0dXJl",
    "archive_url": "https://photos.example.org/downloads/zip/eyJvIjoxfQ.c2lnbmF0dXJl",
}


class OrderLine(Answer):
    """A priced part of an order."""

    id: UUID
    kind: LineKind = Field(description="`pass`: every photo of the event.")
    photo_id: UUID | None = Field(description="Null: a pass, or a photo that is gone.")
    event_id: int
    label: str = Field(description="The event's name and the file's.")
    size: Size = Field(description=SIZE)
    list_amount: Money = Field(description="Minor units, before anything was taken off.")
    amount: Money = Field(description="What is paid for it, tax included.")
    tax_amount: Money = Field(description="Of the amount.")
    refunded_amount: Money = Field(description="Of the amount; given back, or on its way.")
    is_gift: bool = Field(description="One of the photos that each guest gets for nothing.")
    currency: str = Field(description=CURRENCY)


class Refund(Answer):
    """Money of an order that goes back."""

    id: UUID
    status: RefundStatus = Field(description=REFUND_STATUS)
    amount: Money
    currency: str = Field(description=CURRENCY)
    created_at: Moment = Field(description="In UTC.")
    finished_at: Moment | None = Field(description="In UTC; null: it is on its way.")


class Order(Answer):
    """A purchase. Its amounts were copied when it was placed and never change."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    status: OrderStatus = Field(description=STATUS)
    total_amount: Money = Field(description="Minor units, tax included.")
    tax_amount: Money = Field(description="Of the total.")
    currency: str = Field(description=CURRENCY)
    email: str | None = Field(description="The buyer's; null for everybody else.")
    created_at: Moment = Field(description="In UTC.")
    expires_at: Moment = Field(description="Until when it can be paid, in UTC.")
    paid_at: Moment | None = Field(description="In UTC; null: it is not paid.")
    lines: list[OrderLine] = Field(description="What was ordered.")
    bill: list[BillRow] = Field(description="From the list prices to the total, step by step.")
    refunds: list[Refund] = Field(description="Oldest first.")
    is_disputed: bool = Field(description="The buyer's bank wants the money back; that is not decided.")
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
    size: Size = Field(description=SIZE)
    byte_size: int | None = Field(description="Null: a web size, which is made when it is fetched.")
    sha256: str | None = Field(description="Of the file's bytes, in hexadecimal; null: not known.")
    url: str | None = Field(description="The full address of the file; null: it was withdrawn.")
    left: int = Field(description="How often it may still be fetched; 0 once its time is over.")
    is_withdrawn: bool = Field(description="Its money goes back.")
    expires_at: Moment = Field(description="Until when it may be fetched, in UTC.")


class Receipt(Answer):
    """A numbered paper: for money that was taken, or given back."""

    code: str = Field(description="Its number, such as R2026-000042. Numbers have no gaps.")
    kind: ReceiptKind
    amount: Money = Field(description="Minor units, tax included.")
    tax_amount: Money = Field(description="Of the amount.")
    currency: str = Field(description=CURRENCY)
    seller: str = Field(description="Name, address and tax number, as they were.")
    issued_at: Moment = Field(description="In UTC.")


@router.post("/orders", status_code=201, dependencies=routing.ONCE)
def place_order(caller: callers.Shops, sent: NewOrder) -> Order:
    """Order what is in the cart: free things are paid at once, others at `checkout_url`.

    The same cart ordered twice, before it is paid, is the same order.
    """
    order = checkouts.place(deps.backends(), caller.visitor, sent.email)
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


@router.get("/orders/{order_id}/receipts", openapi_extra=callers.OPEN)
def list_receipts(caller: callers.Shops, order_id: OrderId, token: Token = "") -> Page[Receipt]:
    """List the receipts and credit notes of an order, oldest first, on one page."""
    found = purchases.papers(deps.backends(), order_id, token, by=caller.viewer)
    return page(paging.whole(found), Receipt.model_validate)


def _shown(purchase: Purchase) -> Order:
    backends, order = deps.backends(), purchase.order
    is_paid, is_pending = order.status is OrderStatus.PAID, order.status is OrderStatus.PENDING
    archive = f"/downloads/zip/{orders.address_token(backends, order)}"
    return Order(
        id=order.id,
        status=order.status,
        total_amount=order.total_amount,
        tax_amount=order.tax_amount,
        currency=order.currency,
        email=order.email if purchase.is_own else None,
        created_at=order.created_at,
        expires_at=order.expires_at,
        paid_at=order.paid_at,
        lines=[OrderLine.model_validate(line) for line in purchase.lines],
        bill=bills.rows(rows.rows(order, purchase.lines), order.currency),
        refunds=[Refund.model_validate(refund) for refund in purchase.refunds],
        is_disputed=purchase.is_disputed,
        checkout_url=order.checkout_url if is_pending else None,
        page_url=backends.settings.url(orders.address(backends, order)),
        archive_url=backends.settings.url(archive) if is_paid else None,
    )


def _download(link: DownloadLink) -> Download:
    return Download(
        photo_id=link.photo.id,
        filename=link.filename,
        media_type=link.media_type,
        size=link.size,
        byte_size=link.byte_size,
        sha256=link.sha256,
        url=deps.backends().settings.url(link.url) if link.url else None,
        left=link.left,
        is_withdrawn=link.is_withdrawn,
        expires_at=link.expires_at,
    )
