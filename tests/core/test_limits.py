"""Limits as services and pages ask for them: what a full and an empty bucket mean, and whose bucket it is."""

import itertools
from collections import Counter
from datetime import timedelta

import pytest
import throttled.utils

from core import limits
from core.access import Scope
from core.limits import TooOften
from core.ports import Bucket
from models.event import Event
from models.sharing import ShareLink
from tests.makers import make_account, make_viewer

BUCKETS = [bucket for bucket in vars(limits).values() if isinstance(bucket, Bucket)]
ONE = Bucket("one", 1, timedelta(hours=1))
EVENT = Event(id=1, name="Night run")


class Counting:
    """A limiter that lets everything through but the buckets that are `empty`, and counts."""

    def __init__(self, *empty: Bucket) -> None:
        self.empty = empty
        self.taken: Counter[tuple[str, str]] = Counter()

    def take(self, bucket: Bucket, key: str) -> timedelta:
        self.taken[bucket.name, key] += 1
        return timedelta(seconds=7.2 if bucket in self.empty else 0)

    @property
    def names(self) -> dict[str, int]:
        """How often each bucket was asked, whatever the key."""
        names: Counter[str] = Counter()
        for (name, _), count in self.taken.items():
            names[name] += count
        return dict(names)


@pytest.mark.parametrize("bucket", BUCKETS, ids=lambda bucket: bucket.name)
def test_each_bucket_lets_its_size_through_and_refuses_the_next(backends, bucket, monkeypatch):
    microseconds = itertools.count(10**9)  # a slow machine must not see the bucket refill
    monkeypatch.setattr(throttled.utils, "now_mono_f", lambda: next(microseconds) / 10**6)
    for _ in range(bucket.size):
        limits.take(backends, bucket, "192.0.2.1")

    with pytest.raises(TooOften) as refusal:
        limits.take(backends, bucket, "192.0.2.1")
    assert timedelta(0) < refusal.value.retry_after <= bucket.period
    limits.take(backends, bucket, "192.0.2.2")


def test_no_two_buckets_share_a_name():
    assert len({bucket.name for bucket in BUCKETS}) == len(BUCKETS) == 10


@pytest.mark.parametrize("key", ["", None])
def test_where_nobody_is_known_nobody_is_refused(backends, key):
    for _ in range(3):
        limits.take(backends, ONE, key)


def test_the_limiter_is_not_told_whose_address_it_is(backends):
    backends.limiter = Counting()

    limits.take(backends, limits.RESET, "ada@example.org")

    ((_, key),) = backends.limiter.taken
    assert len(key) == 64
    assert "ada" not in key


def test_who_moves_about_in_their_own_network_stays_in_one_bucket(backends):
    backends.limiter = Counting()

    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"):
        limits.take(backends, limits.SIGN_IN, address)

    assert sorted(backends.limiter.taken.values()) == [1, 2]


@pytest.mark.parametrize(
    ("wait", "sentence", "seconds"),
    [
        (0.001, "This was tried too often. Try again in 1 s.", 1),
        (7.2, "This was tried too often. Try again in 8 s.", 8),
        (119.5, "This was tried too often. Try again in 120 s.", 120),
        (121, "This was tried too often. Try again in 3 min.", 121),
        (720, "This was tried too often. Try again in 12 min.", 720),
    ],
)
def test_a_refusal_says_when_to_try_again_and_never_too_early(wait, sentence, seconds):
    refusal = TooOften(timedelta(seconds=wait))

    assert (str(refusal), refusal.retry_after) == (sentence, timedelta(seconds=seconds))
    assert refusal.status_code == 429


def test_a_search_counts_for_the_visitor_the_address_and_each_link(backends):
    backends.limiter = Counting()
    scope = Scope(EVENT, (ShareLink(id=3), ShareLink(id=4)))

    limits.search(backends, scope, make_viewer(), "192.0.2.1")

    assert backends.limiter.names == {"search": 1, "search_address": 1, "search_link": 2}


def test_a_program_without_a_visitor_key_searches_on_its_accounts_count(backends):
    account = make_account(backends)
    backends.limiter = Counting()

    for viewer in (make_viewer(account), make_viewer(account)):
        limits.search(backends, Scope(EVENT), type(viewer)("", account), "")

    assert list(backends.limiter.taken.values()) == [2]


def test_a_visitor_who_is_refused_takes_nothing_from_the_others(backends):
    backends.limiter = Counting(limits.SEARCH)

    with pytest.raises(TooOften):
        limits.search(backends, Scope(EVENT, (ShareLink(id=3),)), make_viewer(), "192.0.2.1")

    assert backends.limiter.names == {"search": 1}


def test_a_whole_group_may_search_with_all_its_selfies(backends):
    viewer, scope = make_viewer(), Scope(EVENT)

    for _ in range(5 * 5):
        limits.search(backends, scope, viewer, "192.0.2.1")
