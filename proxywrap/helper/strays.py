"""Datagram sockets of filtered programs that are connected beyond this host.

connect(2) sends nothing there, and programs ask by it for a route and an
address of their own. So such a socket is connected to a dead end at the address
that it would send from. What it sends is told of, and then refused.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from proxywrap.address import unmapped
from proxywrap.helper.caller import Caller
from proxywrap.helper.ledger import Ledger
from proxywrap.net.deadends import DeadEnds, connect_muted
from proxywrap.net.device import has_device
from proxywrap.net.native import connect_here, os_error
from proxywrap.net.notification import take_descriptor
from proxywrap.net.sockdiag import cookie_of
from proxywrap.protocol.sockaddr import Place, pack_sockaddr

__all__ = ["Strays"]

MAX_STRAYS = 4096
"""Sockets remembered at a time; what others send is told of no more."""

Address = IPv4Address | IPv6Address


class _Stray(NamedTuple):
    """A socket, who has connected it as descriptor `fd`, and where it believes to be connected to."""

    process: int
    fd: int
    cookie: int
    own: Address
    place: Place


class Strays:
    """All of them.

    Args:
        ledger: of the filtered programs.
        tell: is told which process has sent something, and where to.

    """

    def __init__(self, ledger: Ledger, tell: Callable[[int, Place], None]) -> None:
        self._ledger = ledger
        self._tell = tell
        self._ends = DeadEnds(self._was_sent)
        self._strays: OrderedDict[tuple[Address, int], _Stray] = OrderedDict()

    def connect(self, caller: Caller, sock: socket.socket, place: Place) -> None:
        """Connect a socket so that it seems to be connected to a place of its family.

        Raises:
            OSError: as connect(2).

        """
        own = _source(sock, place)
        try:
            # With port 0 the kernel says that there is no peer.
            if not place.port or has_device(sock) or own.is_link_local or own.is_multicast:
                raise OSError("a dead end is not within its reach")
            self._ends.connect(sock, own)
        except OSError:
            connect_muted(sock, place)
        else:
            self._note(caller, sock, own, place)
        self._ledger.forget(sock)
        entry = self._ledger.note(sock)
        entry.astray = place
        entry.peer = pack_sockaddr(place) if place.port else b""

    def close(self) -> None:
        """Take nothing more."""
        self._ends.close()

    def _note(self, caller: Caller, sock: socket.socket, own: Address, place: Place) -> None:
        key = unmapped(own), sock.getsockname()[1]
        self._strays[key] = _Stray(caller.process, caller.integer(0), cookie_of(sock), own, place)
        self._strays.move_to_end(key)
        if len(self._strays) > MAX_STRAYS:
            self._strays.popitem(last=False)

    def _was_sent(self, own: Address, port: int) -> None:
        """Tell of what a socket has sent, and have it see an error, if it is there still."""
        stray = self._strays.pop((own, port), None)
        if stray is None:
            return
        self._tell(stray.process, stray.place)
        with suppress(OSError), socket.socket(fileno=take_descriptor(stray.process, stray.fd)) as sock:
            if cookie_of(sock) == stray.cookie and self._is_astray(sock):
                self._ends.refuse(sock, stray.own)

    def _is_astray(self, sock: socket.socket) -> bool:
        entry = self._ledger.find(sock)
        return entry is not None and entry.astray is not None


def _source(sock: socket.socket, place: Place) -> Address:
    """Return the address that a datagram to a place would be sent from.

    Raises:
        OSError: as connect(2) would by the program itself.

    """
    with socket.socket(sock.family, socket.SOCK_DGRAM) as probe:
        level_names = [(socket.SOL_SOCKET, socket.SO_BROADCAST)]
        if sock.family == socket.AF_INET6:
            level_names.append((socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
        for level, name in level_names:
            probe.setsockopt(level, name, sock.getsockopt(level, name))
        host, _port, *rest = sock.getsockname()
        if not ip_address(host.partition("%")[0]).is_unspecified:
            probe.bind((host, 0, *rest))
        error = connect_here(probe.fileno(), pack_sockaddr(place))
        if error:
            raise os_error(error)
        return ip_address(probe.getsockname()[0].partition("%")[0])
