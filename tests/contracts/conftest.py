"""Gateways in turn, for what is promised of all of them."""

from collections.abc import Iterator

import pytest

from tests.contracts.payment_rigs import RIGS, Rig


@pytest.fixture(
    params=["demo", "stripe", pytest.param("stripe over a socket", marks=pytest.mark.integration)]
)
def rig(request, tmp_path) -> Iterator[Rig]:
    """Each gateway in turn."""
    with RIGS[request.param](tmp_path) as made:
        yield made
