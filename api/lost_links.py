"""Orders found again by mail."""

from typing import Annotated

from fastapi import Request, Response
from pydantic import ConfigDict, Field

from api import deps, routing
from api.schemas import Request as Sent
from api.schemas import Text
from core import limits, lost_links

router = routing.router("orders")


class LostLinks(Sent):
    """Whose orders are looked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "nok@example.org"}]})

    email: Annotated[Text, Field(min_length=3, max_length=254, description="That was ordered with.")]


@router.post("/order-links", status_code=202, response_class=Response)
def ask_for_order_links(request: Request, sent: LostLinks) -> Response:
    """Mail the links to its orders to an address. The answer is the same for every address."""
    limits.take(deps.backends(), limits.REGISTER, deps.client(request))
    lost_links.ask(deps.backends(), sent.email)
    return Response(status_code=202)
