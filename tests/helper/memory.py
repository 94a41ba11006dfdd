"""A call that waits, whose thread is this one: its memory and descriptors are ours."""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING, ClassVar

from proxywrap.helper.caller import Caller
from proxywrap.helper.closer import Closer
from proxywrap.net.notification import Call, Notice

if TYPE_CHECKING:
    from proxywrap.net.notification import Listener

__all__ = ["FakeListener", "Memory", "calling"]

NOWHERE = 8
"""An address that no program has."""


class FakeListener:
    """Keeps the answers; a call waits until it has one, or `is_gone`."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, int]] = []
        self.is_gone = False

    def answer(self, _notice: Notice, value: int = 0) -> None:
        """Keep it."""
        self.answers.append(("value", value))

    def fail(self, _notice: Notice, error: int) -> None:
        """Keep it."""
        self.answers.append(("error", error))

    def go_on(self, _notice: Notice) -> None:
        """Keep it."""
        self.answers.append(("go on", 0))

    def is_waited_for(self, _notice: Notice) -> bool:
        """Tell whether the call still waits."""
        return not self.is_gone and not self.answers


class Memory:
    """Things in our memory, which are kept there."""

    _kept: ClassVar[list[ctypes.Array[ctypes.c_char]]] = []

    def put(self, data: bytes, room: int = 0) -> int:
        """Return the address of a copy, with at least `room` bytes."""
        buffer = ctypes.create_string_buffer(data, max(len(data), room, 1))
        self._kept.append(buffer)
        return ctypes.addressof(buffer)

    @staticmethod
    def get(address: int, size: int) -> bytes:
        """Return what is there."""
        return ctypes.string_at(address, size)


def calling(call: Call, *args: int, listener: FakeListener | None = None) -> Caller:
    """Return a caller with these arguments."""
    words = tuple(arg & (2**64 - 1) for arg in (*args, 0, 0, 0, 0, 0, 0)[:6])
    stand_in: Listener = listener or FakeListener()  # type: ignore[assignment]
    return Caller(stand_in, Notice(1, threading.get_native_id(), call, words), Closer())
