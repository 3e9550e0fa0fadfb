"""Objects in a bucket of any S3 server, through the MinIO SDK."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, cast

from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from core.errors import NotFound, Unavailable
from core.objects import Whole, checked_key, checked_prefix

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3 import BaseHTTPResponse

CONNECT_SECONDS = 5.0  # the SDK's own is five minutes: a page would hang as long
RETRIES = 2  # of a lost connection or a 5xx, 0.2 s and 0.4 s apart
ALREADY_MADE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


class MinioStore:
    """Keeps each object under its key in one bucket. Building one speaks to no server."""

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        region: str,
        secure: bool = True,
        *,
        create_bucket: bool = True,
        patience: timedelta = timedelta(seconds=60),
    ) -> None:
        """`endpoint` is host:port; `patience` is how long a silent server is waited for."""
        self._bucket = bucket
        self._is_ready = not create_bucket
        self._client = Minio(
            endpoint,
            access_key=access_key,
            secret_key=secret_key,
            region=region,
            secure=secure,
            http_client=_pool(patience),
        )

    def put(self, key: str, content: BinaryIO, length: int, media_type: str) -> None:
        """Store `length` bytes; a reader sees all or none. Raises EndedEarly, Unavailable."""
        checked_key(key)
        whole = cast(BinaryIO, Whole(content, length))  # the SDK calls nothing but read
        with _server_errors():
            self._ready().put_object(self._bucket, key, whole, length, content_type=media_type)

    def open(self, key: str) -> BinaryIO:
        """Return a stream to read and close. Raises NotFound, Unavailable."""
        checked_key(key)
        with _server_errors():
            response = self._ready().get_object(self._bucket, key)
        return cast(BinaryIO, io.BufferedReader(_Body(response)))

    def size(self, key: str) -> int:
        """Return the length in bytes. Raises NotFound, Unavailable."""
        checked_key(key)
        with _server_errors():
            return self._ready().stat_object(self._bucket, key).size or 0

    def delete(self, keys: Iterable[str]) -> None:
        """Remove; what is not there is no error. Raises Unavailable when the server kept one."""
        objects = (DeleteObject(checked_key(key)) for key in keys)
        with _server_errors():
            kept = list(self._ready().remove_objects(self._bucket, objects))
        if kept:
            raise Unavailable("The photo store kept {count} files. Try again later.", count=len(kept))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key that begins with `prefix`, sorted. Raises Unavailable."""
        return self._list(checked_prefix(prefix))

    def check(self) -> None:
        """Return if the server answers and has the bucket. Raises Unavailable."""
        with _server_errors():
            is_there = self._ready().bucket_exists(self._bucket)
        if not is_there:
            raise Unavailable("The photo store has no bucket “{bucket}”. Create it.", bucket=self._bucket)

    def _list(self, prefix: str) -> Iterator[str]:
        with _server_errors():
            for found in self._ready().list_objects(self._bucket, prefix=prefix, recursive=True):
                yield found.object_name or ""

    def _ready(self) -> Minio:
        """Return the client, after making the bucket at first use."""
        if not self._is_ready:
            self._make_bucket()
            self._is_ready = True
        return self._client

    def _make_bucket(self) -> None:
        if self._client.bucket_exists(self._bucket):
            return
        try:
            self._client.make_bucket(self._bucket)
        except S3Error as error:
            if error.code not in ALREADY_MADE:  # by another process, in between
                raise


class _Body(io.RawIOBase):
    """One response as a stream; closing it gives the connection back."""

    def __init__(self, response: "BaseHTTPResponse") -> None:
        self._response = response

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        with _server_errors():
            chunk = self._response.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._response.close()
            self._response.release_conn()
        super().close()


def _pool(patience: timedelta) -> PoolManager:
    return PoolManager(
        maxsize=16,
        timeout=Timeout(connect=CONNECT_SECONDS, read=patience.total_seconds()),
        retries=Retry(total=RETRIES, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
    )


@contextmanager
def _server_errors() -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise NotFound("This file is not there any more.") from error
        raise Unavailable("The photo store refused. Try again later.") from error
    except (MinioException, HTTPError) as error:
        raise Unavailable("The photo store does not answer. Try again later.") from error
