"""Names and addresses as the last proxy of the default chain, a Tor, knows them.

Each is asked about once at a time, whoever wants to know, and the answer is
remembered for a while. Nothing waits here but what has asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from proxywrap.address import Host
from proxywrap.chains import Chain
from proxywrap.events import Blocked, Note, Resolved, Unresolved
from proxywrap.helper.context import Context, Spawn
from proxywrap.net.blame import AttemptFailed

if TYPE_CHECKING:
    from proxywrap.protocol.torlookup import Answer  # for chains that end in a Tor, which few do

__all__ = ["FarNames", "Found"]

VALID_S = 60.0
"""How long an answer counts, for Tor does not tell its TTL: what it tells programs that ask by themselves."""

NONE_VALID_S = 10.0
"""How long it counts that there is none, which Tor also says of what it could not find out."""

MAX_KNOWN = 4096
"""Answers remembered at a time, the latest ones."""

MAX_ASKED = 64
"""Questions asked at a time, each by a connection of its own; others wait."""

Ask = Callable[[int, Chain, Host], "Awaitable[Answer]"]
"""Asks the last proxy of a chain on behalf of a process; raises AttemptFailed."""


class Found(NamedTuple):
    """An answer: an address for a name, a name for an address; None where there is none."""

    answer: Answer


class FarNames:
    """Asks, and remembers.

    Args:
        context: what the sessions share.

    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ask: Ask | None = None
        self._spawn: Spawn | None = None
        self._turns = asyncio.Semaphore(MAX_ASKED)
        self._known: dict[Host, Found] = {}
        self._waiting: dict[Host, list[Callable[[], None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._era = 0
        """How often all was forgotten: an answer from before that is none."""

    def begin(self, ask: Ask, spawn: Spawn) -> None:
        """Be able to ask from now on."""
        self._ask, self._spawn = ask, spawn

    def forget(self) -> None:
        """Forget the answers: another proxy may have others."""
        self._known.clear()
        self._era += 1

    def close(self) -> None:
        """Ask no more; who waits is told."""
        for task in self._tasks:
            task.cancel()

    def known(self, question: Host) -> Found | None:
        """Return what is remembered about a name or an address, in its normal form."""
        return self._known.get(question)

    def ask(self, question: Host, pid: int, on_end: Callable[[], None]) -> None:
        """Ask about a name or an address on behalf of `pid`.

        `on_end` is called when it is known, or when it could not be found out.
        """
        waiting = self._waiting.setdefault(question, [])
        waiting.append(on_end)
        if len(waiting) > 1:
            return
        assert self._spawn is not None  # noqa: S101 - requests come after `begin`
        task = self._spawn(self._find_out(question, pid))
        self._tasks.add(task)

        def end(task: asyncio.Task[None]) -> None:
            # Here, for a task that is cancelled before its first step takes none.
            self._tasks.discard(task)
            for tell in self._waiting.pop(question):
                tell()

        task.add_done_callback(end)

    async def _find_out(self, question: Host, pid: int) -> None:
        assert self._ask is not None  # noqa: S101 - requests come after `begin`
        try:
            async with self._turns:
                while True:
                    era = self._era
                    answer = await self._ask(pid, self._context.router.default, question)
                    if era == self._era:
                        break
        except AttemptFailed as exc:
            origin = self._context.router.origin(exc.hop)
            self._context.report(Unresolved(pid, str(question), exc.hop, exc.reason, origin))
        except Exception as exc:  # noqa: BLE001 - one question's error must not end all others
            self._context.report(Note(f"cannot ask about {question}: {exc!r} [pid {pid}]"))
        else:
            self._remember(question, self._judge(question, answer, pid))

    def _judge(self, question: Host, answer: Answer, pid: int) -> Answer:
        """Return an answer if it is of use, and tell of it."""
        if answer is None:
            return None
        if isinstance(question, str):
            assert not isinstance(answer, str)  # noqa: S101 - the protocol has seen to it
            if not self._context.router.note_address(question, answer):
                what = f"the address {answer} of {question}"
                self._context.report(Blocked(pid, what, "what is there is not reached through the proxies"))
                return None
            self._context.report(Resolved(pid, question, (answer,), is_remote=False, is_found=True))
        else:
            self._context.report(Resolved(pid, str(answer), (question,), is_remote=False, is_found=True))
        return answer

    def _remember(self, question: Host, answer: Answer) -> None:
        found = self._known[question] = Found(answer)
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]
        valid_s = NONE_VALID_S if answer is None else VALID_S
        asyncio.get_running_loop().call_later(valid_s, self._lapse, question, found)

    def _lapse(self, question: Host, found: Found) -> None:
        if self._known.get(question) is found:
            del self._known[question]
