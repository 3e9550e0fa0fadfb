"""Every way to say no.

PlatformError
├── SignInNeeded  401   nobody is signed in, or the proof of it is no good
├── NotFound      404   it is not there, or the reader may not know
├── Forbidden     403   the reader knows it, but may not
├── Conflict      409   it clashes with what is there already
├── InvalidInput  422   what was given cannot be used
├── TooMany       429   too often; wait
└── Unavailable   503   a part is down; try again

A specific refusal is a subclass beside its service, named by the fact.
"""

from datetime import timedelta
from typing import ClassVar


class PlatformError(Exception):
    """A refusal written for its reader: what happened and what to do.

    `key` is the English template and the gettext id, `params` fill it in any language.
    """

    status_code: ClassVar[int] = 400

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key.format(**params))
        self.key = key
        self.params = params

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes with key and parameters intact."""
        return (_rebuild, (type(self), self.key, self.params))


def _rebuild(kind: type[PlatformError], key: str, params: dict[str, object]) -> PlatformError:
    return kind(key, **params)


class SignInNeeded(PlatformError):
    """Nobody is signed in, or the proof of it is no good any more."""

    status_code = 401


class NotFound(PlatformError):
    """It is not there, or the reader may not know that it is."""

    status_code = 404


class Forbidden(PlatformError):
    """The reader knows the thing but may not do this to it."""

    status_code = 403


class Conflict(PlatformError):
    """It clashes with what is there already."""

    status_code = 409


class InvalidInput(PlatformError):
    """What was given cannot be used."""

    status_code = 422


class TooMany(PlatformError):
    """Too often; waiting helps."""

    status_code = 429
    retry_after: timedelta | None = None  # after which it may be tried again, when that is known


class Unavailable(PlatformError):
    """A part of the platform is down; trying again helps."""

    status_code = 503
