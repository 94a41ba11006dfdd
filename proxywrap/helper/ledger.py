"""What filtered programs must be told of their sockets and the kernel does not know.

Sockets are known by their cookie (SO_COOKIE), which no later one has again. The
oldest are forgotten first, and a socket that is not known is as the kernel says.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from dataclasses import dataclass

from proxywrap.net.sockdiag import cookie_of
from proxywrap.protocol.sockaddr import Place

__all__ = ["Entry", "Ledger"]

MAX_ENTRIES = 65536


@dataclass(eq=False, repr=False, slots=True)
class Entry:
    """One socket.

    `peer` is the address that the program asked for, as the kernel would give
    it, empty where that knows better. `has_failed` where its connect() did, with `error`
    still to be told, or 0. `asks_names` where its datagrams come from a name
    server of ours. `astray` is where one believes to be connected to that must
    send nothing there.
    """

    peer: bytes = b""
    has_failed: bool = False
    error: int = 0
    asks_names: bool = False
    astray: Place | None = None


class Ledger:
    """The entries of all filtered programs."""

    def __init__(self) -> None:
        self._entries: OrderedDict[int, Entry] = OrderedDict()

    def find(self, sock: socket.socket) -> Entry | None:
        """Return what is known of a socket."""
        return self._entries.get(cookie_of(sock))

    def note(self, sock: socket.socket) -> Entry:
        """Return the entry of a socket, to be filled in."""
        cookie = cookie_of(sock)
        entry = self._entries.setdefault(cookie, Entry())
        self._entries.move_to_end(cookie)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
        return entry

    def forget(self, sock: socket.socket) -> None:
        """Let the kernel speak for a socket again."""
        self._entries.pop(cookie_of(sock), None)
