"""Proxies that stand where they cannot be of use as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from proxywrap.config import ChainType, Config, ProxyEntry
from proxywrap.errors import ConfigError

__all__ = ["check_positions"]


def check_positions(config: Config) -> Config:
    """Return a configuration with warnings about what counts for a first proxy only and stands behind one.

    Raises:
        ConfigError: a strict chain has a Unix socket behind another proxy.

    """
    warnings = []
    for kind, (uri, origin) in _later_entries(config):
        if uri.path is not None and kind is ChainType.STRICT:
            raise ConfigError(
                f"expected {uri} as the first proxy of its chain, for it is a socket of this host, "
                "found another before it",
                origin.source,
                origin.line,
            )
        if uri.path is not None:
            warnings.append(
                f"{origin}: only a chain's first proxy can be a socket of this host: move {uri} up"
            )
        elif uri.options.warm and kind is ChainType.STRICT:
            warnings.append(f"{origin}: warm= counts for a chain's first proxy only: remove it behind {uri}")
    return replace(config, warnings=(*config.warnings, *warnings)) if warnings else config


def _later_entries(config: Config) -> Iterator[tuple[ChainType, ProxyEntry]]:
    """Yield those that are not the first of a chain, where the order of its lines counts."""
    chains = [
        (config.options.chain_type, config.proxies),
        *((chain.kind, chain.proxies) for chain in config.chains),
    ]
    for kind, entries in chains:
        if kind in {ChainType.STRICT, ChainType.DYNAMIC}:
            yield from ((kind, entry) for entry in entries[1:])
