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

__all__ = ["ADVICE", "AttemptFailed", "blaming"]

T = TypeVar("T")

_UNREACHABLE = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH}
"""What the kernel says of a hop that is gone, rather than of one that hung up."""

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
        errno: what the application must see.
        is_chain_fault: the user must hear of it.
        is_unreached: the hop before could not get to `hop`, which was not asked for anything.

    """

    def __init__(
        self,
        hop: ProxyURI | None,
        reason: str,
        *,
        errno: int,
        is_chain_fault: bool,
        is_unreached: bool = False,
    ) -> None:
        super().__init__(reason)
        self.hop = hop
        self.reason = reason
        self.errno = errno
        self.is_chain_fault = is_chain_fault
        self.is_unreached = is_unreached


async def blaming(hop: ProxyURI, step: Awaitable[T], next_hop: ProxyURI | None = None) -> T:
    """Return what a step gives, and put what it raises down to `hop`.

    If `next_hop` is what the step asks for, that one is to blame where `hop`
    did not get there, and the chain, not the destination. A password or a rule
    is `hop`'s own affair.
    """
    try:
        return await step
    except ProxyRefused as exc:
        if next_hop is not None and exc.errno != errno.EACCES:
            reason = f"cannot be reached, says {hop}: {exc.reason}: is that its address as seen from there?"
            raise AttemptFailed(
                next_hop, reason, errno=exc.errno, is_chain_fault=True, is_unreached=True
            ) from exc
        is_fault = not exc.is_destination_fault
        raise AttemptFailed(hop, exc.reason, errno=exc.errno, is_chain_fault=is_fault) from exc
    except (TruncatedError, ConnectionResetError, BrokenPipeError) as exc:
        # One fault, and one line: which it is depends on what was still under way.
        reason = f"closed the connection in the middle of the handshake: {_is_it_one(hop)}"
        raise AttemptFailed(hop, reason, errno=errno.ECONNREFUSED, is_chain_fault=True) from exc
    except ProtocolError as exc:
        raise AttemptFailed(hop, str(exc), errno=exc.errno, is_chain_fault=True) from exc
    except TimedOut as exc:
        reason = f"{exc.reason}: {_is_it_one(hop)} A slow one needs a longer tcp_read_time_out, in a file"
        raise AttemptFailed(hop, reason, errno=exc.errno, is_chain_fault=True) from exc
    except ProxyUnreachable as exc:
        raise AttemptFailed(hop, exc.reason, errno=exc.errno, is_chain_fault=True) from exc
    except OSError as exc:
        reason = f"broke off the handshake: {exc.strerror}: {ADVICE.get(exc.errno or 0, _is_it_one(hop))}"
        error = exc.errno if exc.errno in _UNREACHABLE else errno.ECONNREFUSED
        raise AttemptFailed(hop, reason, errno=error, is_chain_fault=True) from exc


def _is_it_one(hop: ProxyURI) -> str:
    return f"is it {_KINDS[hop.scheme]}, and may you use it?"
