"""Signed, readable tokens for addresses: what was signed for one purpose opens no other."""

import hashlib
import hmac
import json
from functools import cached_property
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous import Signer as ItsSigner
from itsdangerous.encoding import base64_encode

LONG = 1 << 10  # characters
MOST_KEPT = 100  # serializers


class _Tokens(URLSafeSerializer):
    """Writes short tokens quickly, for a page of photos has hundreds: without trying to compress them."""

    @cached_property
    def _own(self) -> ItsSigner:
        return super().make_signer(self.salt)

    def make_signer(self, salt: str | bytes | None = None) -> ItsSigner:
        """Return the signer, made once: its key is derived from secret and salt at each use."""
        return self._own if salt in (None, self.salt) else super().make_signer(salt)

    def dump_payload(self, obj: Any) -> bytes:
        """Return the value as text for an address, compressed where that may be worth its while."""
        text = json.dumps(obj, separators=(",", ":"))
        return base64_encode(text) if len(text) < LONG else super().dump_payload(obj)


class Signer:
    """Signs small JSON values with HMAC-SHA256."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._made: dict[str, _Tokens] = {}

    def sign(self, purpose: str, *parts: Any) -> str:
        """Return a URL-safe token; the same parts give the same token."""
        return str(self._serializer(purpose).dumps(list(parts)))

    def read(self, purpose: str, token: str) -> list[Any] | None:
        """Return the parts of a token that we signed for this purpose, else None."""
        try:
            parts = self._serializer(purpose).loads(token)
        except BadData:
            return None
        return parts if isinstance(parts, list) else None

    def key(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose, for libraries that sign or encrypt by themselves."""
        return hmac.digest(self._secret.encode(), f"encore.key.{purpose}".encode(), "sha256")

    def _serializer(self, purpose: str) -> _Tokens:
        if purpose in self._made:
            return self._made[purpose]
        made = _Tokens(
            self._secret,
            salt=f"encore.{purpose}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
        if len(self._made) < MOST_KEPT:  # some purposes have an id in them
            self._made[purpose] = made
        return made


def token_hash(token: str) -> str:
    """Return what a table keeps instead of an opaque token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
