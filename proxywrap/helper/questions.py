"""DNS questions of all wrapped processes, and when they are answered.

A program that asks for both families, as most do, has one address in the end:
an AAAA question waits a moment for an A question for the same name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxywrap.events import Event
from proxywrap.helper.lookups import Later, Lookups
from proxywrap.helper.plainanswers import PlainAnswers
from proxywrap.helper.router import Router

if TYPE_CHECKING:
    from proxywrap.helper.answers import Answers

__all__ = ["Questions"]

RESOLUTION_DELAY_S = 0.05
"""How long the answers to both questions may be apart (RFC 8305, section 3)."""

MAX_WAITING = 1024
"""Questions that may wait at a time; further ones are answered at once."""


@dataclass(eq=False, repr=False)
class _Waiting:
    message: bytes
    pid: int
    respond: Callable[[bytes], None]
    name: str


class Questions:
    """Answers messages, now or a moment later.

    Args:
        router: knows the names.
        report: is told of every name that got an address.

    """

    def __init__(self, router: Router, report: Callable[[Event], None]) -> None:
        self._router = router
        self._report = report
        self._plain = PlainAnswers(Lookups(router, report))
        self._answers: Answers | None = None
        self._waiting: dict[_Waiting, asyncio.TimerHandle] = {}

    def ask(self, message: bytes, respond: Callable[[bytes], None], pid: int = 0) -> None:
        """Have `message` answered: `respond` is called once, with nothing where there is no answer."""
        answer = self._answer(message, pid, has_waited=len(self._waiting) >= MAX_WAITING)
        if isinstance(answer, bytes):
            respond(answer)
            self._release()
        else:
            waiting = _Waiting(message, pid, respond, answer.name)
            timer = asyncio.get_running_loop().call_later(RESOLUTION_DELAY_S, self._conclude, waiting)
            self._waiting[waiting] = timer

    def _answer(self, message: bytes, pid: int, *, has_waited: bool) -> bytes | Later:
        answer = self._plain.answer(message, pid, has_waited=has_waited)
        if answer is not None:
            return answer
        if self._answers is None:
            from proxywrap.helper.answers import Answers  # noqa: PLC0415 - its docstring says why

            self._answers = Answers(self._router, self._report)
        return self._answers.answer(message, pid, has_waited=has_waited)

    def _release(self) -> None:
        """Answer those whose name has got its IPv4 address."""
        for waiting in [each for each in self._waiting if self._router.has_fake_v4(each.name)]:
            self._conclude(waiting)

    def _conclude(self, waiting: _Waiting) -> None:
        self._waiting.pop(waiting).cancel()
        answer = self._answer(waiting.message, waiting.pid, has_waited=True)
        assert isinstance(answer, bytes)  # noqa: S101 - who has waited is answered
        waiting.respond(answer)
