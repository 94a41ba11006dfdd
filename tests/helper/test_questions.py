"""When questions are answered: at once, or once it is known which family is wanted."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import dns.message
import pytest

from proxywrap.config import Config, Options
from proxywrap.helper import questions
from proxywrap.helper.questions import Questions
from proxywrap.helper.router import Router
from proxywrap.hosts import parse_hosts

from .asking import finish


def message(name: str, kind: str) -> bytes:
    """Return a question."""
    return dns.message.make_query(name, kind).to_wire()


class Asker:
    """Asks, and keeps the answers in the order in which they come."""

    def __init__(self) -> None:
        router = Router(Config(Options(), (), "test"), parse_hosts(""), frozenset())
        self.questions = Questions(router, lambda _: None)
        self.answers: list[tuple[str, int]] = []
        self._came = asyncio.Event()

    def ask(self, name: str, kind: str) -> None:
        """Ask; an answer is known by its question, and how many records it has."""
        self.questions.ask(message(name, kind), lambda answer: self._note(f"{name} {kind}", answer))

    def _note(self, what: str, answer: bytes) -> None:
        self.answers.append((what, len(dns.message.from_wire(answer).answer)))
        self._came.set()

    async def wait(self, count: int) -> list[tuple[str, int]]:
        """Wait until there are so many answers."""
        while len(self.answers) < count:
            self._came.clear()
            await self._came.wait()
        return self.answers


def test_both_families_in_either_order() -> None:
    """A has the address, AAAA none, and it waits no longer than for the other question."""

    async def play() -> None:
        asker = Asker()
        asker.ask("a.test", "A")
        asker.ask("a.test", "AAAA")
        assert asker.answers == [("a.test A", 1), ("a.test AAAA", 0)]
        asker.ask("b.test", "AAAA")
        asker.ask("c.test", "AAAA")
        asker.ask("B.test", "A")
        assert asker.answers[2:] == [("B.test A", 1), ("b.test AAAA", 0)]
        assert (await asker.wait(5))[4] == ("c.test AAAA", 1)

    finish(play())


def test_ipv6_alone() -> None:
    """It has an address after a moment, and at once for as long as nobody wants the other."""

    async def play() -> None:
        asker = Asker()
        started = asyncio.get_running_loop().time()
        asker.ask("six.test", "AAAA")
        asker.ask("six.test", "AAAA")
        assert asker.answers == []
        assert await asker.wait(2) == [("six.test AAAA", 1)] * 2
        assert asyncio.get_running_loop().time() - started >= questions.RESOLUTION_DELAY_S

    finish(play())


def test_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that finds no room is answered at once."""
    monkeypatch.setattr(questions, "MAX_WAITING", 2)

    async def play() -> None:
        asker = Asker()
        for name in ("a.test", "b.test", "c.test"):
            asker.ask(name, "AAAA")
        assert asker.answers == [("c.test AAAA", 1)]
        await asker.wait(3)

    finish(play())


def test_dnspython_does_not_come_with_a_plain_question() -> None:
    """The first name of most programs does without it: it takes as long as much of the rest."""
    script = f"""
import sys
from proxywrap.config import Config, Options
from proxywrap.helper.questions import Questions
from proxywrap.helper.router import Router
from proxywrap.hosts import parse_hosts
import proxywrap.helper.life

answers = []
asked = Questions(Router(Config(Options(), (), "test"), parse_hosts(""), frozenset()), lambda _: None)
asked.ask({message("a.test", "A")!r}, answers.append)
asked.ask({message("a.test", "AAAA")!r}, answers.append)
assert len(answers) == 2 and "dns" not in sys.modules
asked.ask({message("a.test", "MX")!r}, answers.append)
assert len(answers) == 3 and "dns" in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
