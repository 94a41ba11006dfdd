"""System calls that must wait for their answer, and the end of their patience.

The kernel does not tell when a thread that waits is gone: it is looked after
from time to time, all of them at once.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine
from typing import Any

from proxywrap.helper.caller import Caller
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["Held", "Patience", "Spawn"]

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Runs a coroutine in the helper's group of tasks."""

Finish = Callable[[ReplyMessage], None]


class Held:
    """One call that waits; the leash of what is done for it (`proxywrap.helper.leash.Leash`)."""

    def __init__(self, patience: Patience, caller: Caller, finish: Finish) -> None:
        self.caller = caller
        self._patience = patience
        self._finish: Finish | None = finish
        self._on_let_go: Callable[[], object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, limit_s: float) -> None:
        """Answer EINPROGRESS after a time, as connect(2) does after SO_SNDTIMEO."""
        reply = ReplyMessage(errno.EINPROGRESS)
        self._timer = asyncio.get_running_loop().call_later(limit_s, self.answer, reply)

    def watch(self, on_let_go: Callable[[], object]) -> None:
        """Have `on_let_go` called when the thread is gone, until `unwatch`."""
        self._on_let_go = on_let_go

    def unwatch(self) -> None:
        """Call nobody any more."""
        self._on_let_go = None

    def is_let_go(self) -> bool:
        """Tell whether the thread is gone."""
        return not self.caller.is_waiting()

    def answer(self, reply: ReplyMessage) -> None:
        """Tell how it went; what comes after the first time is not heard."""
        finish, self._finish = self._finish, None
        self.close()
        if finish is not None:
            finish(reply)

    def let_go(self) -> None:
        """Take note that the thread is gone."""
        if self._on_let_go is not None:
            self._on_let_go()
        else:
            self.answer(ReplyMessage(errno.EINTR))

    def close(self) -> None:
        """Look after it no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._patience.release(self)


class Patience:
    """All calls that wait.

    Args:
        spawn: runs a coroutine.

    """

    def __init__(self, spawn: Spawn) -> None:
        self.spawn = spawn
        self._held: set[Held] = set()

    def hold(self, caller: Caller, finish: Finish, limit_s: float = 0) -> Held:
        """Keep a call waiting; `finish` is called once, unless what is returned is closed before.

        Args:
            caller: who waits.
            finish: answers, or frees what is held for one that is gone (EINTR).
            limit_s: how long, 0 for as long as it takes.

        """
        held = Held(self, caller, finish)
        self._held.add(held)
        if limit_s:
            held.limit(limit_s)
        return held

    def release(self, held: Held) -> None:
        """Look after a call no more."""
        self._held.discard(held)

    def sweep(self) -> None:
        """Let go of threads that are gone."""
        for held in [each for each in self._held if each.is_let_go()]:
            held.let_go()

    def is_idle(self) -> bool:
        """Tell whether nobody waits."""
        return not self._held
