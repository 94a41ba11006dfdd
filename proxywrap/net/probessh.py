"""SSH servers tried, for `proxywrapctl check`: by the same ssh as a connection goes through.

What leads to a server is made anew for it, for ssh wants a socket, and no stream
that has read ahead.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from itertools import pairwise

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyRefused, ProxyUnreachable, TimedOut, TruncatedError
from proxywrap.net.blame import AttemptFailed
from proxywrap.net.connector import Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.sshlog import HostKeyRefused, NameUnknown, NoConnection
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.walking import Step, Stop, StopKind, Walk
from proxywrap.net.waymaking import WayMaker
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["Streams", "open_tunnel", "place_of", "stop_of"]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

STEPS = ("connect", "login", "request")


async def place_of(hop: ProxyURI | None, destination: Endpoint, tunnels: Tunnels) -> Endpoint | Stop:
    """Return where the next proxy is, `destination` where there is none, or why that is not known."""
    if hop is None:
        return destination
    if hop.path is not None:
        reason = "is on a Unix socket of this host, so it can only be the first of a chain"
        return Stop(hop, StopKind.IMPOSSIBLE, reason)
    if hop.scheme is not Scheme.SSH:
        return hop.endpoint
    try:
        return await tunnels.place(hop)
    except ProxyUnreachable as exc:
        return Stop(hop, StopKind.UNREACHABLE, exc.reason, exc.errno)


async def open_tunnel(
    hops: Sequence[ProxyURI],
    target: Endpoint,
    deadlines: Deadlines,
    names: HopNames,
    tunnels: Tunnels,
    found: Walk,
) -> Streams | Stop:
    """Go to `target` through `hops`, the last of which is an SSH server; return what leads there.

    A tunnel ends when its writer is closed.
    """
    hop = hops[-1]
    tunnels.moments_s.pop(hop, None)
    try:
        way = await WayMaker(deadlines, names, tunnels).make(hops, target)
    except AttemptFailed as exc:
        return stop_of(exc, hop)
    finally:
        taken_s = (after - before for before, after in pairwise(tunnels.moments_s.get(hop, ())))
        found.steps += [Step(hop, name, took_s) for name, took_s in zip(STEPS, taken_s, strict=False)]
    return await asyncio.open_connection(sock=way.lent.take())


def stop_of(exc: AttemptFailed, last: ProxyURI) -> Stop:
    """Return what an attempt's failure is in a walk; `last` is to blame where nobody is named."""
    kind = StopKind.UNREACHABLE
    if not exc.is_unreached:
        match exc.__cause__:
            case NameUnknown():
                kind = StopKind.NO_NAME
            case HostKeyRefused():
                kind = StopKind.CERTIFICATE
            case NoConnection(errno=errno.ECONNREFUSED):
                kind = StopKind.REFUSED
            case ProxyRefused(is_authentication=True):
                kind = StopKind.WRONG_PASSWORD
            case ProxyRefused(is_destination_fault=True):
                kind = StopKind.ANSWER
            case ProxyRefused():
                kind = StopKind.RULES
            case TruncatedError():
                kind = StopKind.CLOSED
            case TimedOut():
                kind = StopKind.SILENT
    return Stop(exc.hop or last, kind, exc.reason, exc.errno)
