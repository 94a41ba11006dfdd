"""All that the helper relays, until the last byte is on its way.

A program that has closed its socket and ended is not waited for by anybody but
the kernel, which goes on to deliver what it has; so does the helper.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from proxywrap.net.carrier import Carrier
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.way import Way

__all__ = ["Relays"]


class Relays:
    """The relays of one helper.

    Args:
        tunnels: those that some of the ways lead through.

    """

    def __init__(self, tunnels: Tunnels) -> None:
        self.tunnels = tunnels
        self._carriers: set[Carrier] = set()
        self._has_changed = asyncio.Event()
        self._is_cut = False

    def add(self, partner: socket.socket, way: Way) -> None:
        """Relay between an application's partner and its way, both of them the relay's from here on."""
        has_ended = False
        made: list[Carrier] = []

        def end() -> None:
            nonlocal has_ended
            has_ended = True
            self._carriers.difference_update(made)
            self._has_changed.set()

        carrier = way.relay(partner, end)
        if not has_ended:  # as one does at once whose way has broken by now
            made.append(carrier)
            carrier.on_sent = self._has_changed.set
            self._carriers.add(carrier)

    async def close(self, limit_s: float) -> None:
        """Wait until what the applications have sent is on its way, so long or until `cut`; end all."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + limit_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                while not (self._is_cut or all(carrier.has_sent_all for carrier in self._carriers)):
                    self._has_changed.clear()
                    await self._has_changed.wait()
        for carrier in list(self._carriers):
            carrier.close() if carrier.has_sent_all else carrier.abort()
        if self._is_cut:
            self.tunnels.kill()
        await self.tunnels.close(max(0.0, until_s - loop.time()))

    def cut(self) -> None:
        """Have `close` wait no longer."""
        self._is_cut = True
        self._has_changed.set()
        self.tunnels.kill()
