"""Token buckets of throttled-py: in memory, or counted together in Redis."""

from datetime import timedelta

from redis.backoff import NoBackoff
from redis.retry import Retry
from throttled import MemoryStore, RedisStore, Throttled
from throttled.exceptions import StoreUnavailableError
from throttled.rate_limiter import per_duration
from throttled.store import BaseStore

from core.errors import Unavailable
from core.ports import Bucket

KEPT = 100_000  # buckets in memory; the longest unused ones are forgotten, hence full again
PATIENCE = 2.0  # seconds for an answer of Redis: every request waits for it

# A token bucket that keeps one number, the time when it is full again. The library's `token_bucket` counts
# whole seconds and drops what has refilled in part at every take: its small buckets would hardly refill.
_ALGORITHM = "gcra"
_LEAST_WAIT = timedelta(milliseconds=1)  # zero would say that there was a token


class BucketLimiter:
    """Keeps the buckets of one process, or with a Redis URL those of all processes."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._store = _redis(redis_url) if redis_url else MemoryStore(options={"MAX_SIZE": KEPT})
        self._known: dict[Bucket, Throttled] = {}

    def take(self, bucket: Bucket, key: str) -> timedelta:
        """Take a token; return zero, or how long to wait when there is none. Raises Unavailable."""
        try:
            result = self._throttled(bucket).limit(f"{bucket.name}:{key}")
        except StoreUnavailableError as error:
            raise Unavailable("This site is busy. Try again in a moment.") from error
        if not result.limited:
            return timedelta(0)
        return max(_LEAST_WAIT, timedelta(seconds=result.state.retry_after))

    def check(self) -> None:
        """Return if the buckets can be reached. Raises Unavailable."""
        try:
            self._store.exists("encore")
        except StoreUnavailableError as error:
            raise Unavailable("Redis does not answer: limits cannot be counted.") from error

    def _throttled(self, bucket: Bucket) -> Throttled:
        if bucket not in self._known:
            quota = per_duration(bucket.period, bucket.size, bucket.size)
            self._known[bucket] = Throttled(
                using=_ALGORITHM, quota=quota, store=self._store, key_prefix="encore"
            )
        return self._known[bucket]


def _redis(url: str) -> BaseStore:
    options = {
        "SOCKET_TIMEOUT": PATIENCE,
        "SOCKET_CONNECT_TIMEOUT": PATIENCE,
        "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 1)},  # once: a connection may have idled out
    }
    return RedisStore(url, options)
