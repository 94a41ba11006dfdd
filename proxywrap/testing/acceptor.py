"""Accepts clients for a server that ends at any moment.

asyncio's own server makes the transport of a client a turn of the loop after
it was accepted, and fails an assertion if it was closed in between. Here a
client is the server's from the moment when it is accepted.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from ipaddress import ip_address

from proxywrap.address import Endpoint

__all__ = ["Acceptor"]

PAUSE_S = 1.0
"""How long none is accepted where no descriptor is left; asyncio's own figure."""

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Takes clients from a listener until it is closed.

    Args:
        listener: non-blocking; owned by the object from here on.
        take: gets each client, and owns it, and where it came from, HOST:PORT.

    """

    def __init__(self, listener: socket.socket, take: Callable[[socket.socket, str], None]) -> None:
        self._listener = listener
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._resume()

    def close(self) -> None:
        """Stop listening; whoever was not accepted is refused."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept_all)

    def _accept_all(self) -> None:
        while True:
            try:
                client, address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):  # none waits, or it has gone again
                return
            except OSError as exc:
                if exc.errno not in _EXHAUSTED:
                    raise
                self._loop.remove_reader(self._listener)
                self._pause = self._loop.call_later(PAUSE_S, self._resume)
                return
            client.setblocking(False)
            self._take(client, str(Endpoint(ip_address(address[0]), address[1])))
