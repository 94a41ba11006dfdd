"""Where datagram sockets are connected that must not send to their peer.

A socket that is connected to one of this host's own addresses has that address
for its own, as if it were connected to a peer that it reaches from there. So
each own address has a dead end: a socket of ours that takes what is sent, and
a port that refuses all. What comes by another device than the loopback one, and
so from another host, the kernel drops.
"""

from __future__ import annotations

import array
import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from proxywrap.address import unmapped
from proxywrap.net.device import LOOPBACK_INDEX
from proxywrap.net.namespace import namespace
from proxywrap.net.native import connect_here, os_error
from proxywrap.protocol.sockaddr import Place, pack_sockaddr

__all__ = ["DeadEnds", "connect_muted"]

Address = IPv4Address | IPv6Address
Taken = Callable[[Address, int], None]
"""Is told the address and the port that something was sent from."""

BATCH = 64
"""Datagrams taken before others get their turn."""

MAX_ENDS = 64
"""Addresses of this host for which there is a dead end."""

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_FPROG = struct.Struct("@HP")  # struct sock_fprog, linux/filter.h
_INSTRUCTION = struct.Struct("=HBBI")
_ONLY_LOOPBACK = b"".join(
    _INSTRUCTION.pack(*each)
    for each in (
        (0x20, 0, 0, 0xFFFFF008),  # ld [SKF_AD_OFF + SKF_AD_IFINDEX]
        (0x15, 0, 1, LOOPBACK_INDEX),  # jeq
        (0x06, 0, 0, 0xFFFFFFFF),  # ret: all of it
        (0x06, 0, 0, 0),  # ret: nothing
    )
)

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class _End(NamedTuple):
    """The socket that takes what is sent, and the one whose port refuses it."""

    taking: socket.socket
    refusing: socket.socket


class DeadEnds:
    """The dead ends of one helper; nothing is bound until it is wanted.

    Args:
        on_datagram: is told of each datagram that was sent to one.

    """

    def __init__(self, on_datagram: Taken) -> None:
        self._on_datagram = on_datagram
        self._ends: dict[Address, _End] = {}

    def connect(self, sock: socket.socket, own: Address) -> None:
        """Connect a datagram socket to the dead end of an address; it stays the caller's.

        Raises:
            OSError: there can be no dead end there, or none that this socket reaches.

        """
        end = self._end_of(unmapped(own))
        if namespace(sock) != namespace(end.taking):
            raise OSError("it is in another network namespace")
        _connect(sock, own, end.taking)

    def refuse(self, sock: socket.socket, own: Address) -> None:
        """Have a socket that has sent to the dead end see ECONNREFUSED, now and for each further datagram.

        Raises:
            OSError: it is not in that state any more.

        """
        _connect(sock, own, self._ends[unmapped(own)].refusing)
        sock.send(b"", socket.MSG_DONTWAIT)  # the kernel returns it to the sender as an error

    def close(self) -> None:
        """Close all of them."""
        loop = asyncio.get_running_loop()
        for end in self._ends.values():
            loop.remove_reader(end.taking)
            end.taking.close()
            end.refusing.close()
        self._ends.clear()

    def _end_of(self, own: Address) -> _End:
        if own not in self._ends:
            if len(self._ends) >= MAX_ENDS:
                raise OSError("there are too many")
            self._ends[own] = self._make(own)
        return self._ends[own]

    def _make(self, own: Address) -> _End:
        refusing = _bind(own)
        try:
            # It takes nothing but what it has sent itself.
            _connect(refusing, own, refusing)
            taking = _bind(own)
        except BaseException:
            refusing.close()
            raise
        asyncio.get_running_loop().add_reader(taking, self._receive, taking, own)
        return _End(taking, refusing)

    def _receive(self, taking: socket.socket, own: Address) -> None:
        for _ in range(BATCH):
            try:
                _data, (host, port, *_rest) = taking.recvfrom(0)
            except OSError:  # nothing more
                return
            if host == str(own):
                self._on_datagram(own, port)


def connect_muted(sock: socket.socket, place: Place) -> None:
    """Connect a datagram socket that sends nothing from then on, whoever has it.

    Args:
        sock: it stays the caller's.
        place: of the socket's family.

    Raises:
        OSError: as connect(2).

    """
    with suppress(OSError):  # it says that it is not connected, and does it
        sock.shutdown(socket.SHUT_WR)
    error = connect_here(sock.fileno(), pack_sockaddr(place))
    if error:
        raise os_error(error)


def _bind(own: Address) -> socket.socket:
    sock = socket.socket(_FAMILIES[own.version], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    program = array.array("B", _ONLY_LOOPBACK)
    try:
        fprog = _FPROG.pack(len(program) // _INSTRUCTION.size, program.buffer_info()[0])
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
        sock.bind((str(own), 0))
    except BaseException:
        sock.close()
        raise
    return sock


def _connect(sock: socket.socket, own: Address, to: socket.socket) -> None:
    error = connect_here(sock.fileno(), pack_sockaddr(Place(own, to.getsockname()[1])))
    if error:
        raise os_error(error)
