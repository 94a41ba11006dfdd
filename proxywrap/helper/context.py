"""What all sessions of the control socket share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from proxywrap.events import Event, Note
from proxywrap.helper.closer import Closer
from proxywrap.helper.room import Room
from proxywrap.helper.router import Router

if TYPE_CHECKING:
    import asyncio  # which comes after the first requests

__all__ = ["Context", "Spawn"]

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
"""Runs a coroutine in the helper's group of tasks."""


MAX_NOTED = 64
"""Refusals that are told apart: of more nobody is told."""
MAX_PASSED = 64
"""Listeners that are remembered: a program may make as many as it likes."""


@dataclass(eq=False, repr=False)
class Context:
    """What all sessions share.

    `report` takes events. `on_request` is called when somebody asks for something, before it is decided.
    `has_room` tells whether one more listener of a filter can be taken. `services_told` are
    those on a port that were told of, `listeners_passed` the listeners that were looked at and
    of which there is nothing to tell.
    """

    token: bytes
    router: Router
    report: Callable[[Event], None]
    on_request: Callable[[], None] = field(default=lambda: None)
    has_room: Callable[[], bool] = field(default=lambda: True)
    room: Room = field(default_factory=Room)
    closer: Closer = field(default_factory=Closer)
    services_told: set[str] = field(default_factory=set)
    listeners_passed: dict[object, None] = field(default_factory=dict)
    _noted: set[object] = field(default_factory=set)

    def pass_listener(self, key: object) -> None:
        """Remember a listener of which there is nothing to tell, and forget the oldest of many."""
        if len(self.listeners_passed) >= MAX_PASSED:
            del self.listeners_passed[next(iter(self.listeners_passed))]
        self.listeners_passed[key] = None

    def note_once(self, key: object, text: str) -> None:
        """Tell of something that others can have happen as often as they like: once for each key."""
        if key not in self._noted and len(self._noted) < MAX_NOTED:
            self._noted.add(key)
            self.report(Note(text))

    def has_token(self, token: bytes) -> bool:
        """Tell whether a token is ours, in a time that says nothing about it.

        hmac.compare_digest would be it, but brings libcrypto: 4 ms that the first request waits for.
        """
        return int.from_bytes(token, "big") ^ int.from_bytes(self.token, "big") == 0
