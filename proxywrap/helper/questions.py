"""DNS questions of all wrapped processes, and when they are answered.

A program that asks for both families, as most do, has one address in the end:
an AAAA question waits a moment for an A question for the same name. What the
last proxy is to be asked about waits for its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from proxywrap.events import Event
from proxywrap.helper.farnames import FarNames
from proxywrap.helper.lookups import Asked, Later, Lookups
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
    """Answers messages, now or later.

    Args:
        router: knows the names.
        report: is told of every name that got an address.
        far: asks the last proxy.

    """

    def __init__(self, router: Router, report: Callable[[Event], None], far: FarNames | None = None) -> None:
        self._router = router
        self._report = report
        self._far = far
        self._plain = PlainAnswers(Lookups(router, report, far))
        self._answers: Answers | None = None
        self._waiting: dict[_Waiting, asyncio.TimerHandle] = {}
        self._asked = 0

    def ask(self, message: bytes, respond: Callable[[bytes], None], pid: int = 0) -> None:
        """Have `message` answered: `respond` is called once, with nothing where there is no answer."""
        has_waited = len(self._waiting) + self._asked >= MAX_WAITING
        answer = self._answer(message, pid, has_waited=has_waited)
        if isinstance(answer, bytes):
            respond(answer)
            self._release()
        elif isinstance(answer, Asked):
            assert self._far is not None  # noqa: S101 - without it there is nobody to be asked
            self._asked += 1
            self._far.ask(answer.question, pid, partial(self._conclude_asked, message, respond, pid))
        else:
            waiting = _Waiting(message, pid, respond, answer.name)
            timer = asyncio.get_running_loop().call_later(RESOLUTION_DELAY_S, self._conclude, waiting)
            self._waiting[waiting] = timer

    def _answer(self, message: bytes, pid: int, *, has_waited: bool) -> bytes | Later | Asked:
        answer = self._plain.answer(message, pid, has_waited=has_waited)
        if answer is not None:
            return answer
        if self._answers is None:
            from proxywrap.helper.answers import Answers  # noqa: PLC0415 - its docstring says why

            self._answers = Answers(self._router, self._report, self._far)
        return self._answers.answer(message, pid, has_waited=has_waited)

    def _release(self) -> None:
        """Answer those whose name has got its IPv4 address."""
        for waiting in [each for each in self._waiting if self._router.has_fake_v4(each.name)]:
            self._conclude(waiting)

    def _conclude(self, waiting: _Waiting) -> None:
        self._waiting.pop(waiting).cancel()
        self._answer_now(waiting.message, waiting.respond, waiting.pid)

    def _conclude_asked(self, message: bytes, respond: Callable[[bytes], None], pid: int) -> None:
        self._asked -= 1
        self._answer_now(message, respond, pid)

    def _answer_now(self, message: bytes, respond: Callable[[bytes], None], pid: int) -> None:
        answer = self._answer(message, pid, has_waited=True)
        assert isinstance(answer, bytes)  # noqa: S101 - who has waited is answered
        respond(answer)
