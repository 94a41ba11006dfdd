"""A chain tried as a program's connection tries it: by the helper's own code, with its own greetings.

So what `proxywrapctl check` says of a chain that can do without some of its
proxies is what connections do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from proxywrap.address import Endpoint
from proxywrap.chains import Chain
from proxywrap.config import Config
from proxywrap.events import Event, Skipped
from proxywrap.helper.context import Context
from proxywrap.helper.detours import Detours
from proxywrap.helper.router import Router
from proxywrap.hosts import parse_hosts
from proxywrap.net.blame import AttemptFailed
from proxywrap.net.waymaking import WayMaker
from proxywrap.uri import ProxyURI

__all__ = ["ChainTrial", "try_chain"]


@dataclass(slots=True)
class ChainTrial:
    """What came of it.

    `hops` are the proxies that were gone through at last, `left_out` those that have failed.
    `failure` is why the destination was not reached; `is_answer` tells whether it is an answer for
    the destination, for which no other proxies are tried.
    """

    hops: tuple[ProxyURI, ...]
    left_out: list[ProxyURI] = field(default_factory=list)
    failure: AttemptFailed | None = None
    is_answer: bool = False

    @property
    def good(self) -> tuple[ProxyURI, ...]:
        """Those of the proxies gone through that have not failed."""
        return tuple(hop for hop in self.hops if hop not in self.left_out)


async def try_chain(chain: Chain, config: Config, maker: WayMaker, destination: Endpoint) -> ChainTrial:
    """Connect to `destination` once through a chain, with others in the place of proxies that fail."""
    trial = ChainTrial(chain.hops)
    tasks: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()

    def report(event: Event) -> None:
        if isinstance(event, Skipped) and event.hop not in trial.left_out:
            trial.left_out.append(event.hop)

    def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = loop.create_task(work)
        tasks.add(task)
        return task

    context = Context(b"", Router(config, parse_hosts(""), frozenset()), report)
    detours = Detours(context, maker, spawn)

    async def go(hops: tuple[ProxyURI, ...]) -> None:
        trial.hops = hops
        isolation = detours.isolate(os.getpid(), hops, destination.host)
        try:
            way = await maker.make(hops, destination, isolation)
        except AttemptFailed as exc:
            trial.failure = exc
            raise
        way.close()
        trial.failure = None

    try:
        await detours.through(0, chain, go, lambda: None)
    except AttemptFailed as exc:
        trial.is_answer = exc.hop is not None  # else no proxy can be used
        trial.failure = trial.failure or exc
    finally:
        if tasks:  # what it has begun to find out behind the back of connections
            await asyncio.wait(tasks)
        detours.stop()
    return trial
