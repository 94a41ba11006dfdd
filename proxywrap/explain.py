"""What a configuration means, in sentences; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proxywrap.config import PROXY_LIST_NAME, ChainType, Config, ProxyEntry
from proxywrap.rules import Action, Rule
from proxywrap.scheme import Scheme

__all__ = ["explain"]


def explain(config: Config) -> Iterator[str]:
    """Yield sentences that say what becomes of a connection, credentials masked.

    In the order in which it is decided: another destination, the rules,
    loopback, `localnet`, the chain.
    """
    options = config.options
    for dnat in options.dnats:
        yield f"what is connected to {str(dnat).replace(' ', ' goes to ')} in its place"
    for rule in config.rules:
        yield f"{_conditions(rule)} {_consequence(rule)} (line {rule.origin.line})"
    if options.proxy_loopback:
        yield "loopback destinations go through the chain, to the loopback of its last proxy"
    else:
        yield "loopback destinations are connected to directly"
    for net in options.localnets:
        yield f"{net} is connected to directly; names are not affected"
    what = "everything else" if config.rules else "every connection"
    yield f"{what} goes through the chain {config.chain}"
    yield _chain(PROXY_LIST_NAME, options.chain_type, options.chain_len, config.proxies)
    for chain in config.chains:
        yield _chain(chain.name, chain.kind, chain.length, chain.proxies)
    if any(hop.scheme is Scheme.SSH for hop in config.all_hops):
        yield "ssh:// servers are logged in to by this host's ssh, with its configuration, keys and agent"
    for name_rule in config.name_rules:
        where = f"by the Tor at the end of {config.chain}" if name_rule.is_remote else "here"
        yield f"names like {', '.join(name_rule.globs)} are resolved {where}"
    others = "other " if config.name_rules else ""
    yield f"{others}names are resolved by the last proxy; here {options.fake_network_v4} stands for them"
    connect_s, read_s = options.tcp_connect_time_out_ms / 1000, options.tcp_read_time_out_ms / 1000
    yield f"the first proxy has {connect_s:g} s to be connected, each proxy {read_s:g} s for each answer"
    for glob in options.allow_unwrapped:
        yield f"programs like {glob} may run unwrapped, and connect directly"


def _conditions(rule: Rule) -> str:
    what = ", ".join(str(pattern) for pattern in rule.patterns)
    what = "any destination" if what == "*" else what
    return what if rule.app is None else f"{what}, asked for by programs like {rule.app},"


def _consequence(rule: Rule) -> str:
    match rule.action:
        case Action.DIRECT:
            return "is connected to directly"
        case Action.BLOCK:
            return "is refused"
        case Action.CHAIN:
            return f"goes through the chain {rule.chain}"


def _chain(name: str, kind: ChainType, length: int, proxies: Sequence[ProxyEntry]) -> str:
    shown = ", ".join(str(entry.uri) for entry in proxies)
    count = len(proxies)
    if count == 1:
        return f"the chain {name} is {shown}"
    how = {
        ChainType.STRICT: f"all of these {count} proxies, in their order, and fails when one of them does",
        ChainType.DYNAMIC: f"those of these {count} proxies that work, in their order",
        ChainType.RANDOM: f"{length} of these {count} proxies, by chance",
        ChainType.ROUND_ROBIN: f"the next {length} of these {count} proxies, in turn",
    }
    return f"the chain {name} is {how[kind]}: {shown}"
