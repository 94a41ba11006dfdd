"""Where lent sockets are connected to us: those that cannot reach their proxy by themselves.

A listener on loopback takes exactly the connections that it expects, known by
the lent socket's own address. Whoever else calls is hung up on.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from proxywrap.net.blame import AttemptFailed
from proxywrap.net.lent import LentSocket
from proxywrap.net.namespace import namespace
from proxywrap.net.places import SockAddr

__all__ = ["Landing"]

_HOSTS: dict[int, IPv4Address | IPv6Address] = {
    socket.AF_INET: IPv4Address("127.0.0.1"),
    socket.AF_INET6: IPv6Address("::1"),
}

Own = tuple[str, int]


class Landing:
    """The listeners, one for each family, bound when first wanted.

    Args:
        limit_s: how long the kernel may take for a connection within itself.

    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._listeners: dict[int, socket.socket] = {}
        self._expected: dict[Own, asyncio.Future[socket.socket]] = {}

    def close(self) -> None:
        """Expect nobody any more."""
        for listener in self._listeners.values():
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        self._listeners.clear()

    def can_take(self, lent: LentSocket) -> bool:
        """Tell whether a lent socket, which is bound to nothing, can be connected to us."""
        try:
            self._place_for(lent)
        except OSError:
            return False
        return True

    async def take(self, lent: LentSocket) -> socket.socket:
        """Connect a lent socket to us; return its partner, non-blocking, the caller's.

        Args:
            lent: in any state; a failed attempt leaves it in any.

        Raises:
            AttemptFailed: it cannot be.

        """
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._take(lent)
        except OSError as exc:
            reason = (
                f"the program's socket cannot be connected to proxywrap: {exc.strerror or 'no answer'}: "
                "is it bound to a device, or in another network namespace?"
            )
            error = exc.errno or errno.ETIMEDOUT
            raise AttemptFailed(None, reason, errno=error, is_chain_fault=True) from exc

    async def _take(self, lent: LentSocket) -> socket.socket:
        lent.disconnect()
        sockaddr = self._place_for(lent)
        arrival: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        lent.begin(sockaddr)
        own = _plain(lent.own_address())
        self._expected[own] = arrival
        try:
            await lent.connect(sockaddr)
            return await arrival
        except BaseException:
            if arrival.done() and not arrival.cancelled():
                arrival.result().close()
            raise
        finally:
            del self._expected[own]
            lent.restore_options()

    def _place_for(self, lent: LentSocket) -> SockAddr:
        """Return where a socket can reach a listener.

        Raises:
            OSError: nowhere.

        """
        listener = self._listener_for(lent)
        host, port = listener.getsockname()[:2]
        sockaddr = lent.sockaddr(_HOSTS[listener.family], port)
        if sockaddr is None or lent.namespace() != namespace(listener):
            raise OSError(errno.ENETUNREACH, f"{host} is not to be reached")
        return sockaddr

    def _listener_for(self, lent: LentSocket) -> socket.socket:
        """Return one that the socket can reach: by IPv6 for an IPv6 one, unless it is bound to IPv4."""
        if lent.family == socket.AF_INET6 and not lent.own_address()[0].startswith("::ffff:"):
            with suppress(OSError):  # a host without IPv6
                return self._listener(socket.AF_INET6)
        return self._listener(socket.AF_INET)

    def _listener(self, family: socket.AddressFamily) -> socket.socket:
        if family not in self._listeners:
            listener = socket.create_server((str(_HOSTS[family]), 0), family=family, backlog=socket.SOMAXCONN)
            listener.setblocking(False)
            self._listeners[family] = listener
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)
        return self._listeners[family]

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, address = listener.accept()
        except OSError:  # it has gone again; or there is no descriptor, and the attempt's time runs
            return
        arrival = self._expected.get(_plain(address[:2]))
        if arrival is None or arrival.done():
            sock.close()
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        arrival.set_result(sock)


def _plain(own: Own) -> Own:
    """Return an address as an IPv4 listener sees it."""
    return own[0].removeprefix("::ffff:"), own[1]
