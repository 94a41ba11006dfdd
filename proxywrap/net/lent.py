"""A lent socket: the application's own, worked on and given back.

Theory of operation
-------------------

The application and the helper hold descriptors of the *same* open socket, so
whatever is done to it here the application sees:

- O_NONBLOCK is left alone. Every call has MSG_DONTWAIT and MSG_NOSIGNAL;
  `starting` has what does for connect().
- Not a byte more is read than a reply has: the next one is the application's.
- Options that stall a handshake are cleared for its duration (`stalling`).
- A proxy has a time for each answer as a whole, and for all of them together,
  however it spreads its bytes over it.
- The copy is closed, and out of the event loop, before the application learns
  of the outcome: its own close() must be the last one.
"""

from __future__ import annotations

import errno
import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from proxywrap.errors import RemoteProtocolError, TimedOut, TruncatedError
from proxywrap.net.device import has_device
from proxywrap.net.namespace import namespace
from proxywrap.net.native import disconnect, fail_connect
from proxywrap.net.places import SockAddr, sockaddr_for
from proxywrap.net.readiness import is_writable, until_readable, until_writable
from proxywrap.net.stalling import StallingOptions
from proxywrap.net.starting import start_connect
from proxywrap.net.tcpstate import TCP_CLOSE, TCP_LISTEN, tcp_state
from proxywrap.protocol.sockaddr import Place, pack_sockaddr

__all__ = ["LentSocket"]

_NOW = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)  # a number: joining two flags takes microseconds
_PEEK = int(_NOW | socket.MSG_PEEK)
ANSWERS_EACH = 2
"""A proxy's whole handshake may take as long as so many answers."""

_IPPROTO_MPTCP = 262  # linux/in.h; socket has it from Python 3.12 on


class LentSocket:
    """A TCP socket received from an application; a `ByteIO` for flows.

    Args:
        sock: owned by the object from here on.
        read_timeout_s: how long the peer may take for one answer, from what it was told last to the
            last byte.

    """

    def __init__(self, sock: socket.socket, *, read_timeout_s: float = 15) -> None:
        self._sock = sock
        self.family = sock.family
        self.read_timeout_s = read_timeout_s
        self._stalling = StallingOptions()
        self._begun: int | None = None
        self._answered_by_s = math.inf
        self._over_by_s = math.inf
        self.is_let_go: Callable[[], bool] = bool  # False: nobody gives the connect() up

    @property
    def inode(self) -> int:
        """By which the socket is known, whatever descriptors it has."""
        return os.fstat(self._sock.fileno()).st_ino

    @property
    def is_tcp(self) -> bool:
        """Whether it is the kind of socket that can be lent."""
        return (
            self.family in {socket.AF_INET, socket.AF_INET6}
            and self._sock.type == socket.SOCK_STREAM
            and self._sock.proto in {0, socket.IPPROTO_TCP, _IPPROTO_MPTCP}
        )

    @property
    def is_anywhere(self) -> bool:
        """Whether it is bound to neither an address nor a device, and not on its way yet."""
        is_bound = self.own_address() not in {("0.0.0.0", 0), ("::", 0)} or has_device(self._sock)
        return self._begun is None and not is_bound

    def fileno(self) -> int:
        """Return our descriptor of it."""
        return self._sock.fileno()

    def own_address(self) -> tuple[str, int]:
        """Return the address that it is bound to."""
        host, port = self._sock.getsockname()[:2]
        return host, port

    def namespace(self) -> int:
        """Return the number of its network namespace."""
        return namespace(self._sock)

    # -- life --------------------------------------------------------------

    def clear_options(self) -> None:
        """Clear the options that would stall a handshake; `restore_options` undoes it."""
        self._stalling.clear(self._sock)

    def restore_options(self) -> None:
        """Put the application's options back, those that the socket takes."""
        self._stalling.restore(self._sock)

    def close(self) -> None:
        """Close our copy of the descriptor; the application's stays open."""
        self._sock.close()

    def take(self) -> socket.socket:
        """Return the socket itself, to go on with; it is the caller's then."""
        return socket.socket(self.family, self._sock.type, self._sock.proto, fileno=self._sock.detach())

    def make_fresh(self) -> None:
        """Undo what an attempt has left behind that ended while its application gave it up.

        Raises:
            OSError: as connect(2).

        """
        if self._begun is None and tcp_state(self._sock) not in {TCP_CLOSE, TCP_LISTEN}:
            self.disconnect()

    def disconnect(self) -> None:
        """Leave the socket unconnected; one that listens by now is the application's affair again.

        Raises:
            OSError: as connect(2).

        """
        self._begun = None
        if self.family != socket.AF_UNIX and tcp_state(self._sock) == TCP_LISTEN:
            return
        disconnect(self._sock.fileno())
        # The kernel notes an ECONNRESET for what it has broken off.
        self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.restore_options()

    # -- connecting ----------------------------------------------------------

    def sockaddr(self, address: IPv4Address | IPv6Address, port: int, scope_id: int = 0) -> SockAddr | None:
        """Return the address as this socket takes it, as `sockaddr_for` does."""
        return sockaddr_for(self._sock, address, port, scope_id)

    def begin(self, sockaddr: SockAddr) -> None:
        """Begin, without an event loop, what `connect` with the same address goes on with.

        Raises:
            OSError: as connect(2); nothing was begun.

        """
        if self.is_let_go():
            return
        self.make_fresh()
        self.clear_options()
        self._begun = self._start(sockaddr)
        if self.is_let_go():
            self.disconnect()

    async def connect(self, sockaddr: SockAddr) -> None:
        """Connect the socket; no time limit but the kernel's.

        Who lets go of a connect() disconnects the socket then, in vain where
        it is connected a moment later: so it is looked at once more.

        Raises:
            OSError: as connect(2).
            CancelledError: the application has let go.

        """
        error = self._start(sockaddr) if self._begun is None else self._begun
        self._begun = None
        if self.is_let_go():
            import asyncio  # noqa: PLC0415 - whoever waits has it

            self.disconnect()
            raise asyncio.CancelledError
        if error == errno.EINPROGRESS:
            if not is_writable(self._sock):  # a peer on this host has answered already
                await until_writable(self._sock)
            error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))

    def _start(self, sockaddr: SockAddr) -> int:
        return start_connect(self._sock, sockaddr)

    def fail(self, sockaddr: SockAddr) -> None:
        """Leave the socket with a failed connect(), as poll(2) shows it.

        Args:
            sockaddr: on loopback, where nobody listens.

        Raises:
            OSError: as connect(2).

        """
        self._begun = None
        if has_device(self._sock):  # the kernel would send it out by that device
            self.disconnect()
            return
        self.clear_options()
        try:
            fail_connect(self._sock.fileno(), pack_sockaddr(Place(ip_address(sockaddr[0]), sockaddr[1])))
        finally:
            self.restore_options()

    def settle(self) -> None:
        """Have connect(2) say for a connected socket what it says after one that was waited for."""
        with suppress(OSError):  # the peer has gone
            self._sock.connect_ex(self._sock.getpeername())

    # -- ByteIO --------------------------------------------------------------

    def limit_handshakes(self, hops: int) -> None:
        """Have so many proxies say all that they have to say in a time of their own, from now on."""
        self._over_by_s = time.monotonic() + hops * ANSWERS_EACH * self.read_timeout_s

    def _left_s(self) -> float:
        """Return how long the answer that is waited for may still take.

        Raises:
            TimedOut: no longer.

        """
        left_s = min(self._answered_by_s, self._over_by_s) - time.monotonic()
        if left_s <= 0:
            raise TimedOut(self.read_timeout_s)
        return min(left_s, self.read_timeout_s)

    async def send_all(self, data: bytes) -> None:
        """Send all of `data`, to which there is an answer.

        Raises:
            OSError: the connection is broken.
            TimedOut: the peer does not take it within `read_timeout_s`.

        """
        self._answered_by_s = time.monotonic() + self.read_timeout_s
        await self.send_on(data)

    async def send_on(self, data: bytes) -> None:
        """Send all of `data`, which gives the peer no more time for what it is to answer.

        Raises:
            OSError: the connection is broken.
            TimedOut: the peer does not take it in time.

        """
        view = memoryview(data)
        while view:
            try:
                sent = self._sock.send(view, _NOW)
            except BlockingIOError:
                await until_writable(self._sock, self._left_s(), self.read_timeout_s)
            else:
                view = view[sent:]

    def receive_now(self, size: int, flags: int = _NOW) -> bytes | None:
        """Return what has come, `size` bytes at most, nothing at the end of the stream; None if nothing has.

        Raises:
            OSError: the connection is broken.

        """
        try:
            return self._sock.recv(size, flags)
        except BlockingIOError:
            return None

    async def receive(self, size: int) -> bytes:
        """Return what has come, `size` bytes at most, nothing at the end of the stream.

        Raises:
            OSError: the connection is broken.
            TimedOut: the peer does not answer within `read_timeout_s`.

        """
        return await self._receive(size, _NOW)

    async def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes and not one more.

        Raises:
            TruncatedError: the peer closed before the last of them.
            OSError: the connection is broken.
            TimedOut: the peer does not answer within `read_timeout_s`.

        """
        data = b""
        while len(data) < size:
            more = await self._receive(size - len(data), _NOW)
            if not more:
                raise TruncatedError(
                    f"expected {size} bytes, got {len(data)} before the connection closed", received=len(data)
                )
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
            TimedOut: the peer does not answer within `read_timeout_s`.

        """
        data = b""
        while len(data) < limit:
            seen = await self._receive(limit - len(data), _PEEK)
            if not seen:
                raise TruncatedError(
                    f"expected {delimiter!r}, got {len(data)} bytes before the connection closed",
                    received=len(data),
                )
            end = (data + seen).find(delimiter)
            taken = len(seen) if end < 0 else end + len(delimiter) - len(data)
            data += await self._receive(taken, _NOW)
            if end >= 0:
                return data
        raise RemoteProtocolError(f"expected {delimiter!r} within {limit} bytes")

    async def _receive(self, size: int, flags: int) -> bytes:
        left_s = self._left_s()
        while (data := self.receive_now(size, flags)) is None:
            await until_readable(self._sock, left_s, self.read_timeout_s)
            left_s = self._left_s()
        return data
