"""Signed, readable tokens for addresses: what was signed for one purpose opens no other."""

import hashlib
import hmac
from typing import Any

from itsdangerous import BadData, URLSafeSerializer


class Signer:
    """Signs small JSON values with HMAC-SHA256."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

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

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._secret,
            salt=f"encore.{purpose}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )


def token_hash(token: str) -> str:
    """Return what a table keeps instead of an opaque token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
