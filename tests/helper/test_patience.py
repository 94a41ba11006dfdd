"""Calls that wait, and what ends that."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper.patience import ERESTARTSYS, Held, Patience, _chosen, _is_signalled
from proxywrap.net.native import signal_thread
from proxywrap.net.notification import Call
from proxywrap.protocol.wire import ReplyMessage

from .asking import finish, until
from .memory import FakeListener, calling

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNAL = signal.SIGUSR1


def hold(listener: FakeListener, limit_s: float = 0) -> tuple[Patience, Held, list[int]]:
    """Return a call that is held, and what its end will be told in."""
    patience, told = Patience(asyncio.get_running_loop().create_task), list[int]()
    caller = calling(Call.CONNECT, listener=listener)
    held = patience.hold(caller, lambda reply: told.append(reply.error), limit_s, errno.ETIMEDOUT)
    assert not patience.is_idle()
    return patience, held, told


def test_an_answer_is_heard_once() -> None:
    """What comes later is not."""

    async def scenario() -> None:
        patience, held, told = hold(FakeListener())
        held.answer(ReplyMessage(errno.ECONNREFUSED))
        held.answer(ReplyMessage())
        held.let_go()
        assert told == [errno.ECONNREFUSED]
        assert patience.is_idle()

    finish(scenario())


def test_a_limit() -> None:
    """It is the end, unless there was another."""

    async def scenario() -> None:
        patience, _held, told = hold(FakeListener(), 0.01)
        await until(patience.is_idle)
        assert told == [errno.ETIMEDOUT]

    finish(scenario())


def test_a_thread_that_is_gone() -> None:
    """It is let go at the next sweep; who watches is told, and ends it undone."""

    async def scenario() -> None:
        listener, calls = FakeListener(), []
        patience, held, told = hold(listener)
        held.watch(lambda: calls.append("let go"))
        patience.sweep()
        assert calls == []
        listener.is_gone = True
        assert held.is_let_go()
        patience.sweep()
        assert (calls, told) == (["let go"], [])
        held.close()
        assert listener.answers == [("error", ERESTARTSYS)]
        assert patience.is_idle()

    finish(scenario())


def test_nobody_watches() -> None:
    """Then it ends at once."""

    async def scenario() -> None:
        listener = FakeListener()
        patience, held, told = hold(listener)
        held.watch(lambda: pytest.fail("it was not to be called any more"))
        held.unwatch()
        listener.is_gone = True
        patience.sweep()
        assert told == [ERESTARTSYS]
        assert patience.is_idle()

    finish(scenario())


@pytest.fixture
def waiting() -> Iterator[tuple[int, int]]:
    """Have two threads of another process that take a signal and cannot: they are stopped."""
    pid = os.fork()
    if pid == 0:
        signal.signal(SIGNAL, lambda *_: None)
        threading.Thread(target=signal.pause, daemon=True).start()
        os.kill(os.getpid(), signal.SIGSTOP)
        signal.pause()
    os.waitpid(pid, os.WUNTRACED)
    try:
        yield pid, next(thread for thread in map(int, os.listdir(f"/proc/{pid}/task")) if thread != pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_signal_for_a_thread(waiting: tuple[int, int]) -> None:
    """It is that thread's, and no other's."""
    first, second = waiting
    assert not _is_signalled(first)
    signal_thread(first, second, SIGNAL)
    assert _is_signalled(second)
    assert not _is_signalled(first)


def test_a_signal_for_a_process(waiting: tuple[int, int]) -> None:
    """The first thread sees to it, for it takes it."""
    first, second = waiting
    os.kill(first, SIGNAL)
    assert _is_signalled(first)
    assert not _is_signalled(second)
    assert _chosen(first, 1 << SIGNAL - 1) == first


def test_a_signal_that_is_ignored_or_a_thread_that_is_gone(waiting: tuple[int, int]) -> None:
    """Neither is one."""
    first, _second = waiting
    os.kill(first, signal.SIGCHLD)
    assert not _is_signalled(first)
    assert not _is_signalled(2**22 + 1)
