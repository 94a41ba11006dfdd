"""Layers of TLS over one another, as bytes: nothing that has come is left behind in one of them."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from proxywrap.hopoptions import HopOptions
from proxywrap.net.tls import TlsIO, TlsLayer, tls_context

from .certificates import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REPLY = bytes(8)
BANNER = bytes(range(256)) * 280
"""More than is read at once."""


class Peer:
    """The server's end of a layer."""

    def __init__(self, pem: Path) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def shake_hands(self, layer: TlsLayer) -> None:
        """Finish the handshake with the client's end; its tickets are still to be sent."""
        is_done = False
        while not is_done:
            is_done = layer.shake()
            self._incoming.write(layer.encrypt(b""))
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                layer.feed(self._outgoing.read())

    def encrypt(self, data: bytes) -> bytes:
        """Return the ciphertext of `data`."""
        self._object.write(data)
        return self._outgoing.read()


class Pieces:
    """A socket that has these bytes, and takes all."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = list(pieces)

    async def receive(self, size: int) -> bytes:
        """Return what comes at a time."""
        data = self._pieces.pop(0)
        if len(data) > size:
            self._pieces.insert(0, data[size:])
        return data[:size]

    async def send_all(self, data: bytes) -> None:
        """Take it."""

    async def send_on(self, data: bytes) -> None:
        """Take it."""

    def rest(self) -> bytes:
        """Return what nobody has asked for."""
        return b"".join(self._pieces)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("first", [1, 1000, 16000, 16500, 1 << 20])
def test_what_comes_with_the_reply_is_handed_on(tmp_path: Path, depth: int, first: int) -> None:
    """In whatever pieces it comes: a relay has it all by the last layer, and by what it reads itself."""
    certificates = make_certificates(tmp_path, "localhost")
    layers: list[TlsLayer] = []
    data = REPLY + BANNER
    for _ in range(depth):
        peer, layer = (
            Peer(certificates.right),
            TlsLayer(tls_context(HopOptions(ca=str(certificates.ca))), "localhost"),
        )
        peer.shake_hands(layer)
        data = peer.encrypt(data)
        layers.insert(0, layer)

    async def scenario() -> bytes:
        below = Pieces([data[:first], data[first:]])
        io = TlsIO(below, layers[0])
        for layer in layers[1:]:
            io = TlsIO(io, layer)
        assert await io.read_exactly(len(REPLY)) == REPLY
        rest = below.rest()
        for layer in layers:
            rest = layer.decrypt(rest)
        return io.pending + rest

    assert asyncio.run(scenario()) == BANNER
