"""Whether a chain looks names up, which `resolve remote` is of no use without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from proxywrap.config import ChainType, Config
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.rules import NameRule  # which most files have none of

__all__ = ["choose_chain", "ends_in_tor", "lacking_tor"]


def ends_in_tor(kind: ChainType, hops: Sequence[ProxyURI]) -> bool:
    """Tell whether the last proxy of a chain looks names up, whichever will be the last."""
    may_be_last = hops if kind in {ChainType.RANDOM, ChainType.ROUND_ROBIN} else hops[-1:]
    return bool(hops) and all(hop.options.is_tor for hop in may_be_last)


def lacking_tor(
    rules: Iterable[NameRule], header: str, kind: ChainType, hops: Sequence[ProxyURI]
) -> Iterator[tuple[NameRule, str]]:
    """Yield each rule that needs a Tor at the end of the chain below `header`, which has none, and say so."""
    if not ends_in_tor(kind, hops):
        which = "each proxy" if kind in {ChainType.RANDOM, ChainType.ROUND_ROBIN} else "the last proxy"
        reason = f"expected tor=1 behind {which} of {header}, found none: nothing else resolves names there"
        yield from ((rule, reason) for rule in rules if rule.is_remote)


def choose_chain(config: Config, name: str) -> Config:
    """Return a configuration with another default chain, as `Config.with_chain`.

    Raises:
        ValueError: there is none of that name, or it does not look names up.

    """
    chosen = config.with_chain(name)
    for chain in config.chains:
        hops = [entry.uri for entry in chain.proxies]
        for rule, reason in lacking_tor(config.name_rules, f"[chain {name}]", chain.kind, hops):
            if chain.name == name:
                raise ValueError(f"{reason} (line {rule.origin.line})")
    return chosen
