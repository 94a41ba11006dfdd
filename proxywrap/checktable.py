"""What `proxywrapctl check` found, as a table or as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine, Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from proxywrap.address import Endpoint
from proxywrap.chains import chains_of
from proxywrap.check import check
from proxywrap.config import Config
from proxywrap.findings import ChainReport, HopReport, Report
from proxywrap.hopoptions import PIPELINE, is_for
from proxywrap.net.walking import Walk

__all__ = ["as_json", "print_report", "run_check"]

MAX_WIDTH = 1000

LOGIN = "login"
"""What SSH servers alone have."""

STEPS = ("look-up", "connect", LOGIN, "methods", "password", "request")
"""What a proxy takes its time for."""

_ANSWERS = {True: "yes", False: "no", None: "?"}


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
        # Only a terminal has an edge at which lines must be folded.
        print_report(report, Console(width=None if sys.stdout.isatty() else MAX_WIDTH))
    return 0 if report.is_good else 1


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
    hops = _table("proxy", "reachable", "speaks", "login", "IPv4", "IPv6", "names", "pipeline")
    has_login = any(step.name == LOGIN for each in report.hops for step in each.walk.steps)
    steps = [name for name in STEPS if name != LOGIN or has_login]
    times = _table("milliseconds", *steps)
    for each in report.hops:
        answers = [_ANSWERS[kind] for kind in (*each.carries, each.takes_one_flight)]
        if not is_for(PIPELINE, each.hop.kind):
            answers[-1] = ""
        hops.add_row(
            *_cells(each.hop, _ANSWERS[each.is_reachable], each.spoken, each.authentication, *answers)
        )
        taken = {step.name: f"{step.took_s * 1000:.1f}" for step in each.walk.steps}
        times.add_row(*_cells(each.hop, *(taken.get(name, "") for name in steps)))
    console.print(hops)
    console.print(times)
    chains = _table("chain", "kind", "works", "through", "milliseconds")
    for chain in report.chains:
        way = " > ".join(str(hop) for hop in chain.hops)
        took = f"{chain.walk.took_s * 1000:.1f}"
        chains.add_row(*_cells(chain.name, chain.kind, _ANSWERS[chain.is_good], way, took))
    console.print(chains)
    for line in _remarks(report):
        console.print(Text(line), soft_wrap=True)


def _remarks(report: Report) -> Iterable[str]:
    for each in report.hops:
        if each.advice is not None:
            yield f"{each.hop}: {each.advice}"
    for chain in report.chains:
        for hop in chain.left_out:
            yield f"chain {chain.name}: goes on without {hop}"
        if not chain.is_good:
            stop = chain.walk.stop
            why = "" if stop is None else f": {stop.hop}: {stop.reason}"
            yield f"chain {chain.name}: broken{why}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _cells(*values: object) -> list[Text]:
    """Return text that is not read as markup: `[::1]` would be."""
    return [Text(str(value)) for value in values]


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
