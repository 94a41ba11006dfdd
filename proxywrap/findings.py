"""What `proxywrapctl check` finds: of each proxy, of each chain, and in all."""

from __future__ import annotations

from dataclasses import dataclass

from proxywrap.address import Endpoint
from proxywrap.advice import PROTOCOL_FAULTS
from proxywrap.config import ChainType
from proxywrap.net.identify import Speaks
from proxywrap.net.walking import StopKind, Walk
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

__all__ = ["ChainReport", "HopReport", "Report"]

_UNREACHED = {StopKind.NO_NAME, StopKind.REFUSED, StopKind.UNREACHABLE}
_AUTHENTICATION = {StopKind.NO_PASSWORD: "missing", StopKind.WRONG_PASSWORD: "refused"}


@dataclass(frozen=True, slots=True)
class HopReport:
    """What was found of one proxy, reached by those before it.

    `through` are those, `walk` is what was found of the proxy itself. It was not tried where
    `blocked_by`, one of them, has failed. `carries` tells for IPv4, IPv6 and names whether it
    connects to them: True, False, or None where that could not be told. `takes_one_flight` tells
    likewise whether `pipeline=1` is safe, None where there is no such option. `advice` is what to
    write instead.
    """

    hop: ProxyURI
    walk: Walk
    through: tuple[ProxyURI, ...] = ()
    blocked_by: ProxyURI | None = None
    speaks: tuple[Speaks, ...] = ()
    carries: tuple[bool | None, bool | None, bool | None] = (None, None, None)
    takes_one_flight: bool | None = None
    advice: str | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether it can be connected to; False for one that was not tried."""
        if self.blocked_by is not None:
            return False
        return self.walk.stop is None or self.walk.stop.kind not in _UNREACHED

    @property
    def is_good(self) -> bool:
        """Whether it does what it is asked for."""
        return self.blocked_by is None and self.walk.is_answered

    @property
    def spoken(self) -> str:
        """What it speaks, as far as that is known."""
        if not self.is_reachable:
            return "?"
        is_foreign = self.walk.stop is not None and self.walk.stop.kind in PROTOCOL_FAULTS
        if is_foreign and self.takes_one_flight is None:
            return ", ".join(self.speaks) or "nothing"
        return self.hop.kind

    @property
    def authentication(self) -> str:
        """What became of the user name and the password."""
        if self.walk.stop is not None and self.walk.stop.kind in _AUTHENTICATION:
            return _AUTHENTICATION[self.walk.stop.kind]
        if not self.is_good:
            return "?"
        options = self.hop.options
        has_login = self.hop.username is not None or options.isolate is not None
        asks = any(step.name == "password" for step in self.walk.steps)
        if has_login and self.hop.scheme.startswith("socks5") and not (asks or options.is_pipelined):
            return "not asked for"
        return "accepted" if has_login or self.hop.scheme is Scheme.SSH else "none"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found of one chain.

    `hops` are those that were used, `left_out` those that failed before. It is good if it has
    reached `destination`, that of `--to`; without one, if its last proxy has answered.
    """

    name: str
    kind: ChainType
    hops: tuple[ProxyURI, ...]
    left_out: tuple[ProxyURI, ...]
    walk: Walk
    destination: Endpoint | None = None

    @property
    def is_working(self) -> bool:
        """Whether its proxies do what they are asked for, whatever the destination says."""
        return self.walk.is_answered

    @property
    def is_good(self) -> bool:
        """Whether it leads where it shall."""
        return self.is_working if self.destination is None else self.walk.stop is None


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found."""

    hops: tuple[HopReport, ...]
    chains: tuple[ChainReport, ...]

    @property
    def is_good(self) -> bool:
        """Whether no chain is broken, and each reaches the destination of `--to`."""
        return all(chain.is_good for chain in self.chains)
