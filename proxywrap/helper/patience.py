"""System calls that must wait for their answer, and the end of their patience.

The kernel does not tell when a thread that waits is gone: it is looked after
from time to time, all of them at once.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from proxywrap.helper.caller import Caller
from proxywrap.helper.context import Spawn
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["ERESTARTSYS", "Held", "Patience"]

Finish = Callable[[ReplyMessage], None]


ERESTARTSYS = 512
"""The kernel's own (linux/errno.h): the signal is seen to, then the call fails with EINTR or
begins anew, as SA_RESTART says."""


class Held:
    """One call that waits; the leash of what is done for it (`proxywrap.helper.leash.Leash`)."""

    def __init__(self, patience: Patience, caller: Caller, finish: Finish) -> None:
        self.caller = caller
        self._patience = patience
        self._finish: Finish | None = finish
        self._on_let_go: Callable[[], object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_broken_off = False

    def limit(self, limit_s: float, error: int) -> None:
        """Answer with an errno after a time."""
        self._timer = asyncio.get_running_loop().call_later(limit_s, self.answer, ReplyMessage(error))

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
        """Take note that the thread is gone, or has a signal to see to: the call ends undone."""
        self._is_broken_off = True
        if self._on_let_go is not None:
            self._on_let_go()
        else:
            self.answer(ReplyMessage(ERESTARTSYS))

    def close(self) -> None:
        """Look after it no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._patience.release(self)
        if self._is_broken_off and self._finish is not None:
            self._finish = None
            self.caller.fail(ERESTARTSYS)


class Patience:
    """All calls that wait.

    Args:
        spawn: runs a coroutine.

    """

    def __init__(self, spawn: Spawn) -> None:
        self.spawn = spawn
        self._held: set[Held] = set()

    def hold(self, caller: Caller, finish: Finish, limit_s: float = 0, late: int = errno.EAGAIN) -> Held:
        """Keep a call waiting; `finish` is called once, unless what is returned is closed before.

        Args:
            caller: who waits.
            finish: answers, with ERESTARTSYS a call that is broken off.
            limit_s: how long, 0 for as long as it takes.
            late: the errno after that time.

        """
        held = Held(self, caller, finish)
        self._held.add(held)
        if limit_s:
            held.limit(limit_s, late)
        return held

    def release(self, held: Held) -> None:
        """Look after a call no more."""
        self._held.discard(held)

    def sweep(self) -> None:
        """Let go of threads that are gone or have a signal to see to."""
        for held in list(self._held):
            if held.is_let_go() or _is_signalled(held.caller.thread):
                held.let_go()

    def is_idle(self) -> bool:
        """Tell whether nobody waits."""
        return not self._held


_STATUS = re.compile(
    r"^State:\s(?P<state>.).*^Tgid:\s(?P<process>\d+).*"
    r"^SigPnd:\s(\w+)\nShdPnd:\s(\w+)\nSigBlk:\s(\w+)\nSigIgn:\s(\w+)",
    re.DOTALL | re.MULTILINE,
)
"""Of /proc/PID/status, proc_pid_status(5)."""


class _Signals(NamedTuple):
    """Of one thread: those that wait for it, for its process, and that it takes."""

    process: int
    own: int
    shared: int
    taken: int


def _is_signalled(thread: int) -> bool:
    """Tell whether a thread has a signal to see to: while it waits it is woken for none but a fatal one.

    ERESTARTSYS is only for a thread that the kernel has chosen to see to a
    signal; another one would find it in errno.
    """
    signals = _signals_of(thread)
    if signals is None:
        return False
    if signals.own & signals.taken:
        return True
    shared = signals.shared & signals.taken
    return bool(shared) and _chosen(signals.process, shared) == thread


def _chosen(process: int, shared: int) -> int | None:
    """Return which thread sees to a process's signals: the first, or the only one that takes them.

    Where several others do, it cannot be told; they are left to wait.
    """
    first = _signals_of(process)
    if first is not None and first.taken & shared:
        return process
    takers = []
    with suppress(OSError):  # it has ended
        for name in os.listdir(f"/proc/{process}/task"):
            signals = _signals_of(int(name))
            if signals is not None and signals.taken & shared:
                takers.append(int(name))
    return takers[0] if len(takers) == 1 else None


def _signals_of(thread: int) -> _Signals | None:
    """Return None for a thread that has ended."""
    try:
        with open(f"/proc/{thread}/status") as status:
            found = _STATUS.search(status.read())
    except OSError:
        return None
    if found is None or found["state"] in "ZX":
        return None
    own, shared, blocked, ignored = (int(each, 16) for each in found.groups()[2:])
    return _Signals(int(found["process"]), own, shared, ~(blocked | ignored))
