"""Which of many proxies is there: asked by sockets of our own, a few at a time.

A dead proxy costs its asker a whole deadline. So the next one is asked while
the one before has not answered yet, and the first that answers is taken.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from proxywrap.errors import ProxyUnreachable
from proxywrap.net.eyeballs import HEAD_START_S, race
from proxywrap.net.hopnames import HopNames
from proxywrap.net.unix import connect_unix
from proxywrap.uri import ProxyURI

__all__ = ["Scout"]

MAX_IN_FLIGHT = 8
"""Proxies asked at a time."""

LEAST_PATIENCE_S = 0.5
"""How long the slowest proxy that is of use takes, where there are very many."""

Lost = list[tuple[ProxyURI, str]]


class Scout:
    """Finds a proxy that can be connected to.

    Args:
        names: looks up those that have one.
        connect_s: how long one, or all of them together, may take.

    """

    def __init__(self, names: HopNames, connect_s: float) -> None:
        self._names = names
        self._connect_s = connect_s

    async def find(self, hops: Sequence[ProxyURI]) -> tuple[ProxyURI | None, Lost]:
        """Return the first of `hops` to answer, and those that failed before it.

        Args:
            hops: in the order in which they are asked, two or more.

        """
        patience_s = max(LEAST_PATIENCE_S, min(self._connect_s, self._connect_s * MAX_IN_FLIGHT / len(hops)))
        lost: Lost = []
        waiting = list(reversed(hops))
        asked: dict[asyncio.Task[str | None], ProxyURI] = {}
        winner: ProxyURI | None = None
        async with asyncio.TaskGroup() as tasks:
            while winner is None and (waiting or asked):
                if waiting and len(asked) < MAX_IN_FLIGHT:
                    hop = waiting.pop()
                    asked[tasks.create_task(self._ask(hop, patience_s))] = hop
                head_start_s = HEAD_START_S if waiting and len(asked) < MAX_IN_FLIGHT else None
                done, _ = await asyncio.wait(
                    asked.keys(), timeout=head_start_s, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    hop, reason = asked.pop(task), task.result()
                    if reason is not None:
                        lost.append((hop, reason))
                    elif winner is None:
                        winner = hop
            for task, hop in asked.items():
                task.cancel()
                if winner is not None and hops.index(hop) < hops.index(winner):
                    lost.append((hop, "did not answer as soon as another"))
        return winner, lost

    async def _ask(self, hop: ProxyURI, patience_s: float) -> str | None:
        """Return why a proxy cannot be connected to, None where it can."""
        try:
            async with asyncio.timeout(patience_s):
                if hop.path is not None:
                    (await connect_unix(hop.path, patience_s)).close()
                else:
                    await race(await self._names.addresses(hop.host), hop.port)
        except TimeoutError:
            return f"cannot be connected to within {patience_s:g} s"
        except OSError as exc:
            return f"cannot be connected to: {os.strerror(exc.errno) if exc.errno else exc}"
        except ProxyUnreachable as exc:
            return exc.reason
        return None
