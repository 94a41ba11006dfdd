"""What options of a hop save of the round trips of a connect."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from clock import medians, table
from kit import origins
from kit.clients import NAME, wrap
from kit.world import World
from link import FAR, slow_link

from proxywrap.testing import SocksServer

if TYPE_CHECKING:
    from kit.clients import Words

__all__ = ["warm"]

ROUND_TRIP_S = 0.05
CONNECTS = 8

CONNECT = f"""\
import socket, statistics, sys, time
times = []
for _ in range({CONNECTS}):
    time.sleep({6 * ROUND_TRIP_S})  # a program that connects now and then
    begin = time.perf_counter()
    socket.create_connection((sys.argv[1], int(sys.argv[2]))).close()
    times.append(time.perf_counter() - begin)
print(statistics.median(times))
"""


def warm() -> None:
    """One connect to a proxy with a password, over a link with a delay."""
    with (
        World() as near,
        World() as far,
        slow_link(near, far, ROUND_TRIP_S),
        far.running(origins.echo()) as echo,
        far.running(SocksServer(host=FAR, users={b"u": b"p"}, names={NAME: origins.ORIGIN})) as server,
    ):

        def connect(prefix: Words, host: str) -> float:
            argv = [*prefix, sys.executable, "-c", CONNECT, host, str(echo.port if prefix else server.port)]
            return float(near.run(argv, timeout=300).text)

        rivals = {"a connection to the proxy": partial(connect, [], FAR)}
        for options in ("", "?pipeline=1", "?warm=4", "?warm=4&pipeline=1"):
            prefix = wrap(server.url + options)
            rivals[f"proxywrap {options.lstrip('?')}".rstrip()] = partial(connect, prefix, NAME)
        times = medians(rivals, rounds=3)
    title = f"a connect by SOCKS5 with a password, round trip {ROUND_TRIP_S * 1000:.0f} ms"
    in_ms = {name: seconds * 1000 for name, seconds in times.items()}
    table(title, in_ms, "ms", against="a connection to the proxy")
