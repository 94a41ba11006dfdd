"""TLS within a chain: spoken with one hop, over whatever leads there.

A layer does no I/O. Its hop is verified in the handshake, before a byte of ours
is given to it.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Protocol

from proxywrap.errors import ProxyUnreachable, RemoteProtocolError, TimedOut, TruncatedError
from proxywrap.hopoptions import HopOptions
from proxywrap.uri import ProxyURI

__all__ = ["TlsIO", "TlsLayer", "begin_tls", "explained", "no_certificate_name", "tls_context"]

_CHUNK_BYTES = 1 << 16

MAX_OWN_BYTES = 1 << 18
"""What TLS may have to say for itself before there is a byte of an answer: certificates, tickets, keys."""

_ADVICE = {
    9: "is this host's clock right?",  # X509_V_ERR_CERT_NOT_YET_VALID
    10: "is this host's clock right?",  # X509_V_ERR_CERT_HAS_EXPIRED
    18: "give it as ca=FILE if you trust it",  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
    19: "give its authority's certificate as ca=FILE",  # X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
    20: "give its authority's certificate as ca=FILE",  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    62: "write the name that it has",  # X509_V_ERR_HOSTNAME_MISMATCH
    64: "write the name that it has",  # X509_V_ERR_IP_ADDRESS_MISMATCH
}
"""What to do about a certificate, by OpenSSL's code."""

_IS_IT_PLAIN = "is it a plain proxy, to be written http:// or socks5://?"

_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
}


class Below(Protocol):
    """What a layer lies on: a socket, or another layer."""

    async def receive(self, size: int) -> bytes:
        """Return what has come, nothing at the end."""

    async def send_all(self, data: bytes) -> None:
        """Send all of it, to which there is an answer."""

    async def send_on(self, data: bytes) -> None:
        """Send all of it, which gives the peer no more time for its answer."""


class TlsLayer:
    """One TLS connection, as bytes."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self.has_ended = False
        """Whether the peer has said that nothing more will come."""

    def shake(self) -> bool:
        """Go on with the handshake; return whether it is done.

        Raises:
            ssl.SSLError: it has failed.

        """
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def decrypt(self, data: bytes) -> bytes:
        """Return what came in ciphertext.

        Raises:
            ssl.SSLError: it was none.

        """
        self._incoming.write(data)
        pieces = []
        try:
            while piece := self._object.read(_CHUNK_BYTES):
                pieces.append(piece)
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True
        return b"".join(pieces)

    def feed(self, data: bytes) -> None:
        """Take ciphertext of the handshake."""
        self._incoming.write(data)

    def encrypt(self, data: bytes) -> bytes:
        """Return the ciphertext, behind what the layer itself has to say."""
        if data:
            self._object.write(data)
        return self._outgoing.read()

    def end(self) -> bytes:
        """Return what tells the peer that nothing more will come."""
        with suppress(ssl.SSLError):  # it wants the peer's own end, which may come later
            self._object.unwrap()
        return self._outgoing.read()


class TlsIO:
    """A layer and what it lies on, for flows and for another layer."""

    def __init__(self, below: Below, layer: TlsLayer) -> None:
        self._below = below
        self._layer = layer
        self.pending = b""
        """What has come and was not asked for yet; of several layers only the last has any."""

    @property
    def layers(self) -> Sequence[TlsLayer]:
        """All layers, that next to the socket first."""
        below = self._below.layers if isinstance(self._below, TlsIO) else ()
        return (*below, self._layer)

    async def shake_hands(self) -> None:
        """Verify the peer.

        Raises:
            ssl.SSLError: it is not the one that it should be.
            TruncatedError: it closed.

        """
        send, left = self._below.send_all, MAX_OWN_BYTES
        while not self._layer.shake():
            await send(self._layer.encrypt(b""))
            send = self._below.send_on  # the handshake is one answer
            data = await self._receive_below()
            if not data:
                raise TruncatedError("expected a TLS handshake, but the connection was closed")
            self._layer.feed(data)
            left = _less(left, data)
        await self._below.send_on(self._layer.encrypt(b""))

    def hear(self, data: bytes) -> bool:
        """Take ciphertext that nobody has asked for; tell whether it was TLS's own affair: a ticket, a key.

        What there is to say to it goes out with what is sent next.

        Raises:
            ssl.SSLError: it was none.

        """
        self.pending += self._layer.decrypt(data)
        return not (self.pending or self._layer.has_ended)

    async def send_all(self, data: bytes) -> None:
        """Send all of `data`, to which there is an answer."""
        await self._below.send_all(self._layer.encrypt(data))

    async def send_on(self, data: bytes) -> None:
        """Send all of `data`, which gives the peer no more time for its answer."""
        await self._below.send_on(self._layer.encrypt(data))

    async def receive(self, size: int) -> bytes:
        """Return what has come, nothing at the end.

        Raises:
            ProxyUnreachable: the peer has given TLS up.

        """
        await self._wait()
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    async def receive_all(self) -> bytes:
        """Return all that has come, nothing at the end.

        Raises:
            ProxyUnreachable: the peer has given TLS up.

        """
        await self._wait()
        data, self.pending = self.pending, b""
        return data

    async def _wait(self) -> None:
        """Wait until something is pending, or the end."""
        left = MAX_OWN_BYTES
        while not self.pending and not self._layer.has_ended:
            data = await self._receive_below()
            if not data:
                break
            try:
                self.pending += self._layer.decrypt(data)
            except ssl.SSLError as exc:
                raise explained(exc) from exc
            left = _less(left, data)
            await self._below.send_on(self._layer.encrypt(b""))

    async def _receive_below(self) -> bytes:
        # Whatever a layer below kept would be lost to the relay, which goes on with the last one's `pending`.
        if isinstance(self._below, TlsIO):
            return await self._below.receive_all()
        return await self._below.receive(_CHUNK_BYTES)

    async def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes.

        Raises:
            TruncatedError: the peer closed before the last of them.

        """
        data = b""
        while len(data) < size:
            more = await self.receive(size - len(data))
            if not more:
                raise TruncatedError(
                    f"expected {size} bytes, got {len(data)} before the connection closed", received=len(data)
                )
            data += more
        return data

    async def read_until(self, delimiter: bytes, limit: int) -> bytes:
        """Read up to and including `delimiter`.

        Raises:
            RemoteProtocolError: `limit` bytes came without it.
            TruncatedError: the peer closed before it.

        """
        data = b""
        while len(data) < limit:
            more = await self.receive(limit - len(data))
            if not more:
                raise TruncatedError(
                    f"expected {delimiter!r}, got {len(data)} bytes before the connection closed",
                    received=len(data),
                )
            data += more
            head, found, rest = data.partition(delimiter)
            if found:
                self.pending = rest + self.pending
                return head + found
        raise RemoteProtocolError(f"expected {delimiter!r} within {limit} bytes")


def _less(left: int, data: bytes) -> int:
    """Return how much TLS may still say for itself.

    Raises:
        ProxyUnreachable: that was too much.

    """
    if len(data) >= left:
        reason = f"sends more than {MAX_OWN_BYTES >> 10} KiB of TLS and no answer: is it a proxy?"
        raise ProxyUnreachable(reason, errno=errno.ECONNREFUSED)
    return left - len(data)


async def begin_tls(below: Below, hop: ProxyURI) -> TlsIO:
    """Speak TLS with a hop, to which the bytes of `below` lead already.

    Raises:
        ProxyUnreachable: it does not, or is not the one that it should be.

    """
    assert hop.has_tls  # noqa: S101 - asked of those that speak TLS only
    try:
        layer = TlsLayer(tls_context(hop.options), str(hop.host))
    except UnicodeError as exc:
        raise ProxyUnreachable(no_certificate_name(exc), errno=errno.EHOSTUNREACH) from exc
    tls = TlsIO(below, layer)
    try:
        await tls.shake_hands()
    except ssl.SSLError as exc:
        raise explained(exc) from exc
    except TimedOut as exc:
        reason = f"{exc.reason} in the TLS handshake: {_IS_IT_PLAIN}"
        raise ProxyUnreachable(reason, errno=exc.errno) from exc
    except (TruncatedError, ConnectionResetError, BrokenPipeError) as exc:
        reason = f"hung up in the TLS handshake: {_IS_IT_PLAIN}"
        raise ProxyUnreachable(reason, errno=errno.ECONNREFUSED) from exc
    return tls


def no_certificate_name(exc: UnicodeError) -> str:
    """Return what is wrong with a name that TLS cannot be spoken with."""
    return f"its name is none that a certificate can have ({exc}): is it spelt right?"


@cache
def tls_context(options: HopOptions) -> ssl.SSLContext:
    """Return how TLS is spoken with those options.

    Raises:
        ProxyUnreachable: its file is of no use.

    """
    try:
        context = ssl.create_default_context(cafile=options.ca)
    except OSError as exc:  # ssl.SSLError is one
        reason = f"its ca={options.ca} cannot be used: {exc.strerror or exc}: expected certificates in PEM"
        raise ProxyUnreachable(reason, errno=errno.ECONNREFUSED) from exc
    if options.is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def explained(exc: ssl.SSLError) -> ProxyUnreachable:
    """Return what an error of OpenSSL's means for a hop, and what to do."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        what = exc.verify_message.removesuffix(".")
        advice = _ADVICE.get(exc.verify_code, "ask whoever runs it")
        reason = f"its certificate is not accepted: {what}: {advice}"
    elif exc.reason in _NOT_TLS:
        reason = f"does not speak TLS: {_IS_IT_PLAIN}"
    else:
        what = (exc.reason or str(exc)).replace("_", " ").lower()
        reason = f"TLS has failed: {what}: may you use it?"
    return ProxyUnreachable(reason, errno=errno.ECONNREFUSED)
