"""Receipts and credit notes to be printed. Who has the address may: signed, it ends with the order's."""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import deps
from core import bills, i18n, orders, receipts
from core.i18n import _
from core.pricing import RowKind, format_amount
from core.receipts import Paper
from core.stationery import written
from models.refund import ReceiptKind

_FOLDER = Path(__file__).parent / "static"


def show(request: Request) -> Response:
    """Send a paper as a page of its own, fit for a printer."""
    paper = receipts.by_token(deps.backends(), request.path_params["token"])
    headers = {
        "Content-Security-Policy": _policy(),
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return Response(_page(paper), headers=headers, media_type="text/html")


def _page(paper: Paper) -> str:
    receipt, currency = paper.receipt, paper.receipt.currency
    is_receipt = receipt.kind is ReceiptKind.RECEIPT
    within = [row for row in paper.bill if row.kind is RowKind.TAX_INCLUDED]
    rows = [bills.words(row, currency) for row in paper.bill if row not in within]
    rows += [(label, bills.written(amount, currency)) for label, amount in paper.refunded]
    below = [bills.words(row, currency) for row in within]
    if not is_receipt and receipt.tax_amount:
        below = [(_("Tax within"), bills.written(receipt.tax_amount, currency))]
    return _template().render(
        language=i18n.language(),
        style=_style(),
        title=_("Receipt {code}" if is_receipt else "Credit note {code}").format(code=receipt.code),
        seller=receipt.seller.splitlines(),
        facts=_facts(paper),
        caption=_("What was bought") if is_receipt else _("What was given back"),
        rows=rows,
        total=(_("Paid") if is_receipt else _("Given back"), format_amount(receipt.amount, currency)),
        below=below,
        way_back=(orders.address(deps.backends(), paper.order), _("Back to the order")),
        hint=_("To print it or keep it as a PDF, use your browser's print command."),
    )


def _facts(paper: Paper) -> list[tuple[str, str]]:
    return [
        (_("Date"), written(paper.issued_on)),
        (_("For"), paper.order.email),
        (_("Order"), str(paper.order.id)),
        *([(_("Receipt"), paper.corrects)] if paper.corrects else []),
    ]


def _policy() -> str:
    """Return what the page may do: look like this, and nothing else."""
    digest = b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    rules = ("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'")
    return "; ".join(("default-src 'none'", f"style-src 'sha256-{digest}'", *rules))


@cache
def _style() -> str:
    return (_FOLDER / "receipt.css").read_text("utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("receipt.html.jinja")


ROUTES = [Route("/receipts/{token}", deps.refusing(show), methods=["GET"])]  # Starlette adds HEAD
