"""A lent socket: the application's own, worked on and given back.

Theory of operation
-------------------

The application and the helper hold descriptors of the *same* open socket, so
whatever is done to it here the application sees:

- O_NONBLOCK is left alone. Every call has MSG_DONTWAIT and MSG_NOSIGNAL. Since
  connect() has no such option, a blocking socket is connected by a zero-length
  `sendto(MSG_FASTOPEN)`; where that is not to be had, a send timeout of a clock
  tick bounds the wait.
- Not a byte more is read than a reply has: the next one is the application's.
- Options that stall a handshake are cleared for its duration.
- The copy is closed, and out of the event loop, before the application learns
  of the outcome: its own close() must be the last one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from proxywrap.errors import ProxyUnreachable, RemoteProtocolError, TruncatedError
from proxywrap.net.native import disconnect

if TYPE_CHECKING:
    import asyncio  # which comes after the first lent sockets: they set out without it

__all__ = ["LentSocket"]

_NOW = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)  # a number: joining two flags takes microseconds
_PEEK = int(_NOW | socket.MSG_PEEK)
_TCP_CLOSE, _TCP_LISTEN = 7, 10  # net/tcp_states.h
_TCP_FASTOPEN_CONNECT = 30  # linux/tcp.h
_IPPROTO_MPTCP = 262  # linux/in.h; socket has it from Python 3.12 on
_IFNAMSIZ = 16  # net/if.h
_ONE_TICK = struct.pack("ll", 0, 1)  # struct timeval; the kernel rounds up to a tick

_STALLING = (
    (socket.IPPROTO_TCP, _TCP_FASTOPEN_CONNECT, 0),  # the SYN would wait for the first byte
    (socket.IPPROTO_TCP, socket.TCP_CORK, 0),  # a request would wait for more
    (socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1),  # a reply would wait for more
)

_NO_FASTOPEN = {
    errno.EOPNOTSUPP,  # net.ipv4.tcp_fastopen
    errno.ENETUNREACH,  # the shim of a wrapper around this one; the kernel will say it again
}

SockAddr = tuple[str, int] | tuple[str, int, int, int]


class LentSocket:
    """A TCP socket received from an application; a `ByteIO` for flows.

    Args:
        fd: a descriptor of the socket, owned by the object from here on.
        read_timeout_s: how long one read or write waits for the peer.

    """

    def __init__(self, fd: int, *, read_timeout_s: float = 15) -> None:
        self._sock = socket.socket(fileno=fd)
        self.family = self._sock.family
        self.inode = os.fstat(fd).st_ino
        self.read_timeout_s = read_timeout_s
        self._saved: list[tuple[int, int, int]] = []
        self._begun: int | None = None

    @property
    def is_tcp(self) -> bool:
        """Whether it is the kind of socket that can be lent."""
        return (
            self.family in {socket.AF_INET, socket.AF_INET6}
            and self._sock.type == socket.SOCK_STREAM
            and self._sock.proto in {socket.IPPROTO_TCP, _IPPROTO_MPTCP}
        )

    # -- life --------------------------------------------------------------

    def clear_options(self) -> None:
        """Clear the options that would stall a handshake; `restore_options` undoes it."""
        for level, name, neutral in _STALLING:
            try:
                value = self._sock.getsockopt(level, name)
            except OSError:  # a kernel or a protocol that does not have it
                continue
            if value != neutral:
                self._sock.setsockopt(level, name, neutral)
                self._saved.append((level, name, value))

    def restore_options(self) -> None:
        """Put the application's options back.

        What a connected socket does not take (TCP_FASTOPEN_CONNECT) means
        nothing to it either, and is put back when it is disconnected.
        """
        refused = []
        for option in self._saved:
            try:
                self._sock.setsockopt(*option)
            except OSError:
                refused.append(option)
        self._saved = refused

    def close(self) -> None:
        """Close our copy of the descriptor; the application's stays open."""
        self._sock.close()

    def make_fresh(self) -> None:
        """Undo what an attempt has left behind that ended while its application gave it up.

        Raises:
            OSError: as connect(2).

        """
        state = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if self._begun is None and state not in {_TCP_CLOSE, _TCP_LISTEN}:
            self.disconnect()

    def disconnect(self) -> None:
        """Leave the socket unconnected, whatever state it was in.

        Raises:
            OSError: as connect(2).

        """
        self._begun = None
        disconnect(self._sock.fileno())
        # The kernel notes an ECONNRESET for what it has broken off.
        self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.restore_options()

    # -- connecting ----------------------------------------------------------

    def sockaddr(self, address: IPv4Address | IPv6Address, port: int, scope_id: int = 0) -> SockAddr | None:
        """Return the address as this socket takes it, None where it cannot.

        An IPv6 socket reaches IPv4 by way of ::ffff:a.b.c.d, unless IPV6_V6ONLY.
        """
        if self.family == socket.AF_INET:
            return (str(address), port) if address.version == 4 else None
        if address.version == 6:
            return (str(address).partition("%")[0], port, 0, scope_id or _scope_of(address))
        if self._sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
            return None
        return (f"::ffff:{address}", port, 0, 0)

    def begin(self, sockaddr: SockAddr) -> None:
        """Begin, without an event loop, what `connect` with the same address goes on with.

        Raises:
            OSError: as connect(2); nothing was begun.

        """
        self.make_fresh()
        self.clear_options()
        self._begun = self._start(sockaddr)

    async def connect(self, sockaddr: SockAddr) -> None:
        """Connect the socket; no time limit but the kernel's.

        Raises:
            OSError: as connect(2).

        """
        error = self._start(sockaddr) if self._begun is None else self._begun
        self._begun = None
        if error == errno.EINPROGRESS:
            if not self._is_writable():  # a peer on this host has answered already
                await self._until_writable()
            error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))

    def start_failing(self, sockaddr: SockAddr) -> None:
        """Begin a connect that will be refused, so that poll shows a genuine error."""
        self.clear_options()
        self._start(sockaddr)
        self.restore_options()

    def _start(self, sockaddr: SockAddr) -> int:
        if _is_loopback(sockaddr[0]) and self._device() not in {b"", b"lo"}:
            return errno.ENETUNREACH  # the kernel would send it out by that device
        if not fcntl.fcntl(self._sock, fcntl.F_GETFL) & os.O_NONBLOCK:
            try:
                self._sock.sendto(b"", socket.MSG_FASTOPEN | _NOW, sockaddr)
            except OSError as exc:
                if exc.errno not in _NO_FASTOPEN:
                    return exc.errno or errno.ECONNREFUSED
            else:
                return 0
        with self._tick_limit():
            return self._sock.connect_ex(sockaddr)

    def _device(self) -> bytes:
        name = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _IFNAMSIZ)
        return name.partition(b"\0")[0]

    def _is_writable(self) -> bool:
        poll = select.poll()
        poll.register(self._sock, select.POLLOUT)
        return bool(poll.poll(0))

    @contextmanager
    def _tick_limit(self) -> Iterator[None]:
        """Bound connect() also where the application clears O_NONBLOCK just now.

        Python goes on waiting, without a limit, after a connect() that a signal
        has interrupted: none may come.
        """
        saved = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, len(_ONE_TICK))
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _ONE_TICK)
        try:
            yield
        finally:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, saved)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    # -- ByteIO --------------------------------------------------------------

    async def send_all(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            OSError: the connection is broken.
            ProxyUnreachable: the peer takes nothing for `read_timeout_s`.

        """
        view = memoryview(data)
        while view:
            try:
                sent = self._sock.send(view, _NOW)
            except BlockingIOError:
                await self._until_writable(self.read_timeout_s)
            else:
                view = view[sent:]

    async def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes and not one more.

        Raises:
            TruncatedError: the peer closed before the last of them.
            OSError: the connection is broken.
            ProxyUnreachable: the peer is silent for `read_timeout_s`.

        """
        data = b""
        while len(data) < size:
            more = await self._receive(size - len(data), _NOW)
            if not more:
                raise TruncatedError(f"expected {size} bytes, got {len(data)} before the connection closed")
            data += more
        return data

    async def read_until(self, delimiter: bytes, limit: int) -> bytes:
        """Read up to and including `delimiter` and not one byte more.

        Looks before it takes. Bytes that hold no delimiter yet are taken: they
        belong to the message, and the same ones are not looked at for ever.

        Raises:
            RemoteProtocolError: `limit` bytes came without it.
            TruncatedError: the peer closed before it.
            OSError: the connection is broken.
            ProxyUnreachable: the peer is silent for `read_timeout_s`.

        """
        data = b""
        while len(data) < limit:
            seen = await self._receive(limit - len(data), _NOW | socket.MSG_PEEK)
            if not seen:
                raise TruncatedError(
                    f"expected {delimiter!r}, got {len(data)} bytes before the connection closed"
                )
            end = (data + seen).find(delimiter)
            taken = len(seen) if end < 0 else end + len(delimiter) - len(data)
            data += await self._receive(taken, _NOW)
            if end >= 0:
                return data
        raise RemoteProtocolError(f"expected {delimiter!r} within {limit} bytes")

    async def _receive(self, size: int, flags: int) -> bytes:
        while True:
            try:
                return self._sock.recv(size, flags)
            except BlockingIOError:
                await self._until_readable()

    # -- waiting ---------------------------------------------------------------

    async def _until_readable(self) -> None:
        """Wait for `read_timeout_s` at most; afterwards the loop knows nothing of the socket."""
        await self._until(self.read_timeout_s, is_writable=False)

    async def _until_writable(self, limit_s: float | None = None) -> None:
        """Likewise; without a limit, for as long as the kernel tries."""
        await self._until(limit_s, is_writable=True)

    async def _until(self, limit_s: float | None, *, is_writable: bool) -> None:
        import asyncio  # noqa: PLC0415 - whoever waits has it

        # A timer of its own: asyncio.timeout() would be a tenth of a connect.
        loop, fd = asyncio.get_running_loop(), self._sock.fileno()
        ready = loop.create_future()
        timer = None if limit_s is None else loop.call_later(limit_s, _expire, ready, limit_s)
        (loop.add_writer if is_writable else loop.add_reader)(fd, _wake, ready)
        try:
            await ready
        finally:
            (loop.remove_writer if is_writable else loop.remove_reader)(fd)
            if timer is not None:
                timer.cancel()


def _expire(ready: asyncio.Future[None], limit_s: float) -> None:
    if not ready.done():
        reason = f"did not answer within {limit_s:g} s"
        ready.set_exception(ProxyUnreachable(reason, errno=errno.ETIMEDOUT))


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _is_loopback(host: str) -> bool:
    """Tell whether an address, of which there are few kinds, is this host's own."""
    return host.startswith(("127.", "::ffff:127.")) or host == "::1"


def _scope_of(address: IPv4Address | IPv6Address) -> int:
    """Return the number of the interface in fe80::1%eth0, 0 where none is named.

    Raises:
        OSError: there is no such interface.

    """
    zone = address.scope_id if isinstance(address, IPv6Address) else None
    if not zone:
        return 0
    return int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
