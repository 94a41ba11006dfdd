"""What `proxywrapctl check` found, as a table or as JSON."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sys
from collections.abc import Coroutine, Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.text import Text

from proxywrap.address import Endpoint
from proxywrap.chains import chains_of
from proxywrap.check import check
from proxywrap.config import Config
from proxywrap.findings import ChainReport, HopReport, Report
from proxywrap.hopoptions import PIPELINE, is_for
from proxywrap.layout import Table, wrap
from proxywrap.net.walking import Stop, StopKind, Walk

__all__ = ["as_json", "print_report", "run_check"]

MAX_WIDTH = 1 << 20
"""Of what is no terminal: nothing is wrapped."""

LOGIN = "login"
"""What SSH servers alone have."""

STEPS = ("look-up", "connect", LOGIN, "methods", "password", "request")
"""What a proxy takes its time for."""

_ANSWERS = {True: "yes", False: "no", None: "?"}

_STYLES = {"yes": "green", "no": "red", "?": "yellow"}


def run_check(config: Config, destination: Endpoint | None, *, is_json: bool) -> int:
    """Check a configuration, showing how far that is on a terminal; print what was found; return the status.

    Args:
        config: what to check.
        destination: what the chains are to reach, if not the last proxy's loopback.
        is_json: print JSON in the place of tables.

    """
    chains = chains_of(config).values()
    total = len(chains) + sum(len(chain.hops) for chain in chains)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("checking", total=total)

        def advance(what: str) -> None:
            progress.update(task, advance=1, description=escape(what))

        report = _run(check(config, destination, advance))
    if is_json:
        sys.stdout.write(f"{json.dumps(as_json(report), indent=2)}\n")
    else:
        print_report(report, _console())
    return 0 if report.is_good else 1


def _console() -> Console:
    """Return stdout: only a terminal has an edge and colours, and NO_COLOR takes those away, bold too."""
    if not sys.stdout.isatty():
        return Console(width=MAX_WIDTH, color_system=None)
    return Console(color_system=None if os.environ.get("NO_COLOR") else "auto")


def _run(work: Coroutine[Any, Any, Report]) -> Report:
    """Return what comes of the work; a signal that ends us ends first what we have started for it."""
    stopped: list[int] = []

    async def heeding() -> Report:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101 - a coroutine runs in a task

        def stop(signum: int) -> None:
            stopped.append(signum)
            task.cancel()

        for signum in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(signum, stop, signum)
        return await work

    try:
        return asyncio.run(heeding())
    except asyncio.CancelledError:
        for signum in stopped:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
        raise


def as_json(report: Report) -> dict[str, object]:
    """Return what was found as JSON has it; credentials are masked."""
    return {
        "is_good": report.is_good,
        "hops": [_hop_as_json(each) for each in report.hops],
        "chains": [_chain_as_json(each) for each in report.chains],
    }


def print_report(report: Report, console: Console) -> None:
    """Print what was found: the proxies, the chains, and what to write instead."""
    hops = Table("proxy", "reachable", "speaks", "login", "IPv4", "IPv6", "names", "pipeline")
    has_login = any(step.name == LOGIN for each in report.hops for step in each.walk.steps)
    steps = [name for name in STEPS if name != LOGIN or has_login]
    times = Table("milliseconds", *steps)
    for each in report.hops:
        answers = [_ANSWERS[kind] for kind in (*each.carries, each.takes_one_flight)]
        if not is_for(PIPELINE, each.hop.kind):
            answers[-1] = ""
        hops.add(each.hop, _ANSWERS[each.is_reachable], each.spoken, each.authentication, *answers)
        taken = {step.name: f"{step.took_s * 1000:.1f}" for step in each.walk.steps}
        times.add(each.hop, *(taken.get(name, "") for name in steps))
    chains = Table("chain", "kind", "works", "through", "milliseconds", long=3)
    for chain in report.chains:
        way = " > ".join(str(hop) for hop in chain.hops)
        took = f"{chain.walk.took_s * 1000:.1f}"
        chains.add(chain.name, chain.kind, _ANSWERS[chain.is_working], way, took)
    for table in (hops, times, chains):
        _print_table(table, console)
    for remark in dict.fromkeys(_remarks(report)):
        for line in wrap(remark, console.width):
            console.print(Text(line), soft_wrap=True)


def _print_table(table: Table, console: Console) -> None:
    """Print a table; its cells are no markup, as `[::1]` would be."""
    for line in table.lines(console.width):
        text = Text(style="bold" if line.is_header else "")
        for cell in line.cells:
            text.append(cell, None if line.is_header else _STYLES.get(cell.strip()))
        text.rstrip()
        console.print(text, soft_wrap=True)


def _remarks(report: Report) -> Iterable[str]:
    """Return a line for each proxy that there is something to say of, and for each such chain."""
    for each in report.hops:
        if each.advice is not None:
            yield f"{each.hop}: {each.advice}"
    for chain in report.chains:
        stop = chain.walk.stop
        without = ", ".join(str(hop) for hop in chain.left_out)
        if chain.is_good:
            if without:
                yield f"chain {chain.name}: goes on without {without}"
        elif chain.is_working and stop is not None:
            went_on = f", without {without}" if without else ""
            yield f"chain {chain.name}: works{went_on}, but {_on_destination(chain, stop)}"
        else:
            why = "" if stop is None else f": {stop.hop}: {stop.reason}"
            yield f"chain {chain.name}: broken{why}"


def _on_destination(chain: ChainReport, stop: Stop) -> str:
    """Return what became of the destination of `--to`."""
    is_refused = stop.kind is StopKind.ANSWER and stop.errno == errno.ECONNREFUSED
    what = "refuses the connection" if is_refused else "is not reached"
    return f"{chain.destination} {what}: {stop.hop}: {stop.reason}"


def _hop_as_json(report: HopReport) -> dict[str, object]:
    v4, v6, names = report.carries
    return {
        "proxy": str(report.hop),
        "through": [str(hop) for hop in report.through],
        "blocked_by": None if report.blocked_by is None else str(report.blocked_by),
        "is_reachable": report.is_reachable,
        "is_good": report.is_good,
        "speaks": report.spoken,
        "authentication": report.authentication,
        "ipv4": v4,
        "ipv6": v6,
        "names": names,
        "pipeline": report.takes_one_flight,
        "advice": report.advice,
        **_walk_as_json(report.walk),
    }


def _chain_as_json(report: ChainReport) -> dict[str, object]:
    return {
        "chain": report.name,
        "kind": str(report.kind),
        "is_good": report.is_good,
        "is_working": report.is_working,
        "hops": [str(hop) for hop in report.hops],
        "left_out": [str(hop) for hop in report.left_out],
        **_walk_as_json(report.walk),
    }


def _walk_as_json(walk: Walk) -> dict[str, object]:
    stop = walk.stop
    return {
        "steps": [
            {"proxy": str(step.hop), "step": step.name, "took_s": round(step.took_s, 6)}
            for step in walk.steps
        ],
        "stop": None if stop is None else {"proxy": str(stop.hop), "kind": stop.kind, "reason": stop.reason},
    }
