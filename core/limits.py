"""How often something may be done: token buckets per address, account, visitor and share link.

A venue's guests share one address, so an address is given far more than a person.
"""

import math
from datetime import timedelta

from core import addresses
from core.access import Scope, Viewer
from core.backends import Backends
from core.errors import TooMany
from core.ports import Bucket
from core.signing import token_hash

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LONG = timedelta(minutes=2)  # a wait that is told in minutes

# Any call of the API: a hundred guests of one venue whose phones call a dozen times a minute.
ADDRESS = Bucket("address", 1_200, MINUTE)
# Any call for an account: a program that walks through an event, twenty photos a second.
ACCOUNT = Bucket("account", 1_200, MINUTE)
# A crew starts its shift from one address. At one name guesses end after five (`sessions`), at all here.
SIGN_IN = Bucket("sign_in", 60, 5 * MINUTE)
# A class of photographers registers together; guests need no account. Each try costs a bcrypt hash.
REGISTER = Bucket("register", 60, HOUR)
# By the account's mail address: enough for a mail that got lost, too few to fill an inbox.
RESET = Bucket("reset", 5, HOUR)
# By the buyer's mail address, as above.
LOST_LINK = Bucket("lost_link", 5, HOUR)
# A QR code on a screen at the finish: hundreds scan it in a minute. A guess must hit a 256-bit signature.
LINK = Bucket("link", 600, MINUTE)
# By visitor: five people with five selfies each (`search.MOST_SELFIES`), and a few that were refused.
SEARCH = Bucket("search", 30, 10 * MINUTE)
# Two a second: five hundred guests of one venue who search within five minutes of the finish.
SEARCH_ADDRESS = Bucket("search_address", 120, MINUTE)
# By link, of all its guests together: ten a second, about a third of what one machine searches.
SEARCH_LINK = Bucket("search_link", 600, MINUTE)

OF_ADDRESSES = frozenset({ADDRESS, SIGN_IN, REGISTER, LINK, SEARCH_ADDRESS})


class TooOften(TooMany):
    """A bucket is empty."""

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, math.ceil(wait.total_seconds()))
        if wait < LONG:
            super().__init__("This was tried too often. Try again in {seconds} s.", seconds=seconds)
        else:
            minutes = math.ceil(seconds / 60)
            super().__init__("This was tried too often. Try again in {minutes} min.", minutes=minutes)
        self.retry_after = timedelta(seconds=seconds)


def take(backends: Backends, bucket: Bucket, key: object) -> None:
    """Take a token of the key's bucket. Raises TooOften; an empty key has no bucket.

    The limiter is told a hash: people's addresses are none of its business.
    """
    if key in (None, ""):
        return
    name = addresses.household(str(key)) if bucket in OF_ADDRESSES else str(key)
    wait = backends.limiter.take(bucket, token_hash(name))
    if wait:
        raise TooOften(wait)


def search(backends: Backends, scope: Scope, by: Viewer, address: str) -> None:
    """Take what one search by selfies costs, the searcher's own token first. Raises TooOften."""
    take(backends, SEARCH, by.visitor_key or by.account_id)
    take(backends, SEARCH_ADDRESS, address)
    for link in scope.links:
        take(backends, SEARCH_LINK, link.id)
