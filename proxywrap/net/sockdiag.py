"""Whether a TCP socket of another process is still there: sock_diag(7)."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

__all__ = ["cookie_of", "is_connecting"]

_NETLINK_SOCK_DIAG = 4  # linux/netlink.h
_SOCK_DIAG_BY_FAMILY = 20  # linux/sock_diag.h
_NLM_F_REQUEST = 1
_SO_COOKIE = 57  # asm-generic/socket.h
_ALL_STATES = 0xFFFFFFFF
_SYN_SENT = 2  # net/tcp_states.h

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST = struct.Struct("=BBBxI")  # struct inet_diag_req_v2, up to its id
_PORTS = struct.Struct("!HH")
_REST = struct.Struct("=IQ")  # interface and cookie
_COOKIE = struct.Struct("=Q")
_ANSWER_BYTES = 4096


def cookie_of(sock: socket.socket) -> int:
    """Return the number that is this socket's alone, as long as the machine runs."""
    return int(_COOKIE.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, _COOKIE.size))[0])


def is_connecting(family: int, own: tuple[str, int], peer: tuple[str, int], cookie: int) -> bool:
    """Tell whether the TCP socket with that cookie is in SYN_SENT between two addresses of this host.

    Where the kernel does not tell (no netlink, or another answer than a socket
    or ENOENT) it counts as there: whoever joins it will see.
    """
    with suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as sock:
        sock.send(_ask(family, own, peer, cookie))
        answer = sock.recv(_ANSWER_BYTES, socket.MSG_DONTWAIT)
        kind = _HEADER.unpack_from(answer)[1]
        return kind == _SOCK_DIAG_BY_FAMILY and answer[_HEADER.size + 1] == _SYN_SENT
    return True


def _ask(family: int, own: tuple[str, int], peer: tuple[str, int], cookie: int) -> bytes:
    body = (
        _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _ALL_STATES)
        + _PORTS.pack(own[1], peer[1])
        + b"".join(socket.inet_pton(family, host).ljust(16, b"\0") for host, _port in (own, peer))
        + _REST.pack(0, cookie)
    )
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0) + body
