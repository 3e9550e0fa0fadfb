"""Token buckets: what they let through, in memory and in a real Redis that several processes share."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic
from uuid import uuid4

import pytest
import throttled.utils
from hypothesis import given
from hypothesis import strategies as st

from core import limits
from core.adapters import bucket_limiter
from core.adapters.bucket_limiter import BucketLimiter
from core.errors import Unavailable
from core.ports import Bucket
from tests import redis_server

MINUTE = timedelta(minutes=1)
NOTHING = timedelta(0)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
def limiter(request: pytest.FixtureRequest) -> BucketLimiter:
    if request.param == "memory":
        return BucketLimiter()
    return BucketLimiter(request.getfixturevalue("redis"))


class Clock:
    """The time of buckets in memory, which passes when told."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(throttled.utils, "now_mono_f", clock)
    return clock


def some_key() -> str:
    return uuid4().hex


def test_a_bucket_lets_its_size_through_at_once_and_then_says_how_long_to_wait(limiter):
    bucket, key = Bucket("small", 3, MINUTE), some_key()

    waits = [limiter.take(bucket, key) for _ in range(4)]

    assert waits[:3] == [NOTHING] * 3
    assert timedelta(seconds=15) < waits[3] <= timedelta(seconds=20)


def test_every_key_and_every_bucket_of_a_name_has_its_own_tokens(limiter):
    key = some_key()

    waits = [
        limiter.take(bucket, name)
        for bucket in (Bucket("one", 1, MINUTE), Bucket("other", 1, MINUTE))
        for name in (key, f"{key}2")
    ]

    assert waits == [NOTHING] * 4


def test_threads_that_take_at_once_get_no_more_than_there_is(limiter):
    bucket, key = Bucket("raced", 5, timedelta(hours=1)), some_key()

    with ThreadPoolExecutor(16) as threads:
        waits = list(threads.map(lambda _: limiter.take(bucket, key), range(64)))

    assert waits.count(NOTHING) == 5


def test_a_bucket_refills_bit_by_bit(clock):
    limiter, bucket = BucketLimiter(), Bucket("small", 3, MINUTE)
    for _ in range(3):
        limiter.take(bucket, "key")

    clock.seconds += 20.001

    assert limiter.take(bucket, "key") == NOTHING
    assert limiter.take(bucket, "key") > NOTHING


def test_who_waits_as_long_as_was_said_is_let_through(clock):
    limiter, bucket = BucketLimiter(), limits.RESET
    for _ in range(bucket.size):
        limiter.take(bucket, "key")
    wait = limiter.take(bucket, "key")

    clock.seconds += wait.total_seconds() - 1
    too_early = limiter.take(bucket, "key")
    clock.seconds += 1.001

    assert too_early > NOTHING
    assert limiter.take(bucket, "key") == NOTHING


@pytest.mark.parametrize("bucket", [limits.RESET, limits.SIGN_IN, limits.SEARCH, limits.ADDRESS])
def test_who_stays_below_the_rate_is_never_refused(clock, bucket):
    limiter, interval = BucketLimiter(), bucket.period.total_seconds() / bucket.size
    waits = []

    for _ in range(5 * bucket.size):
        waits.append(limiter.take(bucket, "key"))
        clock.seconds += interval * 1.001

    assert set(waits) == {NOTHING}


@given(
    size=st.integers(1, 50),
    period=st.integers(1, 3600),
    pauses=st.lists(st.floats(0, 120), min_size=1, max_size=150),
)
def test_never_more_than_the_size_and_what_refilled_are_let_through(size, period, pauses):
    with pytest.MonkeyPatch.context() as patched:
        clock = Clock()
        patched.setattr(throttled.utils, "now_mono_f", clock)
        limiter, bucket = BucketLimiter(), Bucket("any", size, timedelta(seconds=period))
        passed = 0
        for pause in pauses:
            clock.seconds += pause
            passed += limiter.take(bucket, "key") == NOTHING

    refilled = sum(pauses) * size / period
    assert passed <= size + refilled + 1e-6
    assert passed >= min(len(pauses), size - 1)  # a rounding error may cost one, and give none


def test_only_so_many_buckets_are_kept_and_the_longest_unused_goes_first(monkeypatch):
    monkeypatch.setattr(bucket_limiter, "KEPT", 2)
    limiter, bucket = BucketLimiter(), Bucket("one", 1, MINUTE)

    for key in ("a", "b", "a", "c"):
        limiter.take(bucket, key)

    assert limiter.take(bucket, "a") > NOTHING
    assert limiter.take(bucket, "b") == NOTHING


@pytest.mark.integration
def test_two_processes_share_the_buckets_of_one_redis(redis):
    here, there = BucketLimiter(redis), BucketLimiter(redis)
    bucket, key = Bucket("shared", 4, MINUTE), some_key()

    waits = [limiter.take(bucket, key) for limiter in (here, there, here, there, here, there)]

    assert [wait == NOTHING for wait in waits] == [True] * 4 + [False] * 2


@pytest.mark.integration
def test_while_redis_is_away_taking_is_refused_soon_and_afterwards_it_works_again():
    bucket = Bucket("away", 2, MINUTE)
    with redis_server.server() as url:
        limiter = BucketLimiter(url)
        assert limiter.take(bucket, "key") == NOTHING
    began = monotonic()

    for _ in range(2):
        with pytest.raises(Unavailable, match="busy"):
            limiter.take(bucket, "key")

    assert monotonic() - began < 2 * bucket_limiter.PATIENCE
    with redis_server.server(port=int(url.rpartition(":")[2].partition("/")[0])):
        assert limiter.take(bucket, "key") == NOTHING
