"""The proxies that people have, each run once for all that is asked of it, and what it says of a destination.

What they say was seen by asking them by hand, byte by byte.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from . import foreign

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .world import World

__all__ = ["SERVERS", "Says", "Server", "start"]


class Says(NamedTuple):
    """What a program sees of a destination that such a proxy was asked for; `|` where it may be either."""

    closed: str = "ECONNREFUSED"
    unreachable: str = "EHOSTUNREACH"
    unknown: str = "EHOSTUNREACH"
    opened: str = "connected"
    named: str = "connected"


_ONE_NO = Says(unreachable="ECONNREFUSED", unknown="ECONNREFUSED")
"""It has one word, or none, for whatever it cannot connect to."""

_YES = Says(closed="hung up", unreachable="hung up", unknown="hung up")
"""It grants everything, then hangs up."""


_GIVEN_UP = "ETIMEDOUT|EHOSTUNREACH"


class Server(NamedTuple):
    """A proxy, by what it can be spoken to, and what it says then; `leads_on` where it connects at all."""

    says: Mapping[str, Says]
    leads_on: bool = True


_SOCKS = ("socks4", "socks4a", "socks5", "socks5h")

SERVERS = {
    "bundled": Server(
        {
            **dict.fromkeys(_SOCKS[:2], _ONE_NO),
            **dict.fromkeys(_SOCKS[2:], Says()),
            "http": Says(),
        }
    ),
    "ssh -D": Server(dict.fromkeys(_SOCKS, _ONE_NO)),
    "danted": Server(
        {
            **dict.fromkeys(_SOCKS[:2], _ONE_NO._replace(named="ECONNREFUSED")),
            **dict.fromkeys(_SOCKS[2:], Says()),
        }
    ),
    "microsocks": Server(dict.fromkeys(_SOCKS[2:], Says())),
    "tinyproxy": Server({"http": _ONE_NO}),
    "asyncio-socks-server": Server(dict.fromkeys(_SOCKS[2:], Says())),
    "pproxy": Server(
        {
            **dict.fromkeys(_SOCKS[:2], _YES._replace(named="hung up")),
            **dict.fromkeys(_SOCKS[2:], _YES),
            "http": _ONE_NO,
        }
    ),
    # danted and pproxy take 4a's mark for an address.
    # Without a network it gives everything up after a second.
    "tor": Server(
        {
            **dict.fromkeys(_SOCKS[:2], _ONE_NO._replace(opened="ECONNREFUSED", named="ECONNREFUSED")),
            **dict.fromkeys(
                _SOCKS[2:], Says("EHOSTUNREACH", "EHOSTUNREACH", _GIVEN_UP, "EHOSTUNREACH", _GIVEN_UP)
            ),
        },
        leads_on=False,
    ),
}


@contextlib.contextmanager
def _python(world: World, hosts: Mapping[str, str], code: str, *argv: object) -> Iterator[int]:
    """Run a server of PyPI's; `{port}` in its arguments is what it listens on, which is given."""
    port = world.port()
    words = [str(word).format(port=port) for word in argv]
    command = [sys.executable, "-c", f"import sys; {code}", *words]
    with foreign.running(world, command, ("127.0.0.1", port), hosts=hosts):
        yield port


@contextlib.contextmanager
def start(world: World, name: str, hosts: Mapping[str, str]) -> Iterator[int]:
    """Run one of SERVERS but the bundled one, which knows `hosts` and no other name; yield its port."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        if name == "pproxy":
            # It takes uvloop where that is there, and cannot run with a new one.
            code = "sys.modules['uvloop'] = None; from pproxy.server import main; main(sys.argv[1:])"
            yield enter(_python(world, hosts, code, "-l", "socks4+socks5+http://127.0.0.1:{port}"))
        elif name == "asyncio-socks-server":
            code = "from asyncio_socks_server.__main__ import main; main()"
            yield enter(_python(world, hosts, code, "-H", "127.0.0.1", "-P", "{port}"))
        else:
            makers = {
                "ssh -D": foreign.ssh_dynamic,
                "danted": foreign.dante,
                "microsocks": foreign.microsocks,
                "tinyproxy": foreign.tinyproxy,
                "tor": foreign.tor,
            }
            url = enter(makers[name](world, {} if name == "tor" else hosts))
            yield int(url.rpartition(":")[2])
