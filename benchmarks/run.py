"""Print what proxywrap costs, each figure beside a rival's in the same run.

usage: python benchmarks/run.py [throughput|parallel|warm|sequential|rules|memory|start|overhead|
                                 filtered-parallel|relay|notified|filtered-memory]...

Needs root (namespaces), curl, microsocks, proxychains4, valgrind, Go and a C compiler.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests/e2e"))

from clock import inside, medians, table  # noqa: E402
from filtered import filtered_memory, filtered_parallel, notified, relay  # noqa: E402
from kit import foreign, origins  # noqa: E402
from kit.clients import NAME, PROGRAMS, PROXYWRAP, wrap  # noqa: E402
from kit.listening import listening  # noqa: E402
from kit.world import World  # noqa: E402
from link import FAR, slow_link  # noqa: E402
from overhead import overhead  # noqa: E402
from roundtrips import warm  # noqa: E402

from proxywrap.origin import Origin  # noqa: E402
from proxywrap.ruleline import parse_rule  # noqa: E402
from proxywrap.rules import RuleSet  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIB = 1 << 20
DOWNLOAD_BYTES = 1024 * MIB
ROUND_TRIP_S = 0.05
PARALLEL = 50
SEQUENTIAL = 2000
RULES = 1000
HOSTS = {NAME: origins.ORIGIN}


def proxychains(world: World, host: str, port: str) -> list[str | Path]:
    """Return the prefix that puts a command behind proxychains4."""
    config = world.directory / "proxychains.conf"
    config.write_text(f"strict_chain\nproxy_dns\n[ProxyList]\nsocks5 {host} {port}\n")
    return ["proxychains4", "-q", "-f", config]


@contextlib.contextmanager
def zeroes(world: World) -> Iterator[int]:
    """Serve DOWNLOAD_BYTES of zeroes by sendfile, so that the origin is not what is measured."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Length: {DOWNLOAD_BYTES}\r\nConnection: close\r\n\r\n".encode()
        )
        with tempfile.TemporaryFile() as file:
            file.truncate(DOWNLOAD_BYTES)
            await asyncio.get_running_loop().sendfile(writer.transport, file)

    with world.running(listening(handle, origins.ORIGIN)) as port:
        yield port


def throughput() -> None:
    """One big download: wrapped curl beside curl's own SOCKS client, through the same microsocks."""
    with World() as world, zeroes(world) as port, foreign.microsocks(world, HOSTS) as url:
        argv = ["curl", "-sS", "-o", "/dev/null", f"http://{NAME}:{port}/"]
        own = ["--socks5-hostname", url.partition("//")[2]]
        chains = proxychains(world, *url.partition("//")[2].split(":"))
        times = medians(
            {
                "curl's own SOCKS client": lambda: inside(world, [], [*argv, *own]),
                "proxywrap curl": lambda: inside(world, wrap(url), argv),
                "proxychains4 curl": lambda: inside(world, chains, argv),
            },
            rounds=7,
        )
    speeds = {name: DOWNLOAD_BYTES / MIB / seconds for name, seconds in times.items()}
    table(
        f"throughput, {DOWNLOAD_BYTES // MIB} MiB on loopback",
        speeds,
        "MiB/s",
        against="curl's own SOCKS client",
    )


def parallel() -> None:
    """Many transfers at once over a link with a delay."""
    with (
        World() as near,
        World() as far,
        slow_link(near, far, ROUND_TRIP_S),
        far.running(origins.http()) as web,
        foreign.microsocks(far, HOSTS, host=FAR) as url,
    ):
        target = f"http://{NAME}:{web.port}/?[1-{PARALLEL}]"
        argv = [
            "curl",
            "-sS",
            "-Z",
            "--parallel-immediate",
            "--parallel-max",
            str(PARALLEL),
            "-o",
            "/dev/null",
            target,
        ]
        own = ["--socks5-hostname", url.partition("//")[2]]
        chains = proxychains(near, *url.partition("//")[2].split(":"))
        times = medians(
            {
                "curl's own SOCKS client": lambda: inside(near, [], [*argv, *own]),
                "proxywrap curl": lambda: inside(near, wrap(url), argv),
                "proxywrap curl, the second time": lambda: inside(near, wrap(url), argv, is_warm=True),
                "proxychains4 curl": lambda: inside(near, chains, argv),
            },
            rounds=5,
        )
    title = f"{PARALLEL} parallel transfers, round trip {ROUND_TRIP_S * 1000:.0f} ms"
    table(title, times, "s", against="curl's own SOCKS client")


def compiled_storm(world: World) -> Path:
    """Return the program that connects again and again."""
    storm = world.directory / "storm"
    subprocess.run(
        ["/usr/bin/cc", "-O1", "-pthread", "-D_GNU_SOURCE", "-o", storm, PROGRAMS / "storm.c"], check=True
    )
    return storm


def sequential() -> None:
    """One connect after the other on loopback: what a request to the helper costs."""
    with World() as world, world.running(origins.echo()) as echo, foreign.microsocks(world, HOSTS) as url:
        argv = [compiled_storm(world), NAME, str(echo.port), "1", str(SEQUENTIAL), "0"]
        chains = proxychains(world, *url.partition("//")[2].split(":"))
        times = medians(
            {
                "proxychains4": lambda: inside(world, chains, argv),
                "proxywrap": lambda: inside(world, wrap(url), argv),
            },
            rounds=3,
        )
    each = {name: seconds / SEQUENTIAL * 1000 for name, seconds in times.items()}
    table("sequential connects on loopback, with one exchange each", each, "ms", against="proxychains4")


def rules() -> None:
    """Look a destination up among RULES, beside what a whole connect through a proxy costs."""
    kinds = (
        "direct n{0}.site{0}.test",
        "chain office *.d{0}.test:1-1024",
        "block 10.{1}.{2}.0/24",
        "direct w*{0}.x",
    )
    lines = [kinds[at % len(kinds)].format(at, at // 256, at % 256) for at in range(RULES)]
    found = RuleSet([parse_rule(line.split(), Origin("rules", at)) for at, line in enumerate(lines, 1)])
    hosts = [
        "www.elsewhere.example.test",
        IPv4Address("198.51.100.7"),
        IPv6Address("2001:db8::7"),
        "n4.site4.test",
    ]

    def look_up() -> float:
        began = time.perf_counter()
        for _ in range(SEQUENTIAL):
            for host in hosts:
                found.find(host, 443, tuple)
        return (time.perf_counter() - began) / len(hosts)

    with World() as world, world.running(origins.echo()) as echo, foreign.microsocks(world, HOSTS) as url:
        argv = [compiled_storm(world), NAME, str(echo.port), "1", str(SEQUENTIAL), "0"]
        times = medians(
            {
                "a connect with one exchange": lambda: inside(world, wrap(url), argv),
                f"a look-up among {RULES} rules": look_up,
            },
            rounds=3,
        )
    each = {name: seconds / SEQUENTIAL * 1000 for name, seconds in times.items()}
    table("rules", each, "ms", against="a connect with one exchange")


def memory() -> None:
    """Measure the helper's resident memory after its first connection."""

    def resident(pid: int) -> float:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    with World() as world, world.running(origins.http()) as web, foreign.microsocks(world, HOSTS) as url:
        script = f"curl -sS http://{NAME}:{web.port}/ >/dev/null; echo $PPID; read line"
        with world.start([*wrap(url), "sh", "-c", script], stdin=subprocess.PIPE) as process:
            values = {"idle, after one connection": resident(int(process.stdout.readline()))}
            process.communicate(b"\n")
    table("helper's resident memory", values, "MiB")


def start() -> None:
    """From nothing to COMMAND's end, beside what importing click alone costs."""

    def run(argv: Sequence[str | Path]) -> float:
        begin = time.perf_counter()
        subprocess.run(argv, check=True)
        return time.perf_counter() - begin

    times = medians(
        {
            "python3 -c 'import click'": lambda: run([sys.executable, "-c", "import click"]),
            "proxywrap true": lambda: run([PROXYWRAP, "-x", "socks5://127.0.0.1:9", "true"]),
        },
        rounds=31,
    )
    table(
        "start",
        {name: seconds * 1000 for name, seconds in times.items()},
        "ms",
        against="python3 -c 'import click'",
    )


MEASUREMENTS = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(throughput, parallel, warm, sequential, rules, memory, start, overhead),
        *(filtered_parallel, relay, notified, filtered_memory),
    )
}


def main() -> None:
    """Run the measurements that were asked for, or all."""
    unknown = set(sys.argv[1:]) - MEASUREMENTS.keys()
    if unknown:
        sys.exit(f"expected some of {', '.join(MEASUREMENTS)}, found {', '.join(sorted(unknown))}")
    print(f"{os.cpu_count()} processors, Linux {os.uname().release}, Python {sys.version.split()[0]}")
    for name in sys.argv[1:] or MEASUREMENTS:
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
