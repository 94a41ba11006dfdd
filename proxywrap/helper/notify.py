"""The supervisor of programs that the shim cannot enter: answers their system calls.

Theory of operation
-------------------

A seccomp filter stops the calls that can reach a network, and their threads
wait until they are answered here (seccomp_unotify(2)). The helper takes the
socket itself (pidfd_getfd(2)) and a copy of the arguments, and goes by the
*socket's* family and kind, not by what the address says. What is about an inet
socket is carried out here, on that very socket, and never by the program: its
memory may change between our look and the kernel's. AF_UNIX and netlink sockets
lead to this host only; there the kernel goes on.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Mapping

from proxywrap import refusals
from proxywrap.events import Blocked, Note
from proxywrap.helper.attempt import Attempts
from proxywrap.helper.caller import Caller, Gone
from proxywrap.helper.context import Context, Spawn
from proxywrap.helper.guide import Guide
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.messages import read_message, read_names, read_sendto
from proxywrap.helper.options import Options
from proxywrap.helper.outside import look_at_connect
from proxywrap.helper.parked import ParkedConnects
from proxywrap.helper.patience import Patience
from proxywrap.helper.tcpcalls import TcpCalls
from proxywrap.helper.transfers import Transfers
from proxywrap.helper.udpcalls import UdpCalls
from proxywrap.net.dnsserver import DnsServer
from proxywrap.net.native import disconnect, os_error
from proxywrap.net.notification import PROBE, Call, Listener
from proxywrap.protocol.sockaddr import family_of, unix_path
from proxywrap.protocol.wire import BlockedKind, Op, RequestMessage

__all__ = ["Supervisor"]

BATCH = 64
"""Calls answered before others get their turn."""

LISTENER_SHARE = 4
"""The part of our descriptors that may be listeners: each program that is started under a filter has one."""

SWEEP_S = 0.25
"""How often we look for programs that have given up: nobody tells."""

SWEEP_SHARE = 10
"""The time between two looks, in lengths of a look, where there are thousands to be looked at."""

_BUFFERED = frozenset({Call.SENDTO, Call.RECVFROM})
_INET = frozenset({socket.AF_INET, socket.AF_INET6})
_LOCAL = frozenset({socket.AF_UNIX, socket.AF_NETLINK, socket.AF_ALG})
_TCP = (socket.SOCK_STREAM, socket.IPPROTO_TCP)
_UDP = (socket.SOCK_DGRAM, socket.IPPROTO_UDP)
_MPTCP = 262  # linux/in.h; socket has it from Python 3.12 on
_TYPE_MASK = 0xF

_RESOLVER_PLACES = tuple(
    prefix + place
    for prefix in (b"/run/", b"/var/run/")
    for place in (b"nscd/", b"systemd/resolve/", b"avahi-daemon/")
)


class Supervisor:
    """Answers all filtered programs of one helper.

    Args:
        context: what the sessions share.
        attempts: connects lent sockets.
        guide: connects a socket of ours.
        dns: where name servers seem to be.
        refusing: loopback addresses where nothing ever listens, by family.
        spawn: runs a coroutine.

    """

    def __init__(
        self,
        context: Context,
        attempts: Attempts,
        guide: Guide,
        dns: DnsServer,
        refusing: Mapping[int, tuple[str, int]],
        spawn: Spawn,
    ) -> None:
        ledger = Ledger()
        self._context = context
        context.has_room = self._has_room
        self._ledger = ledger
        self._patience = Patience(spawn)
        self._parked = ParkedConnects(context, guide, ledger, refusing, spawn)
        self._tcp = TcpCalls(context, attempts, self._parked, ledger, self._patience)
        self._udp = UdpCalls(context, dns, ledger)
        self._transfers = Transfers(self._udp, ledger, self._patience)
        self._options = Options(context)
        self._listeners: set[Listener] = set()
        self._loop = asyncio.get_running_loop()
        self._sweep: asyncio.TimerHandle | None = None

    def _has_room(self) -> bool:
        return len(self._listeners) < resource.getrlimit(resource.RLIMIT_NOFILE)[0] // LISTENER_SHARE

    def add(self, listener: int) -> None:
        """Answer the programs under the filter with that listener, which is owned from here on."""
        each = Listener(listener)
        self._listeners.add(each)
        self._loop.add_reader(listener, self._receive, each)

    def close(self) -> None:
        """Answer no more: the kernel says ENOSYS from now on."""
        if self._sweep is not None:
            self._sweep.cancel()
        for listener in list(self._listeners):
            self._drop(listener)
        self._parked.close()
        self._udp.close()

    # -- notifications -----------------------------------------------------------

    def _receive(self, listener: Listener) -> None:
        try:
            for _ in range(BATCH):
                notice = listener.receive()
                if notice is None:
                    break
                self._answer(Caller(listener, notice, self._context.closer))
        except EOFError:
            self._drop(listener)
        self._plan_sweep()

    def _drop(self, listener: Listener) -> None:
        self._loop.remove_reader(listener.fileno())
        self._listeners.discard(listener)
        listener.close()

    def _answer(self, caller: Caller) -> None:
        """Answer a call, or have somebody answer it later; whatever goes wrong is that program's error."""
        self._context.on_request()
        try:
            self._carry_out(caller)
        except Gone:
            pass
        except OSError as exc:
            caller.fail(exc.errno or errno.EACCES)
        except Exception as exc:  # noqa: BLE001 - one program's error must not end all others
            self._context.report(Note(f"cannot answer a system call: {exc!r} [pid {caller.thread}]"))
            caller.fail(errno.EACCES)

    def _carry_out(self, caller: Caller) -> None:
        match caller.call:
            case Call.SOCKET:
                self._refuse_socket(caller)
            case Call.OTHER:
                caller.fail(errno.ENOSYS)
            case Call.GETSOCKOPT if caller.integer(4) == PROBE:
                self._answer_probe(caller)
            case _:
                self._carry_out_on_descriptor(caller)

    def _carry_out_on_descriptor(self, caller: Caller) -> None:
        """Carry out a call on a descriptor; what is wrong with it is found in the kernel's order."""
        sockaddr = b""
        if caller.call in _BUFFERED:
            caller.check_buffer(caller.pointer(1), caller.pointer(2))
        taken = caller.take(caller.integer(0))
        try:
            if caller.call is Call.CONNECT:
                sockaddr = caller.read_sockaddr(caller.pointer(1), caller.integer(2))
            sock = socket.socket(fileno=taken)
        except BaseException:
            caller.close(taken)
            raise
        with caller.held_back():
            try:
                self._carry_out_on(sock, caller, sockaddr)
            finally:
                caller.close_socket(sock)

    def _carry_out_on(self, sock: socket.socket, caller: Caller, sockaddr: bytes) -> None:
        match caller.call:
            case Call.CONNECT:
                self._connect(caller, sock, sockaddr)
            case Call.SENDTO | Call.SENDMSG | Call.SENDMMSG:
                self._send(caller, sock)
            case Call.RECVFROM | Call.RECVMSG | Call.RECVMMSG:
                if not (_is(sock, _UDP) and self._transfers.receive(caller, sock)):
                    caller.go_on()
            case Call.GETSOCKOPT:
                if not (_is(sock, _TCP) and self._tcp.getsockopt(caller, sock)):
                    caller.go_on()
            case Call.SETSOCKOPT:
                self._options.set(caller, sock)
            case _:
                self._getpeername(caller, sock)

    def _answer_probe(self, caller: Caller) -> None:
        """Tell a process of ours that it is under our filter already: it knows our token."""
        token = caller.read(caller.pointer(3), len(self._context.token))
        if not self._context.has_token(token):
            raise os_error(errno.EBADF)
        caller.answer(PROBE)

    # -- calls on any socket -------------------------------------------------------

    def _connect(self, caller: Caller, sock: socket.socket, sockaddr: bytes) -> None:
        if _is(sock, _TCP) or _is(sock, _UDP):
            self._connect_inet(caller, sock, sockaddr)
        elif sock.family == socket.AF_UNIX and unix_path(sockaddr).startswith(_RESOLVER_PLACES):
            caller.fail(errno.ECONNREFUSED)  # C libraries ask there by themselves, then on port 53
        elif family_of(sockaddr) in {sock.family, socket.AF_UNSPEC}:
            if sock.family == socket.AF_UNIX:
                look_at_connect(self._context, caller, sock, os.fsdecode(unix_path(sockaddr)))
            _go_on_locally(caller, sock)
        else:
            caller.fail(errno.EINVAL)

    def _connect_inet(self, caller: Caller, sock: socket.socket, sockaddr: bytes) -> None:
        if len(sockaddr) < 2:
            raise os_error(errno.EINVAL)
        if family_of(sockaddr) == socket.AF_UNSPEC:
            self._parked.give_up(os.fstat(sock.fileno()).st_ino)
            self._ledger.forget(sock)
            disconnect(sock.fileno())
            caller.answer()
        elif _is(sock, _TCP):
            self._tcp.connect(caller, sock, sockaddr)
        else:
            self._udp.connect(caller, sock, sockaddr)

    def _send(self, caller: Caller, sock: socket.socket) -> None:
        if _is(sock, _TCP) or _is(sock, _UDP):
            self._transfers.send(caller, sock)
        elif all(family_of(name) == sock.family for name in read_names(caller)):
            _go_on_locally(caller, sock)
        else:
            # Other faults of the first message come before.
            is_plain = caller.call is Call.SENDTO
            first = read_sendto(caller) if is_plain else read_message(caller, caller.pointer(1), is_send=True)
            is_empty = sock.family == socket.AF_NETLINK and not first.size
            caller.fail(errno.ENODATA if is_empty else errno.EINVAL)

    def _getpeername(self, caller: Caller, sock: socket.socket) -> None:
        entry = self._ledger.find(sock) if sock.family in _INET else None
        if entry is None or not entry.peer:
            caller.go_on()
            return
        sock.getpeername()  # says whether it is connected still
        caller.write_sockaddr(caller.pointer(1), caller.pointer(2), entry.peer)
        caller.answer()

    def _refuse_socket(self, caller: Caller) -> None:
        """Answer socket(2) of a kind that the filter does not let pass."""
        family, kind, protocol = (caller.integer(at) for at in range(3))
        if family in _INET and kind & _TYPE_MASK == socket.SOCK_STREAM and protocol == _MPTCP:
            self._give_tcp(caller, family, kind)
            return
        request = RequestMessage(Op.BLOCKED, BlockedKind.SOCKET, family=family, port=kind, scope_id=protocol)
        self._context.report(Blocked(caller.process, *refusals.blocked(request)))
        caller.fail(errno.EPERM)

    @staticmethod
    def _give_tcp(caller: Caller, family: int, kind: int) -> None:
        """Give a TCP socket to who asks for MPTCP: what that is itself where its peer, a proxy, has none.

        Where we cannot make it, in another network namespace, most programs fall back to TCP themselves.
        """
        try:
            if not os.path.samefile(f"/proc/{caller.thread}/ns/net", "/proc/self/ns/net"):
                raise os_error(errno.EPROTONOSUPPORT)
            with socket.socket(family, socket.SOCK_STREAM | kind & socket.SOCK_NONBLOCK) as sock:
                caller.give(sock, os.O_CLOEXEC if kind & socket.SOCK_CLOEXEC else 0)
        except OSError as exc:
            caller.fail(errno.EMFILE if exc.errno == errno.EMFILE else errno.EPROTONOSUPPORT)

    # -- programs that have gone -----------------------------------------------------

    def _plan_sweep(self, rest_s: float = SWEEP_S) -> None:
        if self._sweep is None and not (self._patience.is_idle() and self._parked.is_idle()):
            self._sweep = self._loop.call_later(max(SWEEP_S, rest_s), self._look_after)

    def _look_after(self) -> None:
        began = self._loop.time()
        self._sweep = None
        self._patience.sweep()
        self._parked.sweep()
        self._plan_sweep(SWEEP_SHARE * (self._loop.time() - began))


def _is(sock: socket.socket, kind: tuple[int, int]) -> bool:
    return sock.family in _INET and (sock.type, sock.proto) == kind


def _go_on_locally(caller: Caller, sock: socket.socket) -> None:
    """Let the kernel carry out what leads to this host only, and nothing else.

    Another thread may put an inet socket in the place of this one before the
    kernel looks. That does no harm with an address of this socket's family,
    which is why calls with another come to nothing here.
    """
    if sock.family not in _LOCAL:
        raise os_error(errno.EPERM)
    caller.go_on()
