"""A program that calls the API, and how it signs in."""

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from core import programs
from core.backends import Backends
from models.account import Account
from tests.api.site import serving, site
from tests.makers import PASSWORD

Headers = dict[str, str]


@pytest.fixture
def api(backends: Backends) -> Iterator[TestClient]:
    """A program at `/api/v1`, that is nobody yet. The site has all its middleware."""
    with TestClient(site(backends), base_url="http://localhost:8501/api/v1") as client:
        yield client


@pytest.fixture
def bearer(backends: Backends) -> Callable[[Account], Headers]:
    """The header of a program that signed in for an account with the password of `makers`."""

    def sign_in(account: Account) -> Headers:
        tokens = programs.sign_in(backends, account.email, PASSWORD)
        return {"Authorization": f"Bearer {tokens.access_token}"}

    return sign_in


@pytest.fixture
def visitor() -> Headers:
    """The header of somebody without an account."""
    return {"X-Visitor": "v" * 43}


@pytest.fixture
def served(backends: Backends) -> Iterator[str]:
    """The address of the site on a real server: a TestClient waits for the end of what has none."""
    with serving(site(backends)) as address:
        yield address
