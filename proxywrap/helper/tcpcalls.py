"""System calls on TCP sockets of filtered programs.

A blocking socket is lent, a non-blocking one parked: a connect() that blocks
in here could not be broken off by the program's own timers. Neither call is
ever carried out by the program itself, whose memory may change at any moment.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address

from proxywrap.address import Endpoint
from proxywrap.errors import ProxywrapError, TimedOut
from proxywrap.events import Failed
from proxywrap.helper.attempt import Attempts
from proxywrap.helper.caller import Caller
from proxywrap.helper.context import Context
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.outside import look_at_port
from proxywrap.helper.parked import ParkedConnects
from proxywrap.helper.patience import ERESTARTSYS, Patience
from proxywrap.helper.programs import program_names
from proxywrap.helper.router import Route, Unroutable
from proxywrap.net.device import has_device
from proxywrap.net.lent import LentSocket
from proxywrap.net.native import connect_here, os_error
from proxywrap.net.places import sockaddr_for
from proxywrap.net.readiness import until_writable
from proxywrap.net.starting import start_connect
from proxywrap.protocol.sockaddr import Place, family_of, pack_sockaddr, parse_sockaddr
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["TcpCalls"]

_SYN_SENT, _SYN_RECV, _CLOSE = 2, 3, 7  # net/tcp_states.h
_SHORTEST = {socket.AF_INET: 16, socket.AF_INET6: 24}
_TIMEVAL = struct.Struct("ll")
_INT = struct.Struct("=i")
_NOWHERE = {
    socket.AF_INET: pack_sockaddr(Place(IPv4Address("224.0.0.1"), 9)),
    socket.AF_INET6: pack_sockaddr(Place(IPv6Address("ff02::1"), 9)),
}
"""To these TCP sends nothing, should the socket be fresh again by the time it is asked."""


class TcpCalls:
    """Carries them out, for one helper.

    Args:
        context: what the sessions share.
        attempts: connects lent sockets.
        parked: connects parked ones.
        ledger: of the filtered programs.
        patience: for those that wait.

    """

    def __init__(
        self,
        context: Context,
        attempts: Attempts,
        parked: ParkedConnects,
        ledger: Ledger,
        patience: Patience,
    ) -> None:
        self._context = context
        self._attempts = attempts
        self._parked = parked
        self._ledger = ledger
        self._patience = patience

    def connect(self, caller: Caller, sock: socket.socket, sockaddr: bytes) -> None:
        """Connect a socket to an address, as the kernel does, in its own order of checks.

        Raises:
            OSError: what the program must see.
            Gone: nobody waits any more.

        """
        inode = os.fstat(sock.fileno()).st_ino
        entry = self._ledger.find(sock)
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if entry is not None and entry.has_failed:
            self._ledger.forget(sock)
            error = _ask_kernel(sock)
            raise os_error(entry.error if error == errno.ECONNREFUSED else error)
        if state in {_SYN_SENT, _SYN_RECV} or self._attempts.is_under_way(inode):
            self._connect_again(caller, sock, inode)
        elif state != _CLOSE:
            error = _ask_kernel(sock)
            if error:
                raise os_error(error)
            caller.answer()
        else:
            self._begin(caller, sock, sockaddr)

    def getsockopt(self, caller: Caller, sock: socket.socket) -> bool:
        """Tell the error of a socket where the kernel does not know it; return whether that is so.

        Raises:
            OSError: what the program must see.
            Gone: nobody waits any more.

        """
        entry = self._ledger.find(sock)
        if entry is None or not entry.error:
            return False
        room = caller.read_int(caller.pointer(4))
        if room < 0:
            raise os_error(errno.EINVAL)
        value = _INT.pack(entry.error)[:room]
        caller.write(caller.pointer(4), _INT.pack(len(value)))
        caller.write(caller.pointer(3), value)
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        entry.error = 0
        caller.answer()
        return True

    # -- connect -----------------------------------------------------------------

    def _connect_again(self, caller: Caller, sock: socket.socket, inode: int) -> None:
        """Refuse what is being connected already; a blocking caller waits for the end of that."""
        waiting = self._parked.find(inode)
        if _is_non_blocking(sock) or waiting is None:
            raise os_error(errno.EALREADY)
        self._wait(caller, sock, waiting.on_end, late=errno.EALREADY)

    def _begin(self, caller: Caller, sock: socket.socket, sockaddr: bytes) -> None:
        if len(sockaddr) < _SHORTEST[socket.AddressFamily(sock.family)]:
            raise os_error(errno.EINVAL)
        place = parse_sockaddr(sockaddr)
        if place is None or family_of(sockaddr) != sock.family:
            raise os_error(errno.EAFNOSUPPORT)
        if not self._context.room.is_left():
            self._context.room.tell(self._context.report)
            raise os_error(errno.EMFILE)
        route = self._route(caller, place)
        has_limit = _limit_s(sock) > 0
        is_direct = route.is_direct and not route.resolves_here
        may_block = not _is_non_blocking(sock)
        # What is bound to a device does not reach loopback, where the others are parked.
        if (may_block and not has_limit) or (not is_direct and has_device(sock)):
            self._lend(caller, sock, place)
        elif is_direct and not may_block:
            self._connect_directly(caller, sock, route, place)
        elif is_direct:
            self._connect_within_limit(caller, sock, route, place)
        else:
            number = caller.integer(0)
            waiting = self._parked.park(sock, caller.process, caller.thread, number, place, route)
            self._ledger.note(sock).peer = pack_sockaddr(place)
            if _is_non_blocking(sock):
                sock.close()  # before the program can: its close() is to be the last one
                raise os_error(errno.EINPROGRESS)
            self._wait(caller, sock, waiting.on_end, late=errno.EINPROGRESS)

    def _route(self, caller: Caller, place: Place) -> Route:
        try:
            programs = partial(program_names, caller.process)
            return self._context.router.route(place.address, place.port, programs)
        except ProxywrapError as exc:
            known = exc.destination if isinstance(exc, Unroutable) else None
            where = known or Endpoint(place.address, place.port)
            fault = Failed(caller.process, where, None, exc.errno, str(exc), is_chain_fault=False)
            self._context.report(fault)
            raise os_error(exc.errno) from exc

    def _lend(self, caller: Caller, sock: socket.socket, place: Place) -> None:
        entry = self._ledger.note(sock)

        def finish(reply: ReplyMessage) -> None:
            if reply.error:
                entry.peer = b""
                caller.fail(reply.error)
            else:
                entry.peer = b"" if reply.is_direct else pack_sockaddr(place)
                caller.answer()

        lent = LentSocket(socket.socket(sock.family, sock.type, sock.proto, fileno=sock.detach()))
        leash = self._patience.hold(caller, finish)
        self._patience.spawn(self._attempts.carry_out(leash, caller.process, place, lent, shows_error=False))

    def _connect_directly(self, caller: Caller, sock: socket.socket, route: Route, place: Place) -> None:
        host = route.destination.host
        assert not isinstance(host, str)  # noqa: S101 - names are never dialled
        look_at_port(self._context, caller.process, route.destination)
        sockaddr = sockaddr_for(sock, host, route.destination.port, place.scope_id)
        error = errno.ENETUNREACH if sockaddr is None else start_connect(sock, sockaddr)
        if error:
            sock.close()
            raise os_error(error)
        caller.answer()

    def _connect_within_limit(self, caller: Caller, sock: socket.socket, route: Route, place: Place) -> None:
        """Wait for the kernel's own connect() no longer than SO_SNDTIMEO; it goes on after that."""
        copy = socket.socket(fileno=os.dup(sock.fileno()))
        try:
            self._connect_directly(caller, sock, route, place)
        except OSError as exc:
            if exc.errno == errno.EINPROGRESS:
                on_end: list[Callable[[int], None]] = []
                self._wait(caller, copy, on_end, late=errno.EINPROGRESS)
                self._patience.spawn(_tell_end(caller, copy, on_end))
                return
            caller.close_socket(copy)
            raise
        caller.close_socket(copy)

    def _wait(
        self, caller: Caller, sock: socket.socket, on_end: list[Callable[[int], None]], late: int
    ) -> None:
        """Answer a blocking connect() of a parked socket when that is over, or its time is."""
        limit_s = _limit_s(sock)
        copy = socket.socket(fileno=os.dup(sock.fileno()))

        def finish(reply: ReplyMessage) -> None:
            with suppress(ValueError):
                on_end.remove(tell)
            error = reply.error
            if error == errno.ECONNABORTED:  # another thread has shut it down: the kernel knows of it
                error = copy.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or error
            elif error not in {late, ERESTARTSYS}:
                _ask_kernel(copy)  # says it once: the kernel's own connect() is over, too
                if error:
                    self._ledger.forget(copy)
            caller.close_socket(copy)
            caller.fail(error) if error else caller.answer()

        held = self._patience.hold(caller, finish, limit_s, late)

        def tell(error: int) -> None:
            held.answer(ReplyMessage(error))

        on_end.append(tell)


async def _tell_end(caller: Caller, sock: socket.socket, on_end: Sequence[Callable[[int], None]]) -> None:
    """Tell how the kernel's own connect() ends, if that is within its limit; close the socket."""
    try:
        with suppress(TimedOut):
            await until_writable(sock, _limit_s(sock))
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            for tell in list(on_end):
                tell(error)
    finally:
        caller.close_socket(sock)  # the program's close() is to be the last one


def _limit_s(sock: socket.socket) -> float:
    """Return how long connect() may block, 0 for as long as it takes."""
    seconds, microseconds = _TIMEVAL.unpack(
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.size)
    )
    return float(seconds + microseconds / 1e6)


def _ask_kernel(sock: socket.socket) -> int:
    """Return what connect(2) says of a socket that has been connecting: it goes nowhere."""
    return connect_here(sock.fileno(), _NOWHERE[socket.AddressFamily(sock.family)])


def _is_non_blocking(sock: socket.socket) -> bool:
    return bool(fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK)
