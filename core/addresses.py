"""Addresses: one rule for emails, one for paths of this site, and who is at the other end of a line."""

import ipaddress
import re
from functools import lru_cache

from core.errors import InvalidInput

# Browsers read a backslash as a slash, and drop control characters.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f-\x9f]*")
HERE = "127.0.0.1"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def checked(text: str) -> str:
    """Return the address in lower case. Raises InvalidInput."""
    address = text.strip().lower()
    if len(address) > 254 or not address.isprintable() or not _EMAIL.fullmatch(address):
        raise InvalidInput("Write an email address such as name@example.org.")
    return address


def is_local(url: str) -> bool:
    """It is a path of this site: it begins with one slash and stays here."""
    return _LOCAL_PATH.fullmatch(url) is not None


def client_address(peer: str, forwarded: str, proxies: int) -> str:
    """Return the IP address of who asks: the peer, or what the outermost of our proxies wrote down.

    `forwarded`: X-Forwarded-For; each proxy adds its own peer at the right, and what stands further left
    anyone may have written. Where that is no address the peer is returned, "" when it is not known.
    Without a proxy of ours nobody is believed: the server may have taken the peer itself from that header,
    so all who send one are one address, this machine's.
    """
    if forwarded and not proxies:
        return HERE
    entries = forwarded.split(",")
    told = _ip(entries[-proxies]) if 0 < proxies <= len(entries) else ""
    return told or _ip(peer) or peer


@lru_cache(maxsize=4096)
def _ip(text: str) -> str:
    """Return an IP address in its one spelling, without the port that some proxies add, else ""."""
    with_port = re.fullmatch(r"(?:\[(.*)\]|([\d.]+))(?::\d+)?", text.strip())
    bare = (with_port[1] or with_port[2]) if with_port else text.strip()
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


@lru_cache(maxsize=4096)
def household(address: str) -> str:
    """Return what one subscriber holds: the IPv4 address, or the /64 network of an IPv6 one."""
    try:
        ipv6 = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(ipaddress.IPv6Network((ipv6.packed, 64), strict=False))
