"""Which of many proxies is there: asked by sockets of our own, a few at a time.

A dead proxy costs its asker a whole deadline. So several are asked at once,
and each has the less time the more of them there are.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Sequence

from proxywrap.errors import ProxywrapError, TimedOut, TruncatedError
from proxywrap.net.connector import AttemptFailed, Deadlines
from proxywrap.net.driver import run
from proxywrap.net.waymaking import WayMaker
from proxywrap.protocol.greeting import asks_at_once, unfinished_greeting
from proxywrap.protocol.isolation import UNASKED, Isolation
from proxywrap.uri import ProxyURI

__all__ = ["Scout"]

MAX_IN_FLIGHT = 8
"""Proxies asked at a time, by all connections together."""

LEAST_PATIENCE_S = 0.25
"""What a proxy that is of use needs for an answer (RFC 8305, section 5), where there are very many."""

GRACE_S = 1.0
"""How much later than the next one a proxy may answer and still be preferred to it."""

LEAST_SILENCE_S = 0.1
"""How long, at least, a proxy is silent to half of a question that waits for the rest."""

Lost = list[tuple[ProxyURI, str]]


class Scout:
    """Finds out which proxies can be used.

    Args:
        maker: makes a way to one; its deadlines are for a proxy that is asked alone.
        isolation: of those who ask.

    """

    def __init__(self, maker: WayMaker, isolation: Isolation = UNASKED) -> None:
        self._maker = maker
        self._deadlines = maker.deadlines
        self._isolation = isolation
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)

    async def ask(self, prefix: Sequence[ProxyURI], hop: ProxyURI, patience_s: float) -> str | None:
        """Return why a proxy cannot be used, None where it can.

        Args:
            prefix: the proxies that lead to it.
            hop: the one in question.
            patience_s: how long it may take in all.

        """
        deadlines = Deadlines(
            min(self._deadlines.connect_s, patience_s), min(self._deadlines.read_s, patience_s)
        )
        maker = WayMaker(deadlines, self._maker.names, self._maker.tunnels)
        async with self._slots:
            try:
                async with asyncio.timeout(patience_s):
                    await self._greet(maker, [*prefix, hop])
            except AttemptFailed as exc:
                return exc.reason
            except TimeoutError:
                return f"did not answer within {patience_s:g} s"
            except OSError as exc:
                return f"cannot be asked: {os.strerror(exc.errno) if exc.errno else exc}"
            except Exception as exc:  # noqa: BLE001 - one question's error must not end all others
                return f"cannot be asked: {exc!r}"
        return None

    async def _greet(self, maker: WayMaker, hops: Sequence[ProxyURI]) -> None:
        """Ask the last of `hops`; one that closes is asked once more, by half of a question.

        Raises:
            AttemptFailed: it cannot be used, and why.

        """
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            (await maker.make(hops, None, self._isolation)).close()
        except AttemptFailed as exc:
            has_closed = isinstance(exc.__cause__, TruncatedError | ConnectionResetError | BrokenPipeError)
            if exc.hop != hops[-1] or not has_closed or not asks_at_once(hops[-1]):
                raise
            # What does not speak its protocol closes as soon as it has closed before.
            silence_s = LEAST_SILENCE_S + 2 * (loop.time() - began_s)
            if not await self._waits(maker, hops, silence_s):
                raise

    async def _waits(self, maker: WayMaker, hops: Sequence[ProxyURI], silence_s: float) -> bool:
        """Tell whether the last of `hops` keeps silent for so long to a question whose end is missing."""
        way = await maker.reach_last(hops, self._isolation)
        way.lent.read_timeout_s = silence_s
        try:
            await run(unfinished_greeting(hops[-1]), way.io)
        except TimedOut:
            return True
        except (ProxywrapError, OSError):
            return False
        finally:
            way.close()
        return False  # it has answered to half of a question

    def patience_s(self, count: int) -> float:
        """Return how long each of so many proxies may take, so that they are done by the connect deadline."""
        rounds = math.ceil(count / MAX_IN_FLIGHT)
        if rounds == 1:
            return self._deadlines.connect_s
        return max(LEAST_PATIENCE_S, self._deadlines.connect_s / (2 * rounds))

    async def sweep(self, hops: Sequence[ProxyURI], tell: Callable[[ProxyURI, str | None], None]) -> None:
        """Ask each of `hops` by itself, and tell each answer as it comes."""
        patience_s = self.patience_s(len(hops))
        waiting = list(reversed(hops))

        async def work() -> None:
            while waiting:
                hop = waiting.pop()
                tell(hop, await self.ask((), hop, patience_s))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(MAX_IN_FLIGHT, len(hops))):
                tasks.create_task(work())

    async def find(
        self, prefix: Sequence[ProxyURI], hops: Sequence[ProxyURI]
    ) -> tuple[ProxyURI | None, Lost]:
        """Return the first of `hops` that can be used, and those before it, which cannot.

        Each is asked when the one before has failed or is slow, for who is asked learns of us.
        One that answers much later than another one behind it is among those that cannot be used.

        Args:
            prefix: the proxies that lead to them.
            hops: in the order of preference, one or more.

        """
        patience_s = self.patience_s(len(hops))
        head_start_s = min(GRACE_S, patience_s / MAX_IN_FLIGHT)
        answers: dict[ProxyURI, str | None] = {}
        waiting = list(reversed(hops))
        limit_s: float | None = None
        asked: dict[asyncio.Task[str | None], ProxyURI] = {}
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while (waiting or asked) and not _is_decided(hops, answers):
                left_s = None if limit_s is None else limit_s - loop.time()
                if left_s is not None and (left_s <= 0 or not asked):
                    break
                if waiting and len(asked) < MAX_IN_FLIGHT and limit_s is None:
                    hop = waiting.pop()
                    asked[tasks.create_task(self.ask(prefix, hop, patience_s))] = hop
                    left_s = head_start_s
                done, _ = await asyncio.wait(
                    asked.keys(), timeout=left_s, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    answers[asked.pop(task)] = task.result()
                if limit_s is None and None in answers.values():
                    limit_s = loop.time() + min(GRACE_S, patience_s)
            for task in asked:
                task.cancel()
        lost: Lost = []
        for hop in hops:
            reason = answers.get(hop, "did not answer as soon as another")
            if reason is None:
                return hop, lost
            lost.append((hop, reason))
        return None, lost


def _is_decided(hops: Sequence[ProxyURI], answers: dict[ProxyURI, str | None]) -> bool:
    """Tell whether the first one that can be used is known."""
    for hop in hops:
        if hop not in answers:
            return False
        if answers[hop] is None:
            return True
    return True
