"""What may be asked of a proxy, and how a name is spelled to it."""

from __future__ import annotations

import errno
from enum import IntEnum

from proxywrap.address import normalise_name
from proxywrap.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["TOR_COMMANDS", "Command", "decode_name", "encode_name"]

MAX_NAME_OCTETS = 255
"""RFC 1928, section 5: one octet holds the length of a name. SOCKS4a and HTTP are kept to the same."""


class Command(IntEnum):
    """What may be asked for (RFC 1928, section 4); SOCKS4 has the first two.

    The last two are Tor's (spec.torproject.org, socks-extensions, "Name
    lookup"), `torlookup` their dialogue.
    """

    CONNECT = 1
    BIND = 2
    UDP_ASSOCIATE = 3
    RESOLVE = 0xF0
    RESOLVE_PTR = 0xF1


TOR_COMMANDS = frozenset({Command.RESOLVE, Command.RESOLVE_PTR})


def encode_name(name: str) -> bytes:
    """Return `name` as it goes on the wire.

    Raises:
        LocalProtocolError: it is empty, or longer than 255 bytes, or holds a
            NUL. EHOSTUNREACH, for there can be no such host.

    """
    data = name.encode("utf-8", "surrogateescape")
    if not 1 <= len(data) <= MAX_NAME_OCTETS or b"\0" in data:
        raise LocalProtocolError(
            f"expected a host name of 1 to {MAX_NAME_OCTETS} bytes, found {len(data)}",
            errno=errno.EHOSTUNREACH,
        )
    return data


def decode_name(data: bytes) -> str:
    """Return the name that a client sent.

    Raises:
        RemoteProtocolError: it cannot be the name of a host.

    """
    try:
        return normalise_name(data.decode("utf-8", "surrogateescape"))
    except ValueError as exc:
        raise RemoteProtocolError(str(exc)) from exc
