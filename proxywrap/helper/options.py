"""Options of filtered programs' sockets that lead past an address, or are told to the network."""

from __future__ import annotations

import errno
import socket
import struct

from proxywrap import refusals
from proxywrap.events import Blocked
from proxywrap.helper.caller import Caller
from proxywrap.helper.context import Context
from proxywrap.net.device import BY_INDEX, LOOPBACK_INDEX
from proxywrap.net.native import os_error
from proxywrap.net.places import has_peer
from proxywrap.protocol.wire import BlockedKind, Op, RequestMessage

__all__ = ["Options"]

_INET = frozenset({socket.AF_INET, socket.AF_INET6})
_ROUTE_OPTIONS = {
    (socket.IPPROTO_IP, 4),  # IP_OPTIONS, linux/in.h
    (socket.IPPROTO_IPV6, socket.IPV6_RTHDR),
    (socket.IPPROTO_IPV6, 6),  # IPV6_2292PKTOPTIONS, linux/in6.h
}
_STICKY_OPTION = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)
_STICKY = struct.Struct("=16sI")  # struct in6_pktinfo
_HOPS_OPTIONS = {
    (socket.IPPROTO_IP, socket.IP_TTL),
    (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
}
_SYN_SENT = 2  # net/tcp_states.h
_DEVICE_OPTIONS = {
    (socket.SOL_SOCKET, socket.SO_BINDTODEVICE),
    (socket.SOL_SOCKET, 62),  # SO_BINDTOIFINDEX, asm-generic/socket.h
    *BY_INDEX,
}


class Options:
    """Answers setsockopt(2) of them.

    Args:
        context: what the sessions share.

    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def set(self, caller: Caller, sock: socket.socket) -> None:
        """Answer setsockopt(2) of what leads past an address, or is told to the network."""
        option = caller.integer(1), caller.integer(2)
        if sock.family not in _INET or not caller.integer(4):
            caller.go_on()
        elif option in _ROUTE_OPTIONS:
            self._tell(caller, BlockedKind.WAY, b"source routing")
            caller.fail(errno.EPERM)
        elif option in _HOPS_OPTIONS:
            self._set_hops(caller, sock)
        elif option == _STICKY_OPTION:
            self._set_sticky(caller, sock)
        elif option not in _DEVICE_OPTIONS:
            self._tell(caller, BlockedKind.MULTICAST)
            caller.fail(errno.ENETUNREACH)
        elif has_peer(sock):
            self._tell(caller, BlockedKind.WAY, b"another device for a connected socket")
            caller.fail(errno.EPERM)
        else:
            caller.go_on()  # whoever connects then looks

    def _set_sticky(self, caller: Caller, sock: socket.socket) -> None:
        """Set the source and the device of datagrams (RFC 3542, section 6): nobody could ask for it later."""
        if caller.integer(4) < _STICKY.size:
            caller.go_on()  # to EINVAL
            return
        data = caller.read(caller.pointer(3), _STICKY.size)
        if _STICKY.unpack(data)[1] not in {0, LOOPBACK_INDEX}:
            self._tell(caller, BlockedKind.WAY, b"another device for datagrams")
            raise os_error(errno.EPERM)
        sock.setsockopt(*_STICKY_OPTION, data)
        caller.answer()

    def _set_hops(self, caller: Caller, sock: socket.socket) -> None:
        """Set how far packets may go, but of a parked socket, whose SYN must be dropped."""
        if sock.type == socket.SOCK_STREAM and _state(sock) == _SYN_SENT:
            caller.answer()
        else:
            caller.go_on()

    def _tell(self, caller: Caller, kind: BlockedKind, name: bytes = b"") -> None:
        request = RequestMessage(Op.BLOCKED, kind, name=name)
        self._context.report(Blocked(caller.process, *refusals.blocked(request)))


def _state(sock: socket.socket) -> int:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
