"""Carries bytes between a socket and a way with layers of TLS, which the kernel cannot splice.

As `relay` does: a half-close is passed on, a reset too, and what nobody reads is
not asked for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from proxywrap.net.carrier import Carrier

if TYPE_CHECKING:
    from proxywrap.net.tls import TlsLayer  # imported where there is such a hop

__all__ = ["CopyingRelay"]

_CHUNK_BYTES = 1 << 17


class CopyingRelay(Carrier):
    """Copies from its making until both directions have ended; owns both sockets.

    Args:
        one: connected, non-blocking; the application's end.
        other: likewise.
        layers: what is spoken on `other`, that next to the socket first.
        begun: what has come by the way already.
        on_end: called once, when both are closed.

    """

    def __init__(
        self,
        one: socket.socket,
        other: socket.socket,
        layers: Sequence[TlsLayer],
        begun: bytes,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(one, other, on_end)
        self._layers = layers
        self._there = _Direction(self, one, other, self._encrypt, self._end)
        self._back = _Direction(self, other, one, self._decrypt, bytes)
        self.start(self._there, self._back)
        if any(layer.has_ended for layer in layers):
            self._back.end()
        # Not at once: who makes a carrier does not expect it to have ended.
        asyncio.get_running_loop().call_soon(self._back.put, begun)

    def _encrypt(self, data: bytes) -> bytes:
        for layer in reversed(self._layers):
            data = layer.encrypt(data)
        return data

    def _end(self) -> bytes:
        data = b""
        for layer in reversed(self._layers):
            data = (layer.encrypt(data) if data else b"") + layer.end()
        return data

    def _decrypt(self, data: bytes) -> bytes:
        for layer in self._layers:
            data = layer.decrypt(data)
        self._there.put(self._encrypt(b""))  # an answer of TLS's own
        if any(layer.has_ended for layer in self._layers):
            self._back.end()
        return data


class _Direction:
    """What comes from `source`, changed, goes to `sink`."""

    def __init__(
        self,
        carrier: Carrier,
        source: socket.socket,
        sink: socket.socket,
        change: Callable[[bytes], bytes],
        finish: Callable[[], bytes],
    ) -> None:
        self.has_ended = False
        self._carrier = carrier
        self._source = source
        self._sink = sink
        self._change = change
        self._finish = finish
        self._waiting = bytearray()
        self._is_ending = False
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Wait for something to come."""
        self._loop.add_reader(self._source, self._read)

    def stop(self) -> None:
        """Be called no more."""
        self._loop.remove_reader(self._source)
        self._loop.remove_writer(self._sink)
        self.has_ended = True

    def put(self, data: bytes) -> None:
        """Send `data` behind what waits."""
        if (data or self._is_ending) and not self.has_ended:
            self._waiting += data
            self._write()

    def end(self) -> None:
        """Ask for nothing any more: what was read last is the last."""
        self._is_ending = True

    def _read(self) -> None:
        try:
            data = self._source.recv(_CHUNK_BYTES)
            if data:
                self._waiting += self._change(data)
            else:
                self._is_ending = True
            if self._is_ending:
                self._waiting += self._finish()
        except BlockingIOError:
            return
        except OSError:  # ssl.SSLError is one
            self._carrier.abort()
            return
        self._write()

    def _wait_for_room(self) -> None:
        self._loop.remove_reader(self._source)
        self._loop.add_writer(self._sink, self._write)
        try:
            self._carrier.note_stall(self, self._source.fileno())
        except OSError:
            self._carrier.abort()

    def _write(self) -> None:
        """Send what waits; read on when all of it has gone."""
        try:
            while self._waiting:
                del self._waiting[: self._sink.send(self._waiting)]
        except BlockingIOError:
            self._wait_for_room()
            return
        except OSError:
            self._carrier.abort()
            return
        self._loop.remove_writer(self._sink)
        if self.has_ended:
            return
        if not self._is_ending:
            self._loop.add_reader(self._source, self._read)
            return
        self._loop.remove_reader(self._source)
        self.has_ended = True
        try:
            self._sink.shutdown(socket.SHUT_WR)
            self._carrier.note_end(self._source.fileno())
        except OSError:
            self._carrier.abort()
