"""System calls on datagram sockets of filtered programs.

Datagrams stay on this host. One that is for a name server, wherever, goes to
ours instead, and what comes back seems to come from the one that was asked. A
socket may be connected beyond this host, but sends nothing there.
"""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple, NoReturn

from proxywrap import refusals
from proxywrap.address import DNS_OVER_TLS_PORT, DNS_PORT, Endpoint, unmapped
from proxywrap.errors import ProxywrapError
from proxywrap.events import Blocked
from proxywrap.helper.caller import Caller
from proxywrap.helper.context import Context
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.strays import Strays
from proxywrap.net.device import has_device
from proxywrap.net.dnsserver import DnsServer
from proxywrap.net.native import os_error
from proxywrap.net.places import has_peer
from proxywrap.protocol.sockaddr import Place, family_of, pack_sockaddr, parse_sockaddr
from proxywrap.protocol.wire import BlockedKind, Op, RequestMessage

__all__ = ["UdpCalls"]

_INET = frozenset({socket.AF_INET, socket.AF_INET6})
_INET_BYTES, _INET6_BYTES = 16, 24  # sockaddr_in; SIN6_LEN_RFC2133

SockAddr = tuple[str, int] | tuple[str, int, int, int]


class _Way(NamedTuple):
    """Where datagrams are sent to; `is_dns` where that is a name server of ours."""

    dest: SockAddr
    is_dns: bool = False


class UdpCalls:
    """Carries them out, for one helper.

    Args:
        context: what the sessions share.
        dns: where name servers seem to be.
        ledger: of the filtered programs.

    """

    def __init__(self, context: Context, dns: DnsServer, ledger: Ledger) -> None:
        self._context = context
        self._dns = dns
        self._ledger = ledger
        self._strays = Strays(ledger, self._tell)

    def close(self) -> None:
        """Take nothing more that programs have sent."""
        self._strays.close()

    def connect(self, caller: Caller, sock: socket.socket, sockaddr: bytes) -> None:
        """Connect a socket to an address, as the kernel does.

        Raises:
            OSError: what the program must see.
            Gone: nobody waits any more.

        """
        place = self._read(sock, sockaddr, is_send=False)
        way = self._way(caller, sock, place)
        if way is None:
            self._strays.connect(caller, sock, place)
        else:
            sock.connect(way.dest)
            self._ledger.forget(sock)
            if way.is_dns:
                entry = self._ledger.note(sock)
                entry.peer, entry.asks_names = pack_sockaddr(place), True
        caller.answer()

    def check_peer(self, caller: Caller, sock: socket.socket) -> None:
        """See to it that a socket may send to the peer that it is connected to.

        Raises:
            OSError: EDESTADDRREQ where it has none, ENETUNREACH where that is beyond this host.

        """
        entry = self._ledger.find(sock)
        if entry is not None and entry.astray is not None:
            self._refuse(caller, entry.astray)
        if not has_peer(sock):
            raise os_error(errno.EDESTADDRREQ)

    def destination(self, caller: Caller, sock: socket.socket, sockaddr: bytes) -> SockAddr | None:
        """Return where a datagram for `sockaddr` is to be sent, None where it names nothing.

        Raises:
            OSError: what the program must see.

        """
        if not sockaddr:
            return None
        if sock.family == socket.AF_INET6 and family_of(sockaddr) == socket.AF_UNSPEC and len(sockaddr) > 1:
            return None
        place = self._read(sock, sockaddr, is_send=True)
        if place.port == 0:
            raise os_error(errno.EINVAL)
        way = self._way(caller, sock, place)
        if way is None:
            self._refuse(caller, place)
        if way.is_dns:
            self._ledger.note(sock).asks_names = True
        return way.dest

    def source(self, sock: socket.socket, source: SockAddr) -> bytes:
        """Return whom a datagram seems to come from, as an address of the socket's family."""
        address = ip_address(source[0].partition("%")[0])
        asked = self._dns.asked_at(unmapped(address).version, source[1])
        scope_id = source[3] if len(source) == 4 else 0
        if asked is not None:
            address, port, scope_id = asked
            return pack_sockaddr(Place(_of_family(address, sock.family), port, scope_id))
        return pack_sockaddr(Place(address, source[1], scope_id))

    # -- ways --------------------------------------------------------------------

    def _read(self, sock: socket.socket, sockaddr: bytes, *, is_send: bool) -> Place:
        """Return what the kernel takes an address for: IPv4 is mapped on an IPv6 socket."""
        family = family_of(sockaddr)
        if family == socket.AF_UNSPEC and is_send and sock.family == socket.AF_INET:
            family = socket.AF_INET  # a send of an IPv4 socket reads one of no family so
            sockaddr = family.to_bytes(2, "little") + sockaddr[2:]
        if sock.family == socket.AF_INET and len(sockaddr) < _INET_BYTES:
            raise os_error(errno.EINVAL)
        if sock.family == socket.AF_INET6 and family != socket.AF_INET and len(sockaddr) < _INET6_BYTES:
            raise os_error(errno.EINVAL)
        if family not in _INET or (sock.family == socket.AF_INET and family != socket.AF_INET):
            raise os_error(errno.EINVAL if is_send and sock.family == socket.AF_INET6 else errno.EAFNOSUPPORT)
        place = parse_sockaddr(sockaddr)
        if place is None:
            raise os_error(errno.EINVAL)
        return place._replace(address=_of_family(place.address, sock.family))

    def _way(self, caller: Caller, sock: socket.socket, place: Place) -> _Way | None:
        """Return where datagrams for a place go, None where they would leave this host.

        Raises:
            OSError: ENETUNREACH of a name server too many.

        """
        plain = unmapped(place.address)
        is_local = plain.is_loopback or plain.is_unspecified
        if has_device(sock):
            return None
        if place.port == DNS_PORT:
            return _Way(self._name_server(caller, sock, place), is_dns=True)
        if is_local and place.port != DNS_OVER_TLS_PORT:
            return _Way(_sockaddr(sock, place))
        return None

    def _name_server(self, caller: Caller, sock: socket.socket, place: Place) -> SockAddr:
        try:
            found = self._dns.udp_endpoint(place.address, place.port, place.scope_id, caller.process)
        except (ProxywrapError, OSError) as exc:
            where = Endpoint(place.address, place.port)
            self._context.report(Blocked(caller.process, f"DNS by UDP to {where}", str(exc)))
            raise os_error(errno.ENETUNREACH) from exc
        assert not isinstance(found.host, str)  # noqa: S101 - it is bound to an address
        return _sockaddr(sock, Place(found.host, found.port))

    def _refuse(self, caller: Caller, place: Place) -> NoReturn:
        self._tell(caller.process, place)
        raise os_error(errno.ENETUNREACH)

    def _tell(self, process: int, place: Place) -> None:
        request = RequestMessage(Op.BLOCKED, BlockedKind.UDP, address=place.address, port=place.port)
        name = self._context.router.asked_name(place.address)
        self._context.report(Blocked(process, *refusals.blocked(request, name)))


def _of_family(address: IPv4Address | IPv6Address, family: int) -> IPv4Address | IPv6Address:
    if family == socket.AF_INET6 and isinstance(address, IPv4Address):
        return IPv6Address(f"::ffff:{address}")
    return address


def _sockaddr(sock: socket.socket, place: Place) -> SockAddr:
    address = _of_family(place.address, sock.family)
    if sock.family == socket.AF_INET:
        return str(address), place.port
    return str(address), place.port, 0, place.scope_id
