"""Proxies tried, each step timed, by sockets of our own: for `proxywrapctl check`.

A walk goes through proxies in their order and asks the last one for a
destination. What stops it is its result, not an error.
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from proxywrap.address import Endpoint
from proxywrap.errors import LocalProtocolError, ProtocolError, ProxyRefused, ProxyUnreachable, TruncatedError
from proxywrap.net.connector import Deadlines
from proxywrap.net.driver import run
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import ANSWERS_EACH
from proxywrap.net.probessh import Streams, open_tunnel, place_of
from proxywrap.net.stream import StreamIO
from proxywrap.net.tls import explained, no_certificate_name, tls_context
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.walking import Step, Stop, StopKind, Walk
from proxywrap.protocol.effects import Flow
from proxywrap.protocol.handshake import client_handshake
from proxywrap.protocol.isolation import UNASKED, Isolation
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["Stop", "StopKind", "Walk", "blame_next", "open_first", "walk"]


_NO_PROXY = ("HTTP 400", "HTTP 404", "HTTP 405", "HTTP 501")
"""What a web server that is no proxy says to CONNECT."""


class _RoundIO(StreamIO):
    """A stream that notes how long each round took, from what is sent to the last of the answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, read_s: float) -> None:
        super().__init__(reader, writer)
        self.rounds_s: list[float] = []
        self._read_s = read_s
        self._began_s = 0.0
        self._over_by_s = time.monotonic() + ANSWERS_EACH * read_s

    async def send_all(self, data: bytes) -> None:
        """Begin a round."""
        self._began_s = time.monotonic()
        self.rounds_s.append(0.0)
        await super().send_all(data)

    async def read_exactly(self, size: int) -> bytes:
        """Read, within the time that a proxy has for its answer."""
        async with asyncio.timeout(self._left_s()):
            data = await super().read_exactly(size)
        self._note()
        return data

    async def read_until(self, delimiter: bytes, limit: int) -> bytes:
        """Read, within the time that a proxy has for its answer."""
        async with asyncio.timeout(self._left_s()):
            data = await super().read_until(delimiter, limit)
        self._note()
        return data

    def _left_s(self) -> float:
        return max(min(self._began_s + self._read_s, self._over_by_s) - time.monotonic(), 0)

    def _note(self) -> None:
        if self.rounds_s:
            self.rounds_s[-1] = time.monotonic() - self._began_s


async def walk(
    hops: Sequence[ProxyURI],
    destination: Endpoint,
    deadlines: Deadlines,
    names: HopNames,
    tunnels: Tunnels,
    isolation: Isolation = UNASKED,
) -> Walk:
    """Go through `hops` and ask the last one for `destination`.

    Args:
        hops: one at least.
        destination: an address or a name; a connection to it is closed at once.
        deadlines: for the first one, and for each answer.
        names: looks the first one's up.
        tunnels: lead through those that are SSH servers.
        isolation: on whose behalf.

    """
    found = Walk()
    streams: Streams | None = None
    async with AsyncExitStack() as stack:
        for at, hop in enumerate(hops):
            found.arrive(at)
            next_hop = hops[at + 1] if at + 1 < len(hops) else None
            target = await place_of(next_hop, destination, tunnels)
            opened: Streams | Stop
            if isinstance(target, Stop):
                opened = target
            elif hop.scheme is Scheme.SSH:
                opened = await open_tunnel(hops[: at + 1], target, deadlines, names, tunnels, found)
            else:
                opened = streams or await _open(hop, deadlines.connect_s, names, found)
            if isinstance(opened, Stop):
                found.stop = opened
            elif opened is not streams:
                streams = opened
                stack.push_async_callback(_close, opened[1])
            if streams and hop.scheme is not Scheme.SSH and isinstance(target, Endpoint):
                flow = client_handshake(hop, target, isolation)
                found.stop = await _go_through(hop, flow, streams, deadlines.read_s, found)
            if found.stop is not None:
                if next_hop is not None and found.stop.kind is StopKind.ANSWER:
                    blame_next(found, next_hop)
                elif found.stop.hop != hop:
                    found.arrive(hops.index(found.stop.hop))
                break
    return found


def blame_next(found: Walk, next_hop: ProxyURI) -> None:
    """Take what a proxy says of the next one for a stop at that one."""
    assert found.stop is not None  # noqa: S101 - it was stopped
    says = f"cannot be reached, says {found.stop.hop}: {found.stop.reason}"
    reason = f"{says}: is that its address as seen from there?"
    found.stop = Stop(next_hop, StopKind.UNREACHABLE, reason, found.stop.errno)
    found.arrive(found.at + 1)


async def _open(hop: ProxyURI, limit_s: float, names: HopNames, found: Walk) -> Streams | Stop:
    try:
        return await open_first(hop, limit_s, names, found)
    except ProxyUnreachable as exc:
        return Stop(hop, StopKind.NO_NAME, exc.reason, exc.errno)
    except OSError as exc:
        return _connect_stop(hop, exc, limit_s)


async def _go_through(
    hop: ProxyURI, flow: Flow[None], streams: Streams, limit_s: float, found: Walk
) -> Stop | None:
    """Speak with a proxy as `flow` does; return what stopped that."""
    reader, writer = streams
    if hop.has_tls:
        stop = await _begin_tls(hop, writer, limit_s, found)
        if stop is not None:
            return stop
    return await _shake_hands(hop, flow, _RoundIO(reader, writer, limit_s), found)


async def open_first(
    hop: ProxyURI, limit_s: float, names: HopNames, found: Walk
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a proxy, at the first of its addresses that answers.

    Raises:
        ProxyUnreachable: its name is unknown.
        OSError: as the kernel said; TimeoutError after the limit.

    """
    began_s = time.monotonic()
    async with asyncio.timeout(limit_s):
        if hop.path is not None:
            unix = await asyncio.open_unix_connection(hop.path)
            found.steps.append(Step(hop, "connect", time.monotonic() - began_s))
            return unix
        addresses = [hop.host]
        if isinstance(hop.host, str):
            addresses = [*await names.addresses(hop.host)]
            found.steps.append(Step(hop, "look-up", time.monotonic() - began_s))
        began_s = time.monotonic()
        for address in addresses[:-1]:
            try:
                streams = await asyncio.open_connection(str(address), hop.port)
            except OSError:
                continue
            break
        else:
            streams = await asyncio.open_connection(str(addresses[-1]), hop.port)
    found.steps.append(Step(hop, "connect", time.monotonic() - began_s))
    return streams


async def _begin_tls(hop: ProxyURI, writer: asyncio.StreamWriter, limit_s: float, found: Walk) -> Stop | None:
    """Speak TLS from here on; return what stopped that."""
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(limit_s):
            await writer.start_tls(tls_context(hop.options), server_hostname=str(hop.host))
    except ssl.SSLCertVerificationError as exc:
        return Stop(hop, StopKind.CERTIFICATE, explained(exc).reason, errno.ECONNREFUSED)
    except ssl.SSLError as exc:
        return Stop(hop, StopKind.FOREIGN, explained(exc).reason, errno.ECONNREFUSED)
    except ProxyUnreachable as exc:
        return Stop(hop, StopKind.CERTIFICATE, exc.reason, exc.errno)
    except UnicodeError as exc:
        return Stop(hop, StopKind.CERTIFICATE, no_certificate_name(exc), errno.EHOSTUNREACH)
    except OSError as exc:
        if isinstance(exc, TimeoutError):
            kind, what = StopKind.SILENT, "does not answer in time"
        else:
            kind, what = StopKind.CLOSED, "closes the connection in the TLS handshake"
        return Stop(hop, kind, what, _errno(exc))
    found.steps.append(Step(hop, "TLS", time.monotonic() - began_s))
    return None


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _shake_hands(hop: ProxyURI, flow: Flow[None], io: _RoundIO, found: Walk) -> Stop | None:
    """Ask a proxy for what the flow does; return what stopped that."""
    stop = await _stop_of(hop, flow, io)
    count = len(io.rounds_s)
    names = ["request"] * count
    if hop.scheme.startswith("socks5") and not hop.options.is_pipelined:
        is_at_password = stop is not None and stop.kind is StopKind.WRONG_PASSWORD
        second = ["password"] if count == 3 or is_at_password else []
        names = ["methods", *second, "request"][:count]
    found.steps += [Step(hop, *each) for each in zip(names, io.rounds_s, strict=True)]
    return stop


async def _stop_of(hop: ProxyURI, flow: Flow[None], io: _RoundIO) -> Stop | None:
    try:
        await run(flow, io)
    except ProxyRefused as exc:
        return Stop(hop, _refusal(hop, exc), exc.reason, exc.errno)
    except LocalProtocolError as exc:
        return Stop(hop, StopKind.IMPOSSIBLE, exc.reason, exc.errno)
    except (TruncatedError, ConnectionError) as exc:
        return Stop(hop, StopKind.CLOSED, "closes the connection in the middle of the handshake", _errno(exc))
    except ProtocolError as exc:
        return Stop(hop, StopKind.FOREIGN, str(exc), exc.errno)
    except TimeoutError as exc:
        return Stop(hop, StopKind.SILENT, "does not answer in time", _errno(exc))
    return None


def _refusal(hop: ProxyURI, exc: ProxyRefused) -> StopKind:
    """Tell what a proxy refuses: us, or the destination."""
    has_password = hop.username is not None or hop.options.isolate is not None
    about_us = StopKind.WRONG_PASSWORD if has_password else StopKind.NO_PASSWORD
    if hop.scheme.startswith("socks5"):
        if exc.is_authentication:
            is_about_method = "were refused" not in exc.reason and hop.options.isolate is None
            return StopKind.RULES if has_password and is_about_method else about_us
    elif exc.reason.startswith(("HTTP 401", "HTTP 407")) or "CD 93" in exc.reason:
        return about_us
    elif exc.reason.startswith(_NO_PROXY):
        return StopKind.FOREIGN
    return StopKind.ANSWER if exc.is_destination_fault else StopKind.RULES


def _connect_stop(hop: ProxyURI, exc: OSError, limit_s: float) -> Stop:
    if isinstance(exc, TimeoutError) and exc.errno is None:
        reason = f"cannot be connected to within {limit_s:g} s"
        return Stop(hop, StopKind.UNREACHABLE, reason, _errno(exc))
    kind = StopKind.REFUSED if isinstance(exc, ConnectionRefusedError) else StopKind.UNREACHABLE
    what = os.strerror(exc.errno) if exc.errno else str(exc)
    return Stop(hop, kind, f"cannot be connected to: {what}", _errno(exc))


def _errno(exc: BaseException) -> int:
    error = getattr(exc, "errno", None)
    return error if isinstance(error, int) else 0
