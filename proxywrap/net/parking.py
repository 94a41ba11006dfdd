"""Parked connects: a socket of another process kept in SYN_SENT until its way is ready.

Theory of operation
-------------------

A listener on loopback wants packets with 255 hops left (IP_MINTTL, RFC 5082),
which those of this host, with 64, have not: the kernel drops every SYN to it
without a word. A socket that connects there is connecting for as long as its
owner has patience, with all that poll(2), epoll(7) and a second connect(2)
show of it. A socket filter would do as well, but TCP grants those to the
privileged only, from Linux 6.18 on.

When the way is ready, a socket bound to the listener's own port connects *to*
the one that waits. Two SYNs that cross are a connection (RFC 9293, section
3.5, simultaneous open), and the kernel of the application sees it established
as any other. What is joined so is a partner, from which bytes must be relayed.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

from proxywrap.net.native import connect_here, os_error
from proxywrap.net.readiness import is_writable, until_writable
from proxywrap.net.sockdiag import cookie_of, is_connecting
from proxywrap.net.starting import start_here
from proxywrap.protocol.sockaddr import Place, pack_sockaddr

__all__ = ["Parked", "ParkingLot"]

_TCP_FASTOPEN_CONNECT = 30  # linux/tcp.h

_IP_MINTTL = 21  # linux/in.h
_IPV6_MINHOPCOUNT = 73  # linux/in6.h
_MOST_HOPS, _USUAL_HOPS = 255, 64

_LISTENERS = {
    socket.AF_INET: ("127.0.0.1", socket.IPPROTO_IP, _IP_MINTTL),
    socket.AF_INET6: ("::1", socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT),
}

_HOPS = ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS))


class Parked(NamedTuple):
    """Where a socket waits: its own address, and that which it believes to connect to.

    Another may wait there once it is closed; its `cookie` tells them apart.
    """

    family: int
    own: tuple[str, int]
    place: tuple[str, int]
    cookie: int

    def is_waiting(self) -> bool:
        """Tell whether the socket is there still, and connecting."""
        return is_connecting(self.family, self.own, self.place, self.cookie)


class ParkingLot:
    """The listeners, one for each family, bound when first wanted."""

    def __init__(self) -> None:
        self._listeners: dict[int, socket.socket] = {}

    def close(self) -> None:
        """Close the listeners: what is still parked will be refused."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()

    def park(self, sock: socket.socket) -> Parked:
        """Have a TCP socket connect to where nobody answers; it stays the caller's.

        Args:
            sock: of another process, not connected; it is not waited for, whatever its flags say.

        Raises:
            OSError: as connect(2) by the application would.

        """
        place = self._place_for(sock)
        _have_dropped(sock)
        with suppress(OSError):  # a kernel without it
            # The SYN would wait for the first byte.
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_FASTOPEN_CONNECT, 0)
        error = start_here(sock, _pack(sock.family, place))
        if error != errno.EINPROGRESS:
            raise OSError(error or errno.ECONNABORTED, os.strerror(error or errno.ECONNABORTED))
        return Parked(sock.family, sock.getsockname()[:2], place, cookie_of(sock))

    async def join(self, parked: Parked) -> socket.socket:
        """Let the parked socket be connected; return its partner, non-blocking, the caller's.

        Raises:
            OSError: it is not there any more.

        """
        if not parked.is_waiting():
            raise os_error(errno.ECONNRESET)
        sock = socket.socket(parked.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(parked.place)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            error = connect_here(sock.fileno(), _pack(parked.family, parked.own))
            if error == errno.EINPROGRESS:
                if not is_writable(sock):  # most are at once, for nothing is on the way
                    await until_writable(sock)
                error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
        except BaseException:
            sock.close()
            raise
        return sock

    def _place_for(self, sock: socket.socket) -> tuple[str, int]:
        """Return where a socket can be parked: an IPv6 one on IPv6, unless it is bound to IPv4."""
        if sock.family == socket.AF_INET6 and not sock.getsockname()[0].startswith("::ffff:"):
            with suppress(OSError):  # a host without IPv6
                return self._address(socket.AF_INET6)
        host, port = self._address(socket.AF_INET)
        return (host if sock.family == socket.AF_INET else f"::ffff:{host}"), port

    def _address(self, family: int) -> tuple[str, int]:
        if family not in self._listeners:
            self._listeners[family] = _listen(family)
        host, port = self._listeners[family].getsockname()[:2]
        return host, port


def _have_dropped(sock: socket.socket) -> None:
    """See to it that the listener drops what a socket sends as long as it connects.

    Nothing is put back: the SYN is sent again and again, and none of them may
    be one that the listener takes.
    """
    for level, name in _HOPS:
        with suppress(OSError):  # of another family
            if sock.getsockopt(level, name) == _MOST_HOPS:
                sock.setsockopt(level, name, _USUAL_HOPS)


def _pack(family: int, place: tuple[str, int]) -> bytes:
    address = ip_address(place[0])
    assert (address.version == 6) == (family == socket.AF_INET6)  # noqa: S101 - they are spelled so
    return pack_sockaddr(Place(address, place[1]))


def _listen(family: int) -> socket.socket:
    host, level, option = _LISTENERS[socket.AddressFamily(family)]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.setsockopt(level, option, _MOST_HOPS)
        listener.bind((host, 0))
        listener.listen(1)
    except BaseException:
        listener.close()
        raise
    return listener
