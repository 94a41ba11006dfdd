"""What the last proxy is asked about: once at a time, and remembered for a while."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.events import Blocked, Event, Note, Resolved, Unresolved
from proxywrap.helper import farnames
from proxywrap.helper.context import Context
from proxywrap.helper.farnames import FarNames, Found
from proxywrap.helper.router import Router
from proxywrap.hosts import parse_hosts
from proxywrap.net.blame import AttemptFailed
from proxywrap.origin import Origin
from proxywrap.parser import parse_config

from .asking import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxywrap.address import Host
    from proxywrap.chains import Chain
    from proxywrap.protocol.torlookup import Answer

FILE = b"[ProxyList]\nsocks5://192.0.2.1:1080 tor=1\n[rules]\nresolve remote *.test\n"
TRUE = ip_address("8.8.4.4")


class Asker:
    """A chain whose last proxy answers when it is told to."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.events: list[Event] = []
        self.asked: list[tuple[int, Host]] = []
        self.answers: dict[Host, asyncio.Future[Answer]] = {}
        self.router = Router(parse_config(FILE, "t.conf"), parse_hosts(""), frozenset())
        self.far = FarNames(Context(b"", self.router, self.events.append))
        self.far.begin(self._ask, group.create_task)
        self.ended: list[Host] = []
        self._stirred = asyncio.Event()

    async def _ask(self, pid: int, chain: Chain, question: Host) -> Answer:
        assert chain is self.router.default
        self.asked.append((pid, question))
        self._stirred.set()
        return await self.answers.setdefault(question, asyncio.get_running_loop().create_future())

    def begin(self, question: Host, pid: int = 1) -> None:
        """Have it asked."""

        def end() -> None:
            self.ended.append(question)
            self._stirred.set()

        self.far.ask(question, pid, end)

    async def until(self, has_come: Callable[[], bool]) -> None:
        """Wait until something is so."""
        while not has_come():
            self._stirred.clear()
            await self._stirred.wait()

    async def ask(self, question: Host, answer: Answer | Exception = None, count: int = 1) -> Found | None:
        """Have it asked so often, and answered once; return what is known then."""
        for pid in range(1, count + 1):
            self.begin(question, pid)
        future = self.answers[question] = asyncio.get_running_loop().create_future()
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        await self.until(lambda: self.ended.count(question) == count)
        self.ended.clear()
        del self.answers[question]
        return self.far.known(question)


def test_all_who_ask_hear_one_answer() -> None:
    """It is asked on behalf of the first."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            assert await asker.ask("a.test", TRUE, count=3) == Found(TRUE)
            assert asker.asked == [(1, "a.test")]
            assert asker.events == [Resolved(1, "a.test", (TRUE,), is_remote=False, is_found=True)]
            assert asker.router.route(TRUE, 80).destination.host == "a.test"
            assert await asker.ask(TRUE, "b.test") == Found("b.test")
            assert asker.events[1:] == [Resolved(1, "b.test", (TRUE,), is_remote=False, is_found=True)]
            asker.far.forget()
            assert asker.far.known("a.test") is None

    finish(play())


def test_an_answer_from_before_all_was_forgotten() -> None:
    """It is asked again, and what another proxy says counts."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            old = asker.answers["a.test"] = asyncio.get_running_loop().create_future()
            asker.begin("a.test")
            await asker.until(lambda: len(asker.asked) == 1)
            asker.far.forget()
            new = asker.answers["a.test"] = asyncio.get_running_loop().create_future()
            old.set_result(ip_address("8.8.4.5"))
            new.set_result(TRUE)
            await asker.until(lambda: asker.ended == ["a.test"])
            assert len(asker.asked) == 2
            assert asker.far.known("a.test") == Found(TRUE)

    finish(play())


def test_there_is_none() -> None:
    """That is an answer, too, and nobody's fault."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            assert await asker.ask("a.test", None) == Found(None)
            assert asker.events == []

    finish(play())


@pytest.mark.parametrize("answer", [TRUE, None])
def test_an_answer_lapses(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Each in its time."""
    monkeypatch.setattr(farnames, "NONE_VALID_S" if answer is None else "VALID_S", 0)

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            await asker.ask("a.test", answer)
            passed = asyncio.Event()
            asyncio.get_running_loop().call_later(0.01, passed.set)
            await passed.wait()
            assert asker.far.known("a.test") is None

    finish(play())


def test_an_old_answer_does_not_end_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was forgotten and asked anew counts for its own time."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            monkeypatch.setattr(farnames, "VALID_S", 0.01)
            await asker.ask("a.test", TRUE)
            asker.far.forget()
            monkeypatch.setattr(farnames, "VALID_S", 60)
            await asker.ask("a.test", TRUE)
            passed = asyncio.Event()
            asyncio.get_running_loop().call_later(0.02, passed.set)
            await passed.wait()
            assert asker.far.known("a.test") == Found(TRUE)

    finish(play())


def test_so_many_answers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest ones."""
    monkeypatch.setattr(farnames, "MAX_KNOWN", 2)

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            for name in ("a.test", "b.test", "c.test"):
                await asker.ask(name, TRUE)
            known = [asker.far.known(name) is not None for name in ("a.test", "b.test", "c.test")]
            assert known == [False, True, True]

    finish(play())


def test_a_chain_of_a_file_of_proxychains_that_fails() -> None:
    """What is told of it has the line where the proxy is written."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            asker.router.adopt(replace(parse_config(FILE, "t.conf"), is_for_proxychains=True))
            hop = asker.router.default.hops[0]
            failed = AttemptFailed(hop, "is not there", errno=errno.ECONNREFUSED, is_chain_fault=True)
            await asker.ask("a.test", failed)
            assert asker.events == [Unresolved(1, "a.test", hop, "is not there", Origin("t.conf", 2))]

    finish(play())


def test_a_chain_that_fails() -> None:
    """Nothing is remembered of it, and the next one who asks has it asked again."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            hop = asker.router.default.hops[0]
            failed = AttemptFailed(hop, "is not there", errno=errno.ECONNREFUSED, is_chain_fault=True)
            assert await asker.ask("a.test", failed, count=2) is None
            assert asker.events == [Unresolved(1, "a.test", hop, "is not there")]
            assert await asker.ask("a.test", TRUE) == Found(TRUE)

    finish(play())


def test_an_error_of_ours() -> None:
    """It is told, and ends that question alone."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            assert await asker.ask("a.test", ZeroDivisionError()) is None
            assert asker.events == [Note("cannot ask about a.test: ZeroDivisionError() [pid 1]")]

    finish(play())


def test_an_address_that_leads_elsewhere() -> None:
    """It is told, and not given to anybody."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            assert await asker.ask("a.test", ip_address("127.0.0.1")) == Found(None)
            assert [type(event) for event in asker.events] == [Blocked]

    finish(play())


def test_the_end() -> None:
    """Who waits is told, whether it was asked for them already or not."""

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            asker.begin("a.test")
            await asker.until(lambda: len(asker.asked) == 1)
            asker.begin("b.test")
            asker.far.close()
        assert sorted(map(str, asker.ended)) == ["a.test", "b.test"]
        assert asker.asked == [(1, "a.test")]

    finish(play())


def test_so_many_are_asked_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait for their turn."""
    monkeypatch.setattr(farnames, "MAX_ASKED", 2)

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            asker = Asker(group)
            names = ["a.test", "b.test", "c.test"]
            for name in names:
                asker.begin(name)
            await asker.until(lambda: len(asker.asked) == 2)
            await asyncio.sleep(0)
            assert asker.asked == [(1, "a.test"), (1, "b.test")]
            asker.answers["a.test"].set_result(None)
            await asker.until(lambda: len(asker.asked) == 3)
            asker.far.close()

    finish(play())
