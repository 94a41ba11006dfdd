"""Files in proxychains' grammar, and where proxywrap reads one differently on purpose.

`{a}`, `{b}` and `{c}` are the ports of proxies that let everybody in, `{u}` of
one that knows alice with the password secret, and bob with none; `{dead}` is
one where nobody listens, `{silent}` one that takes connections and says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONFIGURATIONS", "DIFFERENCES", "Configuration"]

REMOTE, OTHER, SIX = "198.51.100.7", "198.51.100.9", "2001:db8:5::7"
NAME = "site.test"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file and what is done with it."""

    id: str
    text: str
    host: str = REMOTE
    times: int = 1
    is_drawn: bool = False
    """The proxies are drawn by lot: how often which one is asked is not compared."""


def _list(*lines: str) -> str:
    return "[ProxyList]\n" + "\n".join(lines) + "\n"


_A, _B, _C = "socks5 127.0.0.1 {a}", "socks5 127.0.0.1 {b}", "socks5 127.0.0.1 {c}"
_DEAD = "socks5 127.0.0.1 {dead}"

CONFIGURATIONS = [
    # -- kinds of chains
    Configuration("strict", "strict_chain\n" + _list(_A)),
    Configuration("strict of three", "strict_chain\n" + _list(_A, _B, _C), times=2),
    Configuration(
        "strict of three kinds",
        "strict_chain\n" + _list(_A, "http 127.0.0.1 {b}", "socks4 127.0.0.1 {c}"),
    ),
    Configuration("strict with a dead first", "strict_chain\n" + _list(_DEAD, _A)),
    Configuration("strict with a dead last", "strict_chain\n" + _list(_A, _DEAD)),
    Configuration("no kind", _list(_A, _B)),
    Configuration("dynamic", "dynamic_chain\n" + _list(_A, _B)),
    Configuration("dynamic with a dead first", "dynamic_chain\n" + _list(_DEAD, _A, _B)),
    Configuration("dynamic with all dead", "dynamic_chain\n" + _list(_DEAD)),
    Configuration("random", "random_chain\n" + _list(_A, _B), times=30, is_drawn=True),
    Configuration(
        "random of two", "random_chain\nchain_len = 2\n" + _list(_A, _B, _C), times=40, is_drawn=True
    ),
    Configuration("random with a dead one", "random_chain\n" + _list(_A, _DEAD, _B), times=30, is_drawn=True),
    Configuration("round robin", "round_robin_chain\nchain_len = 1\n" + _list(_A, _B, _C), times=6),
    Configuration("round robin of two", "round_robin_chain\nchain_len=2\n" + _list(_A, _B, _C), times=7),
    Configuration("round robin with a dead one", "round_robin_chain\n" + _list(_A, _DEAD, _B), times=4),
    Configuration("chain_len of a strict one", "strict_chain\nchain_len = 1\n" + _list(_A, _B)),
    Configuration("the last kind counts", "random_chain\ndynamic_chain\nstrict_chain\n" + _list(_A, _B)),
    # -- localnet
    Configuration("localnet prefix", "strict_chain\nlocalnet 198.51.100.0/24\n" + _list(_A)),
    Configuration("localnet mask", "strict_chain\nlocalnet 198.51.100.0/255.255.255.0\n" + _list(_A)),
    Configuration("localnet port", "strict_chain\nlocalnet 198.51.100.0:{port}/255.255.255.0\n" + _list(_A)),
    Configuration("localnet other port", "strict_chain\nlocalnet 198.51.100.0:1/24\n" + _list(_A)),
    Configuration("localnet port 0", "strict_chain\nlocalnet 198.51.100.0:0/24\n" + _list(_A)),
    Configuration("localnet elsewhere", "strict_chain\nlocalnet 203.0.113.0/24\n" + _list(_A)),
    Configuration("localnet v6", "strict_chain\nlocalnet 2001:db8:5::/48\n" + _list(_A), SIX),
    Configuration("localnet v6 bracketed", "strict_chain\nlocalnet [2001:db8:5::]/48\n" + _list(_A), SIX),
    Configuration("localnet v6 port", "strict_chain\nlocalnet [2001:db8:5::]:{port}/48\n" + _list(_A), SIX),
    Configuration(
        "localnet and a name",
        "strict_chain\nproxy_dns\nlocalnet 198.51.100.0/24\n" + _list(_A),
        NAME,
    ),
    # -- dnat
    Configuration("dnat", f"strict_chain\ndnat {REMOTE} {OTHER}\n" + _list(_A)),
    Configuration("dnat ports", f"strict_chain\ndnat {REMOTE}:{{port}} {OTHER}:{{port2}}\n" + _list(_A)),
    Configuration("dnat new port", f"strict_chain\ndnat {REMOTE} {OTHER}:{{port2}}\n" + _list(_A)),
    Configuration("dnat old port", f"strict_chain\ndnat {REMOTE}:{{port}} {OTHER}\n" + _list(_A)),
    Configuration("dnat other port", f"strict_chain\ndnat {REMOTE}:1 {OTHER}\n" + _list(_A)),
    Configuration(
        "dnat with a port first",
        f"strict_chain\ndnat {REMOTE} 198.51.100.8\ndnat {REMOTE}:{{port}} {OTHER}\n" + _list(_A),
    ),
    Configuration(
        "dnat and localnet",
        f"strict_chain\ndnat {REMOTE} {OTHER}\nlocalnet {OTHER}/255.255.255.255\n" + _list(_A),
    ),
    # -- names, times, noise
    Configuration("proxy_dns", "strict_chain\nproxy_dns\n" + _list(_A, _B), NAME),
    Configuration("no proxy_dns", "strict_chain\n" + _list(_A), NAME),
    Configuration("socks4 and a name", "strict_chain\nproxy_dns\n" + _list("socks4 127.0.0.1 {a}"), NAME),
    Configuration("http and a name", "strict_chain\nproxy_dns\n" + _list("http 127.0.0.1 {a}"), NAME),
    Configuration("remote_dns_subnet", "strict_chain\nproxy_dns\nremote_dns_subnet 10\n" + _list(_A), NAME),
    Configuration("quiet_mode", "strict_chain\nquiet_mode\n" + _list(_A)),
    Configuration(
        "read time-out",
        "strict_chain\ntcp_read_time_out 300\ntcp_connect_time_out 300\n"
        + _list("socks5 127.0.0.1 {silent}"),
    ),
    Configuration(
        "a silent one left out",
        "dynamic_chain\ntcp_read_time_out 300\n" + _list("socks5 127.0.0.1 {silent}", _A),
    ),
    # -- proxies
    Configuration("credentials", "strict_chain\n" + _list("socks5 127.0.0.1 {u} alice secret")),
    Configuration("wrong password", "strict_chain\n" + _list("socks5 127.0.0.1 {u} alice guess")),
    Configuration("user alone", "strict_chain\n" + _list("socks5 127.0.0.1 {u} bob")),
    Configuration("user of SOCKS4", "strict_chain\n" + _list("socks4 127.0.0.1 {a} bob")),
    Configuration("user of HTTP", "strict_chain\n" + _list("http 127.0.0.1 {u} alice secret")),
    Configuration("URL", "strict_chain\n" + _list("socks5://127.0.0.1:{a}")),
    Configuration(
        "URLs",
        "strict_chain\n"
        + _list("socks5://alice:secret@127.0.0.1:{u}/", "http://127.0.0.1:{b}", "socks4://127.0.0.1:{c}"),
    ),
    Configuration("IPv6 destination", "strict_chain\n" + _list(_A), SIX),
    Configuration("IPv6 destination of HTTP", "strict_chain\n" + _list("http 127.0.0.1 {a}"), SIX),
    # -- spelling
    Configuration(
        "comments, blanks, CRLF",
        "# a comment\r\n\r\n   strict_chain \r\n#random_chain\r\n\tproxy_dns\t\r\n"
        "[ProxyList]\r\n  # another\r\n\r\n  socks5\t127.0.0.1   {a}  \r\n",
    ),
    Configuration("order of keywords", "proxy_dns\nquiet_mode\nstrict_chain\n" + _list(_A, _B), NAME),
    Configuration("inline comment", "strict_chain\n" + _list("socks4 127.0.0.1 {a} # mine")),
    Configuration("inline comment of an option", "strict_chain # all\n" + _list(_A, _DEAD)),
    Configuration("unknown keyword", "strict_chain\nfrobnicate 1\n" + _list(_A)),
    Configuration("port 0", "strict_chain\n" + _list(_A, "socks5 127.0.0.1 0")),
    Configuration("port beyond 65535", "strict_chain\n" + _list("socks5 127.0.0.1 84586")),
    Configuration("a name for a proxy", "strict_chain\n" + _list("socks5 localhost {a}")),
    Configuration("loopback", "strict_chain\n" + _list(_A), "127.0.0.2"),
    Configuration("proxy_dns_old", "strict_chain\nproxy_dns_old\n" + _list(_A)),
]

DIFFERENCES = {
    "no proxy_dns": "names are resolved remotely even without proxy_dns",
    "a silent one left out": "a proxy that fails in its handshake is left out, too",
    "inline comment": "inline comments",
    "inline comment of an option": "inline comments",
    "unknown keyword": "unknown keywords are errors",
    "port 0": "ports out of range are errors",
    "port beyond 65535": "ports out of range are errors",
    "a name for a proxy": "hosts may be names for any hop",
    "loopback": "loopback destinations are direct",
}
"""What design and README list, by the configurations that show it: these must differ, all others must not."""
