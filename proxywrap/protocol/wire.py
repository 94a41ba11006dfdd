"""Messages between the shim and the helper, as `csrc/wire.h` lays them out.

One request and at most one reply on each connection, one packet each, in host
byte order but for the addresses; a `PROVE` may precede them, and a packet of
`HOLD_BYTES` only keeps a connection from being writable. Knows nothing of
sockets or descriptors.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6

from proxywrap.errors import RemoteProtocolError

__all__ = [
    "HOLD_BYTES",
    "MAX_ADDRS",
    "MAX_MESSAGE_BYTES",
    "MAX_NAME_BYTES",
    "REPLY_BYTES",
    "REQUEST_BYTES",
    "TOKEN_BYTES",
    "VERSION",
    "BlockedKind",
    "Op",
    "ReplyMessage",
    "RequestMessage",
    "Target",
    "pack_reply",
    "pack_request",
    "parse_reply",
    "parse_request",
]

VERSION = 8
TOKEN_BYTES = 16
MAX_NAME_BYTES = 256
MAX_ADDRS = 8
MAX_MESSAGE_BYTES = 1232
HOLD_BYTES = 1152


class Op(IntEnum):
    """What the shim asks for (enum pw_op)."""

    CONNECT = 1
    RESOLVE = 2
    REVERSE = 3
    BLOCKED = 4
    EXEC = 5
    SERVER = 6
    QUERY = 7
    LISTEN = 8
    PROVE = 9
    KEEP = 10


class BlockedKind(IntEnum):
    """What was refused (enum pw_blocked)."""

    UDP = 1
    RESOLVER = 2
    SOCKET = 3
    DNS = 4
    MULTICAST = 5
    WAY = 6
    FILTER = 7
    SERVICE = 8


class Target(IntEnum):
    """Whether a program can be entered (enum pw_target)."""

    OK = 0
    STATIC = 1
    FOREIGN = 2
    LIBC = 3
    GO = 4
    SECURE = 5
    UNREADABLE = 6
    PRELOAD = 7
    FORMAT = 8
    LOADER = 9
    MEMORY = 10
    AWAY = 11
    CUT_OFF = 12


_ADDR = struct.Struct("=HHI16s")
_REQUEST = struct.Struct("=IHH16sHHI16sIi256s")
_REPLY = struct.Struct(f"=IiII{MAX_ADDRS * _ADDR.size}s256s")

REQUEST_BYTES = _REQUEST.size
REPLY_BYTES = _REPLY.size


@dataclass(frozen=True, slots=True)
class RequestMessage:
    """struct pw_request; `address` is None where `family` is no inet one.

    `message` is the DNS message of a `QUERY`.
    """

    op: Op
    detail: int = 0
    token: bytes = field(default=b"", repr=False)
    family: int = 0
    address: IPv4Address | IPv6Address | None = None
    port: int = 0
    scope_id: int = 0
    name: bytes = b""
    message: bytes = b""
    number: int = 0


@dataclass(frozen=True, slots=True)
class ReplyMessage:
    """struct pw_reply; `count` without addresses marks a direct connection, or a program to be filtered.

    `port` is that of all addresses; `message` is the answer to a `QUERY`.
    """

    error: int = 0
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    name: bytes = b""
    is_direct: bool = False
    is_filtered: bool = False
    port: int = 0
    message: bytes = b""


def parse_request(data: bytes) -> RequestMessage:
    """Return the request in one packet.

    Raises:
        RemoteProtocolError: not of the one size (a `QUERY` may have a message behind it),
            of another version, or with an unknown operation.

    """
    head, message = data[:REQUEST_BYTES], data[REQUEST_BYTES:]
    if len(head) != REQUEST_BYTES:
        raise RemoteProtocolError(f"expected a request of {REQUEST_BYTES} bytes, got {len(data)}")
    version, op, detail, token, family, port, scope_id, ip, name_bytes, number, name = _REQUEST.unpack(head)
    if version != VERSION:
        raise RemoteProtocolError(
            f"expected wire version {VERSION}, got {version}: another proxywrap's shim?"
        )
    if not Op.CONNECT <= op <= max(Op):
        raise RemoteProtocolError(f"expected an operation of 1 to {max(Op)}, got {op}")
    if name_bytes > MAX_NAME_BYTES:
        raise RemoteProtocolError(f"expected a name of at most {MAX_NAME_BYTES} bytes, got {name_bytes}")
    if len(message) > (MAX_MESSAGE_BYTES if op == Op.QUERY else 0):
        raise RemoteProtocolError(f"expected a request of {REQUEST_BYTES} bytes, got {len(data)}")
    return RequestMessage(
        Op(op),
        detail,
        token,
        family,
        _unpack_ip(family, ip),
        port,
        scope_id,
        name[:name_bytes],
        message,
        number,
    )


def pack_request(request: RequestMessage) -> bytes:
    """Return the packet for `request`; the shim's side, for tests."""
    head = _REQUEST.pack(
        VERSION,
        request.op,
        request.detail,
        request.token,
        request.family,
        request.port,
        request.scope_id,
        b"" if request.address is None else request.address.packed,
        len(request.name),
        request.number,
        request.name,
    )
    return head + request.message


def pack_reply(reply: ReplyMessage) -> bytes:
    """Return the packet for `reply`; of the addresses, the first eight."""
    addresses = reply.addresses[:MAX_ADDRS]
    packed = b"".join(_pack_addrs(addresses, reply.port))
    count = 1 if reply.is_direct or reply.is_filtered else len(addresses)
    return _REPLY.pack(VERSION, reply.error, count, len(reply.name), packed, reply.name) + reply.message


def parse_reply(data: bytes) -> ReplyMessage:
    """Return the reply in one packet; the shim's side, for tests.

    Raises:
        RemoteProtocolError: shorter than a reply, or with more behind it than a
            message, or of another version.

    """
    if not REPLY_BYTES <= len(data) <= REPLY_BYTES + MAX_MESSAGE_BYTES:
        raise RemoteProtocolError(f"expected a reply of {REPLY_BYTES} bytes, got {len(data)}")
    version, error, count, name_bytes, packed, name = _REPLY.unpack(data[:REPLY_BYTES])
    if version != VERSION:
        raise RemoteProtocolError(f"expected wire version {VERSION}, got {version}")
    found = [_ADDR.unpack_from(packed, at * _ADDR.size) for at in range(min(count, MAX_ADDRS))]
    addresses = tuple(
        ip for family, _port, _scope, raw in found if (ip := _unpack_ip(family, raw)) is not None
    )
    return ReplyMessage(
        error,
        addresses,
        name[:name_bytes],
        is_direct=count > len(addresses),
        port=found[0][1] if found else 0,
        message=data[REPLY_BYTES:],
    )


def _unpack_ip(family: int, raw: bytes) -> IPv4Address | IPv6Address | None:
    if family == AF_INET:
        return IPv4Address(raw[:4])
    if family == AF_INET6:
        return IPv6Address(raw)
    return None


def _pack_addrs(addresses: Iterable[IPv4Address | IPv6Address], port: int) -> Iterable[bytes]:
    for address in addresses:
        family = AF_INET if address.version == 4 else AF_INET6
        yield _ADDR.pack(family, port, 0, address.packed)
