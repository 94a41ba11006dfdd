"""What ties an attempt to the application that waits for it.

The application may let go at any moment: it has died, closed the socket, or
will wait no more.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from proxywrap.helper.session import is_let_go, send_reply
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["Leash", "control_leash"]


class Leash(Protocol):
    """The application's end."""

    def watch(self, on_let_go: Callable[[], object]) -> None:
        """Have `on_let_go` called when the application lets go, until `unwatch`."""

    def unwatch(self) -> None:
        """Call nobody any more."""

    def is_let_go(self) -> bool:
        """Tell whether the application has let go, though the loop may not have heard of it yet."""

    def answer(self, reply: ReplyMessage) -> None:
        """Tell the application how it went; once."""

    def close(self) -> None:
        """Let go of the application, answered or not."""


def control_leash(connection: socket.socket) -> Leash:
    """Return the leash that a connection of the control socket is; it owns the connection."""
    return _ControlLeash(connection)


class _ControlLeash:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def watch(self, on_let_go: Callable[[], object]) -> None:
        asyncio.get_running_loop().add_reader(self._connection, on_let_go)

    def unwatch(self) -> None:
        asyncio.get_running_loop().remove_reader(self._connection)

    def is_let_go(self) -> bool:
        return is_let_go(self._connection)

    def answer(self, reply: ReplyMessage) -> None:
        send_reply(self._connection, reply)

    def close(self) -> None:
        self._connection.close()
