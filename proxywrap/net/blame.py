"""Whose fault it is that an attempt has failed, in words that say what to do."""

from __future__ import annotations

import errno
from collections.abc import Awaitable
from typing import TypeVar

from proxywrap.errors import (
    ProtocolError,
    ProxyRefused,
    ProxyUnreachable,
    ProxywrapError,
    TimedOut,
    TruncatedError,
)
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["ADVICE", "AttemptFailed", "blaming", "refused"]

T = TypeVar("T")

_FAULTS = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EAGAIN}
"""What an application may see for a fault of the chain; EHOSTUNREACH for all else.

Never ECONNREFUSED, by which the destination says that nobody listens there.
"""

ADVICE = {
    errno.ECONNREFUSED: "is it running, and is that its port?",
    errno.ETIMEDOUT: "is its address right, and no firewall in between?",
    errno.EHOSTUNREACH: "is its address right, and the network up?",
    errno.ENETUNREACH: "is its address right, and the network up?",
    errno.ENOENT: "is it running, and is that its path?",
    errno.EACCES: "may you write to its socket?",
    errno.EAGAIN: "is it running? Too many wait for it",
}
"""What to look at first when the kernel could not connect to a hop."""

_KINDS = {
    Scheme.SOCKS4: "a SOCKS4 proxy",
    Scheme.SOCKS4A: "a SOCKS4a proxy",
    Scheme.SOCKS5: "a SOCKS5 proxy",
    Scheme.SOCKS5H: "a SOCKS5 proxy",
    Scheme.HTTP: "an HTTP proxy",
    Scheme.RAW: "a raw proxy",
    Scheme.SSH: "an SSH server",
}


class AttemptFailed(ProxywrapError):
    """A lent socket could not be connected.

    Args:
        hop: the proxy that failed or refused; None for a direct connection.
        reason: what happened, without the hop's name.
        errno: what the application must see; for a fault of the chain, what is left of that in `_FAULTS`.
        is_chain_fault: the user must hear of it.
        is_unreached: the hop before could not get to `hop`, which was not asked for anything.
        is_unresolved: `hop` seems not to know the name that it was asked for.

    """

    def __init__(
        self,
        hop: ProxyURI | None,
        reason: str,
        *,
        errno: int,
        is_chain_fault: bool,
        is_unreached: bool = False,
        is_unresolved: bool = False,
    ) -> None:
        super().__init__(reason)
        self.hop = hop
        self.reason = reason
        self.errno = _as_fault(errno) if is_chain_fault else errno
        self.is_chain_fault = is_chain_fault
        self.is_unreached = is_unreached
        self.is_unresolved = is_unresolved


def _as_fault(error: int) -> int:
    return error if error in _FAULTS else errno.EHOSTUNREACH


def refused(
    hop: ProxyURI, refusal: ProxyRefused, next_hop: ProxyURI | None = None, *, of_name: bool = False
) -> AttemptFailed:
    """Return whose fault it is that `hop` does not lead to `next_hop`, or else to the destination.

    A password or a rule is `hop`'s own affair. `of_name` where the destination is a name.
    """
    if next_hop is not None and refusal.errno != errno.EACCES:
        reason = f"cannot be reached, says {hop}: {refusal.reason}: is that its address as seen from there?"
        return AttemptFailed(next_hop, reason, errno=refusal.errno, is_chain_fault=True, is_unreached=True)
    is_unresolved = of_name and refusal.is_about_name
    doubt = ": it could not resolve the name, or not reach its host" if is_unresolved else ""
    return AttemptFailed(
        hop,
        refusal.reason + doubt,
        errno=refusal.errno,
        is_chain_fault=not refusal.is_destination_fault,
        is_unresolved=is_unresolved,
    )


async def blaming(
    hop: ProxyURI, step: Awaitable[T], next_hop: ProxyURI | None = None, *, of_name: bool = False
) -> T:
    """Return what a step gives, and put what it raises down to `hop`.

    If `next_hop` is what the step asks for, that one is to blame where `hop`
    did not get there, and the chain, not the destination. `of_name` as of `refused`.
    """
    try:
        return await step
    except ProxyRefused as exc:
        raise refused(hop, exc, next_hop, of_name=of_name) from exc
    except (TruncatedError, ConnectionResetError, BrokenPipeError) as exc:
        # One fault, and one line: which it is depends on what was still under way.
        reason = f"closed the connection in the middle of the handshake: {_is_it_one(hop)}"
        raise AttemptFailed(hop, reason, errno=errno.EHOSTUNREACH, is_chain_fault=True) from exc
    except ProtocolError as exc:
        raise AttemptFailed(hop, str(exc), errno=exc.errno, is_chain_fault=True) from exc
    except TimedOut as exc:
        reason = f"{exc.reason}: {_is_it_one(hop)} A slow one needs a longer tcp_read_time_out, in a file"
        raise AttemptFailed(hop, reason, errno=exc.errno, is_chain_fault=True) from exc
    except ProxyUnreachable as exc:
        raise AttemptFailed(hop, exc.reason, errno=exc.errno, is_chain_fault=True) from exc
    except OSError as exc:
        reason = f"broke off the handshake: {exc.strerror}: {ADVICE.get(exc.errno or 0, _is_it_one(hop))}"
        raise AttemptFailed(hop, reason, errno=exc.errno or errno.EHOSTUNREACH, is_chain_fault=True) from exc


def _is_it_one(hop: ProxyURI) -> str:
    return f"is it {_KINDS[hop.scheme]}, and may you use it? `proxywrapctl check` finds out."
