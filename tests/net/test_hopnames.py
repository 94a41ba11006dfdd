"""The names of first hops: looked up once in a while, for all who ask."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.errors import ProxyUnreachable
from proxywrap.net import hopnames
from proxywrap.net.hopnames import Address, HopNames

from .lending import DEADLINE_S, finish

if TYPE_CHECKING:
    from collections.abc import Iterator


class Resolver:
    """A libc that answers when it is let, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.has_been_asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.answer: list[str] | Exception = ["192.0.2.1", "2001:db8::1"]

    def getaddrinfo(self, name: str, *_: object, **__: object) -> object:
        """Answer as socket.getaddrinfo does."""
        self.asked.append(name)
        self.has_been_asked.set()
        assert self.may_answer.wait(DEADLINE_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        return [(0, 0, 0, "", (each, 0)) for each in self.answer]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Have this one in place of libc's."""
    fake = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", fake.getaddrinfo)
    yield fake
    fake.may_answer.set()


async def look_up(names: HopNames, name: str = "proxy.test") -> list[str]:
    """Return the addresses as text."""
    return [str(each) for each in await names.addresses(name)]


async def _forgotten(names: HopNames) -> None:
    while names._asked:  # noqa: ASYNC110 - it is told by no event
        await asyncio.sleep(0)


def test_one_question_for_many(resolver: Resolver) -> None:
    """Those that ask at the same time, and a while later; another name is another question."""

    async def scenario() -> None:
        names = HopNames()
        resolver.may_answer.clear()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(look_up(names)) for _ in range(100)]
            await asyncio.sleep(0)
            resolver.may_answer.set()
        assert {tuple(task.result()) for task in tasks} == {("192.0.2.1", "2001:db8::1")}
        await look_up(names)
        assert resolver.asked == ["proxy.test"]
        await look_up(names, "other.test")
        assert resolver.asked == ["proxy.test", "other.test"]

    finish(scenario())


def test_an_answer_gets_old(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that has moved is found again."""
    monkeypatch.setattr(hopnames, "VALID_S", 0)

    async def scenario() -> None:
        names = HopNames()
        await look_up(names)
        await _forgotten(names)
        resolver.answer = ["192.0.2.2"]
        assert await look_up(names) == ["192.0.2.2"]

    finish(scenario())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (UnicodeError("label empty or too long"), "label empty or too long"),
    ],
)
def test_a_failure_is_not_kept(resolver: Resolver, error: Exception, reason: str) -> None:
    """Who asks next has a new chance."""

    async def scenario() -> None:
        names = HopNames()
        resolver.answer = error
        for count in (1, 2):
            with pytest.raises(ProxyUnreachable) as caught:
                await look_up(names)
            assert caught.value.errno == errno.EHOSTUNREACH
            assert caught.value.reason == f"its name cannot be resolved: {reason}: is it spelt right?"
            assert len(resolver.asked) == count
            await _forgotten(names)
        resolver.answer = ["192.0.2.1"]
        assert await look_up(names) == ["192.0.2.1"]

    finish(scenario())


def test_who_gives_up_does_so_alone(resolver: Resolver) -> None:
    """Though it was the first to ask."""

    async def scenario() -> None:
        names = HopNames()
        resolver.may_answer.clear()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(look_up(names))
            second = group.create_task(look_up(names))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.sleep(0)
            resolver.may_answer.set()
        assert first.cancelled()
        assert second.result() == ["192.0.2.1", "2001:db8::1"]

    finish(scenario())


def test_a_failure_that_nobody_waits_for(resolver: Resolver) -> None:
    """It is nobody's error."""
    unheard: list[object] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unheard.append(context))
        names = HopNames()
        resolver.may_answer.clear()
        resolver.answer = socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await look_up(names)
        resolver.may_answer.set()
        await _forgotten(names)

    finish(scenario())
    assert unheard == []


@pytest.mark.parametrize(("version", "found"), [(4, "192.0.2.1"), (6, "2001:db8::1")])
@pytest.mark.usefixtures("resolver")
def test_one_version_of_ip(version: int, found: str) -> None:
    """Of a name's addresses those are taken; a hop that has none of them is told."""

    async def scenario() -> None:
        names = HopNames(version)
        assert await look_up(names) == [found]
        assert await names.look_up("proxy.test") == [
            ip_address(text) for text in ("192.0.2.1", "2001:db8::1")
        ]
        other = ip_address("2001:db8::7" if version == 4 else "192.0.2.7")
        with pytest.raises(ProxyUnreachable) as caught:
            await names.addresses(other)
        assert caught.value.errno == errno.ENETUNREACH
        assert caught.value.reason == f"has no IPv{version} address: leave out -{version}"

    finish(scenario())


@pytest.mark.usefixtures("resolver")
def test_the_winner_of_a_race_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a while; the others stay behind it."""
    races: list[int] = []

    async def win(addresses: list[Address], port: int) -> Address:
        races.append(port)
        return addresses[-1]

    monkeypatch.setattr(hopnames, "race", win)

    async def scenario() -> None:
        names = HopNames()
        addresses = await names.addresses("proxy.test")
        for _ in range(2):
            assert await names.ranked(addresses, 1080) == addresses[::-1]
        assert await names.ranked(addresses[:1], 1080) == addresses[:1]
        assert races == [1080]

    finish(scenario())
