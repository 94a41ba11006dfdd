"""The wrappers that are compared, and how each is told where its proxy is."""

from __future__ import annotations

from dataclasses import dataclass

from e2e.kit.clients import PROXYWRAP

__all__ = ["OURS", "TOOLS", "Tool", "limit_s"]

OURS = "proxywrap"

OURS_PATIENCE_S = 20.0
"""A wrapper that waits for nothing never learns how long the proxy would have held out."""

PEERS_PATIENCE_S = 0.5

LIMIT_S = 30.0
"""What is no peer is given the time that it takes."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A wrapper: what stands before the command, and the files that it reads.

    In these `{port}` is the proxy's, `{file}` the first of the files.
    """

    prefix: tuple[str, ...]
    config: str = ""
    variable: str = ""
    """The variable of the environment that names the file."""
    patience_s: float = PEERS_PATIENCE_S


TOOLS = {
    OURS: Tool((str(PROXYWRAP), "-q", "-x", "socks5://127.0.0.1:{port}", "--"), patience_s=OURS_PATIENCE_S),
    "proxychains4": Tool(
        ("proxychains4", "-q", "-f", "{file}"),
        "strict_chain\nproxy_dns\nremote_dns_subnet 224\ntcp_read_time_out 15000\n"
        "tcp_connect_time_out 8000\n[ProxyList]\nsocks5 127.0.0.1 {port}\n",
    ),
    "torsocks": Tool(
        ("torsocks", "-q"),
        "TorAddress 127.0.0.1\nTorPort {port}\nOnionAddrRange 127.42.42.0/24\n",
        "TORSOCKS_CONF_FILE",
    ),
    "socksify": Tool(
        ("socksify",),
        "resolveprotocol: fake\n"
        "route {{ from: 0.0.0.0/0 to: 127.0.0.0/8 via: direct }}\n"
        "route {{\n from: 0.0.0.0/0 to: 0.0.0.0/0 via: 127.0.0.1 port = {port}\n proxyprotocol: socks_v5\n"
        " command: connect udpassociate\n method: none\n}}\n"
        "route {{\n from: 0.0.0.0/0 to: . via: 127.0.0.1 port = {port}\n proxyprotocol: socks_v5\n"
        " command: connect udpassociate\n method: none\n}}\n",
        "SOCKS_CONF",
    ),
}


def limit_s(name: str, of_a_peer: float) -> float:
    """Return how long the tool `name`, or none, may take where a peer may take so long."""
    return of_a_peer if name in TOOLS and name != OURS else LIMIT_S
