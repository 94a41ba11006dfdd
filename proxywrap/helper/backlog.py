"""Whether anybody waits at the control socket."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence

__all__ = ["has_backlog"]


def has_backlog(listeners: Sequence[socket.socket]) -> bool:
    """Tell whether a connection waits to be accepted."""
    poll = select.poll()
    for listener in listeners:
        poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))
