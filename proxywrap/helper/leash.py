"""What ties an attempt to the application that waits for it.

The application may let go at any moment: it has died, closed the socket, or
will wait no more.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

from proxywrap.helper.ends import Ends
from proxywrap.helper.session import is_let_go, send_reply, take_held
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


def control_leash(connection: socket.socket, ends: Ends) -> Leash:
    """Return the leash that a connection of the control socket is; it owns the connection."""
    return _ControlLeash(connection, ends)


class _ControlLeash:
    def __init__(self, connection: socket.socket, ends: Ends) -> None:
        self._connection = connection
        self._ends = ends
        self._is_kept = False

    def watch(self, on_let_go: Callable[[], object]) -> None:
        self._ends.watch(self._connection, on_let_go)

    def unwatch(self) -> None:
        self._ends.unwatch(self._connection)

    def is_let_go(self) -> bool:
        return is_let_go(self._connection)

    def answer(self, reply: ReplyMessage) -> None:
        """Answer, and let the connection show how it went to who waits without reading (csrc/wire.h).

        It can be written to again when what was held back is read, and has an
        error when it is closed before that.
        """
        send_reply(self._connection, reply)
        if not reply.error:
            self._is_kept = take_held(self._connection)

    def close(self) -> None:
        if self._is_kept:
            self._ends.keep(self._connection)
        else:
            self._connection.close()
