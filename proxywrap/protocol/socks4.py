"""SOCKS4 and its extension 4a, for both roles.

Knows nothing of sockets. The documents are Ying-Da Lee's two memos, "SOCKS: A
protocol for TCP proxy across firewalls" and "SOCKS 4A: A Simple Extension to
SOCKS 4 Protocol"; the field names are theirs::

    client                                                    server
      VN=4 CD=1 DSTPORT DSTIP USERID NULL  [NAME NULL]  -->
                                          <--  VN=0 CD=90..93 DSTPORT DSTIP

4a is 4 with an impossible address, 0.0.0.x with x not 0, and the name after the
user's. There is no password, and no IPv6.
"""

from __future__ import annotations

import errno
import struct
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint, Host, unmapped
from proxywrap.errors import LocalProtocolError, ProxyRefused, RemoteProtocolError
from proxywrap.protocol.command import Command, decode_name, encode_name
from proxywrap.protocol.diagnosis import mismatch, read_answer
from proxywrap.protocol.effects import Flow, ReadExactly, ReadUntil, Send
from proxywrap.scheme import Scheme

if TYPE_CHECKING:
    from proxywrap.protocol.request import Check, Request  # of the server's role, which no helper plays

__all__ = ["CD_ERRNO", "Cd", "cd_for_errno", "connect", "read_request", "send_reply"]

VERSION = 4
REPLY_VERSION = 0
"""VN of a reply "is the version of the reply code and should be 0"."""

NAME_FOLLOWS = IPv4Address("0.0.0.1")
"""DSTIP of 4a: 0.0.0.x, x not 0."""

MAX_FIELD_BYTES = 256
"""Longest USERID and NAME, NULL included. The memos set no limit; 255 is that of SOCKS5."""


class Cd(IntEnum):
    """Result codes of a reply."""

    GRANTED = 90
    REJECTED = 91
    NO_IDENTD = 92
    IDENTD_MISMATCH = 93


CD_ERRNO = {
    Cd.REJECTED: errno.ECONNREFUSED,
    Cd.NO_IDENTD: errno.EACCES,
    Cd.IDENTD_MISMATCH: errno.EACCES,
}
"""What the application sees for each code but GRANTED."""

_REASONS = {
    Cd.REJECTED: "the request was rejected or failed (CD 91)",
    Cd.NO_IDENTD: "the proxy cannot reach identd on this host (CD 92): it wants to know who asks, so run one",
    Cd.IDENTD_MISMATCH: "the user name was refused (CD 93): check it in the proxy's URL, as in socks4a://USER@HOST:PORT",
}


def cd_for_errno(error: int) -> Cd:
    """Return the code for a destination that failed with `error`, 0 meaning success."""
    if error == 0:
        return Cd.GRANTED
    return Cd.IDENTD_MISMATCH if error == errno.EACCES else Cd.REJECTED


# ---
# Client


def connect(destination: Endpoint, userid: bytes = b"") -> Flow[None]:
    """Ask a SOCKS4 proxy for `destination`; by 4a where that is a name.

    Raises:
        ProxyRefused: the proxy said no; only CD 91 is about the destination.
        RemoteProtocolError: the answer is not one of SOCKS4.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: IPv6 (ENETUNREACH), an address that 4a takes for its
            mark, a name that is too long (EHOSTUNREACH), or a NUL in `userid`
            (EACCES).

    """
    if b"\0" in userid or len(userid) >= MAX_FIELD_BYTES:
        raise LocalProtocolError("the user name is too long for SOCKS4 or holds a NUL", errno=errno.EACCES)
    dstip, name_field = _pack_host(unmapped(destination.host))
    head = struct.pack("!BBH", VERSION, Command.CONNECT, destination.port)
    yield Send(head + dstip.packed + userid + b"\0" + name_field)
    vn, cd = yield from read_answer(2, "a SOCKS4 reply")
    if vn != REPLY_VERSION:
        raise mismatch("a SOCKS4 reply of version 0", vn)
    if cd not in Cd.__members__.values():
        raise RemoteProtocolError(f"expected a SOCKS4 result code from 90 to 93, got {cd}")
    if cd != Cd.GRANTED:
        raise _refusal(Cd(cd))
    yield ReadExactly(6)  # DSTPORT and DSTIP, "ignored" for CONNECT


def _pack_host(host: Host) -> tuple[IPv4Address, bytes]:
    if isinstance(host, IPv6Address):
        raise LocalProtocolError(f"SOCKS4 cannot carry the IPv6 address {host}: use a SOCKS5 or HTTP proxy")
    if isinstance(host, str):
        return NAME_FOLLOWS, encode_name(host) + b"\0"
    if _is_name_mark(host):
        raise LocalProtocolError(f"SOCKS4a reserves the address {host}: use a SOCKS5 or HTTP proxy")
    return host, b""


def _is_name_mark(host: IPv4Address) -> bool:
    return 0 < int(host) < 256


def _refusal(cd: Cd) -> ProxyRefused:
    is_rejection = cd is Cd.REJECTED
    return ProxyRefused(
        _REASONS[cd],
        errno=CD_ERRNO[cd],
        is_destination_fault=is_rejection,
        is_authentication=not is_rejection,
    )


# ---
# Server


def read_request(check: Check | None = None, first: bytes = b"") -> Flow[Request]:
    """Read a request of SOCKS4 or 4a; its reply is still to be sent.

    Args:
        check: who may pass, asked with an empty password; None lets all pass.
        first: what has been read of the request already.

    Raises:
        ProxyRefused: `check` said no; the client has been told.
        RemoteProtocolError: this is not a SOCKS4 request.
        TruncatedError: the client closed in the middle.

    """
    data = first + (yield ReadExactly(8 - len(first)))
    vn, cd, dstport, dstip = struct.unpack("!BBH4s", data)
    if vn != VERSION:
        raise mismatch("SOCKS version 4", vn, of_client=True)
    userid = yield from _read_field()
    host: Host = IPv4Address(dstip)
    scheme = Scheme.SOCKS4
    if isinstance(host, IPv4Address) and _is_name_mark(host):
        host, scheme = decode_name((yield from _read_field())), Scheme.SOCKS4A
    if cd not in {Command.CONNECT, Command.BIND}:
        yield from send_reply(Cd.REJECTED)
        raise RemoteProtocolError(f"expected a SOCKS4 command 1 or 2, got {cd}")
    if check is not None and not check(userid, b""):
        yield from send_reply(Cd.IDENTD_MISMATCH)
        raise _refusal(Cd.IDENTD_MISMATCH)
    from proxywrap.protocol.request import Request  # noqa: PLC0415 - see above

    return Request(scheme, Command(cd), Endpoint(host, dstport), userid or None)


def _read_field() -> Flow[bytes]:
    field = yield ReadUntil(b"\0", MAX_FIELD_BYTES)
    return field[:-1]


def send_reply(cd: Cd) -> Flow[None]:
    """Send the reply to a request; its address is "ignored" and therefore zero."""
    yield Send(struct.pack("!BBH4x", REPLY_VERSION, cd, 0))
