"""The API keeps what its document promises, whoever calls it and whatever they send.

`python -m benchmarks.fuzz` does the same for longer, against a site of its own.
"""

from collections.abc import Callable
from functools import partial

import pytest

from benchmarks import faults
from core import programs
from models.account import Account
from tests.api import world as worlds
from tests.makers import PASSWORD

EXAMPLES = 2  # calls that fit and calls that do not, each, of every operation


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("quick_hashes")
def test_nothing_fails_and_every_answer_is_as_promised(backends, served):
    world = worlds.build(backends)

    count, found = faults.find(f"http://{served}", _callers(world), world.own.path, EXAMPLES)

    assert count > 1_000
    assert not found, "\n".join(map(str, found))


def _callers(world: worlds.World) -> dict[str, Callable[[], dict[str, str]]]:
    """Nobody, a visitor, and every account by a session that no operation has ended yet."""
    nobody = {name: partial(dict, world.headers[name]) for name in ("nobody", "visitor")}
    return nobody | {name: partial(_signed_in, world, account) for name, account in world.accounts.items()}


def _signed_in(world: worlds.World, account: Account) -> dict[str, str]:
    try:
        tokens = programs.sign_in(world.backends, account.email, PASSWORD)
    except programs.WrongCredentials:  # an admin's call has disabled it
        return {}
    return {"Authorization": f"Bearer {tokens.access_token}"}
