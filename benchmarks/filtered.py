"""What programs under the filter pay: their connects, the relay of parked ones, each notified call."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from clock import inside, medians, table
from kit import foreign, origins
from kit.clients import NAME, wrap
from kit.world import World
from link import FAR, slow_link

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["filtered_memory", "filtered_parallel", "notified", "relay"]

PROGRAMS = Path(__file__).parent / "programs"
HOSTS = {NAME: origins.ORIGIN}
ROUND_TRIP_S = 0.05
PARALLEL = 50

MIB = 1 << 20
RELAYED_BYTES = 2048 * MIB
NOWHERE = "198.51.100.7"
"""Any address beyond loopback: the proxy is every destination."""

NOTIFIED = {
    "connect to loopback": ("connect", "connect", 500),
    "connect through a proxy": ("connect-by-socks", "connect-far", 500),
    "sendmsg, AF_UNIX": ("unix-sendmsg", "unix-sendmsg", 5000),
    "recvmsg, AF_UNIX": ("unix-recvmsg", "unix-recvmsg", 5000),
    "sendmsg, TCP": ("tcp-sendmsg", "tcp-sendmsg", 5000),
    "sendto, UDP on loopback": ("udp-sendto", "udp-sendto", 5000),
    "getpeername": ("getpeername", "getpeername", 5000),
    "getpid, not in the list": ("getpid", "getpid", 5_000_000),
    "a pipe, not in the list": ("pipe", "pipe", 500_000),
}
"""What is called bare, what under the filter, and how often."""

IDLE = 1000


def _go(world: World, source: str) -> Path:
    """Return a program without a C library, so that nothing can be preloaded into it."""
    program = world.directory / source.removesuffix(".go")
    environ = {**os.environ, "CGO_ENABLED": "0", "GOCACHE": str(Path(tempfile.gettempdir(), "go-build"))}
    subprocess.run(["/usr/bin/go", "build", "-o", program, PROGRAMS / source], check=True, env=environ)
    return program


def _static(world: World, source: str) -> Path:
    program = world.directory / source.removesuffix(".c")
    command = ["/usr/bin/cc", "-O1", "-static", "-D_GNU_SOURCE", "-o", program, PROGRAMS / source]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return program


def filtered_parallel() -> None:
    """Many requests of a Go program at once over a link with a delay."""
    with (
        World() as near,
        World() as far,
        slow_link(near, far, ROUND_TRIP_S),
        far.running(origins.http()) as web,
        foreign.microsocks(far, HOSTS, host=FAR) as url,
    ):
        fetch = _go(near, "fetch.go")
        argv = [f"http://{NAME}:{web.port}/", str(PARALLEL)]
        own = "a SOCKS client of its own"
        own_argv = [fetch, "-socks", url.partition("//")[2], *argv]
        times = medians(
            {
                own: lambda: inside(near, [], own_argv),
                "proxywrap": lambda: inside(near, wrap(url), [fetch, *argv]),
                "proxywrap, the second time": lambda: inside(near, wrap(url), [fetch, *argv], is_warm=True),
            },
            rounds=9,
        )
    title = f"{PARALLEL} parallel requests of static Go, round trip {ROUND_TRIP_S * 1000:.0f} ms"
    table(title, times, "s", against=own)


@contextlib.contextmanager
def _everywhere(world: World, pump: Path, mode: str = "serve") -> Iterator[str]:
    """Run a proxy that is itself every destination; its port is given."""
    port = world.port()
    with foreign.running(world, [pump, mode, "127.0.0.1", port], ("127.0.0.1", port)):
        yield str(port)


def relay() -> None:
    """Measure the helper's relay of parked connections beside microsocks': either is alone on its way."""
    with World() as world:
        pump = _static(world, "pump.c")
        with _everywhere(world, pump) as port, foreign.microsocks(world, {}) as url:
            wrapper, rival = wrap(f"socks5://127.0.0.1:{port}"), url.rpartition(":")[2]
            for direction in ("down", "up"):
                for count in ("1", "8"):
                    orders = [direction, "127.0.0.1", port, str(RELAYED_BYTES), count]
                    far = [direction, NOWHERE, port, str(RELAYED_BYTES), count]
                    times = medians(
                        {
                            "microsocks": lambda orders=orders: inside(world, [], [pump, *orders, rival]),
                            "proxywrap": lambda far=far: inside(world, wrapper, [pump, *far]),
                            "no relay": lambda orders=orders: inside(world, [], [pump, *orders]),
                        },
                        rounds=5,
                    )
                    speeds = {name: RELAYED_BYTES / MIB / seconds for name, seconds in times.items()}
                    title = f"relay, {direction}, {RELAYED_BYTES // MIB} MiB by {count} connections"
                    table(title, speeds, "MiB/s", against="microsocks")


def notified() -> None:
    """Measure what one call costs under the filter, beside the same bare and under any filter."""
    with World() as world:
        pump, program = _static(world, "pump.c"), _static(world, "notified.c")
        with _everywhere(world, pump) as port:
            wrapper = wrap(f"socks5://127.0.0.1:{port}", "--engine", "seccomp")

            def run(prefix: list[object], call: str, count: int, *options: str) -> float:
                result = world.run([*prefix, program, call, str(count), port, *options], timeout=120)
                return int(result.text) / count / 1000

            for title, (bare, call, count) in NOTIFIED.items():
                values = medians(
                    {
                        "bare": lambda bare=bare, count=count: run([], bare, count),
                        "any filter": lambda bare=bare, count=count: run([], bare, count, "any-filter"),
                        "filtered": lambda call=call, count=count: run(wrapper, call, count),
                    },
                    rounds=5,
                )
                table(title, values, "us", against="bare")


def filtered_memory() -> None:
    """Measure what the helper keeps for a connection that is idle, parked or relayed."""
    with World() as world:
        pump = _static(world, "pump.c")
        for state, proxy in (("parked", "mute"), ("relayed", "serve")):
            with _everywhere(world, pump, proxy) as port:
                few, many = (
                    _helper_with(world, [pump, state, NOWHERE, port], count) for count in (1, 1 + IDLE)
                )
            print(f"\n{IDLE} idle connections, {state}")
            print(f"  {'helper with one':32}{few[0] / 1024:10.3f} MiB, {few[1]} descriptors")
            print(f"  {'helper with all':32}{many[0] / 1024:10.3f} MiB, {many[1]} descriptors")
            each_kib, each_fds = ((more - less) / IDLE for more, less in zip(many, few, strict=True))
            print(f"  {'for each':32}{each_kib:10.3f} KiB, {each_fds:.2f} descriptors")


def _helper_with(world: World, argv: list[Path | str], count: int) -> tuple[int, int]:
    """Return the resident memory in KiB and the descriptors of a helper with so many connections."""
    wrapper = wrap(f"socks5://127.0.0.1:{argv[-1]}")
    script = 'echo $PPID; exec "$@"'
    command = [*wrapper, "sh", "-c", script, "sh", *argv, str(count)]
    with world.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        helper = Path("/proc", process.stdout.readline().decode().strip())
        process.stdout.readline()
        deadline = time.monotonic() + 20
        while len(os.listdir(helper / "fd")) < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"expected {count} connections of the helper within 20 s")
            time.sleep(0.1)
        status = (helper / "status").read_text()
        descriptors = len(os.listdir(helper / "fd"))
        process.communicate(b"\n")
    return int(status.partition("VmRSS:")[2].split()[0]), descriptors
