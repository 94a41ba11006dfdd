"""What happened, as values: the helper emits them, the report formats them.

No event holds a password. Durations are seconds. Named tuples, as in
`proxywrap.config`: the first requests of a program wait for these definitions.
"""

from __future__ import annotations

from typing import NamedTuple

from proxywrap.address import Endpoint, Host
from proxywrap.origin import Origin
from proxywrap.uri import ProxyURI

__all__ = [
    "Blocked",
    "Connected",
    "Event",
    "Failed",
    "Note",
    "Outside",
    "Reloaded",
    "Resolved",
    "Shortage",
    "Skipped",
    "Unresolved",
    "Unverified",
]


class Resolved(NamedTuple):
    """A name got an address; `is_remote` where a fake address stands for it.

    `is_found` where the last proxy has found them, by the name or by the address.
    """

    pid: int
    name: str
    addresses: tuple[Host, ...]
    is_remote: bool
    is_found: bool = False


class Unresolved(NamedTuple):
    """The last proxy could not be asked about a name or an address, for a fault of the chain.

    `hop` is the proxy that failed or refused, None where no other was left.
    `origin` is where it is written, if that is to be told.
    """

    pid: int
    name: str
    hop: ProxyURI | None
    reason: str
    origin: Origin | None = None


class Connected(NamedTuple):
    """A lent socket reached its destination; `hops` is empty for a direct one."""

    pid: int
    destination: Endpoint
    hops: tuple[ProxyURI, ...]
    duration_s: float


class Failed(NamedTuple):
    """An attempt failed with `errno`.

    `hop` is the proxy that failed or refused, None for a direct attempt.
    `is_chain_fault` separates a fault of the chain (dead, password refused,
    not a proxy), which the user must hear of, from the destination's own answer.
    `is_unresolved` where the last proxy seems not to know the name.
    `origin` is where the proxy is written, if that is to be told.
    """

    pid: int
    destination: Endpoint
    hop: ProxyURI | None
    errno: int
    reason: str
    is_chain_fault: bool
    is_unresolved: bool = False
    origin: Origin | None = None


class Skipped(NamedTuple):
    """A proxy failed in a chain that can do without it; others are tried.

    `is_shortened` where the chain went on without it to a destination's answer:
    another proxy, or the destination, saw what this one was to hide.
    `origin` is where the proxy is written, if that is to be told.
    """

    pid: int
    hop: ProxyURI
    reason: str
    is_shortened: bool = False
    origin: Origin | None = None


class Unverified(NamedTuple):
    """A proxy was spoken to by TLS and might be any, for its certificate was not to be checked."""

    pid: int
    hop: ProxyURI


class Blocked(NamedTuple):
    """Something was refused because it would not have gone through the chain.

    `what` names it for the user (`UDP to 192.0.2.1:443`), `hint` says what to do.
    """

    pid: int
    what: str
    hint: str


class Outside(NamedTuple):
    """A server that does not run wrapped was connected to, and does things for a program: past the proxies.

    `path` is of its socket, `hint` says what to do.
    """

    pid: int
    server: str
    path: str
    hint: str


class Reloaded(NamedTuple):
    """A configuration file was read anew; with an `error`, the configuration before it stays in effect.

    `warnings` are of the new one.
    """

    file: str
    error: str | None
    warnings: tuple[str, ...] = ()


class Shortage(NamedTuple):
    """The helper has run out of something, and somebody waits for it; `text` says what to do."""

    text: str


class Note(NamedTuple):
    """A line for the user about proxywrap itself, shown under `-v`."""

    text: str


Event = (
    Resolved
    | Unresolved
    | Connected
    | Failed
    | Skipped
    | Unverified
    | Blocked
    | Outside
    | Reloaded
    | Shortage
    | Note
)
