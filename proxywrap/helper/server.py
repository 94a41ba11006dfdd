"""The control socket: accepts connections, and lives as long as it is wanted.

Anybody on this host may connect to the abstract name, so a flood must cost its
sender only. A connection that sends nothing is dropped when too many of them
wait, one of the user who has most. Who comes by the path, where no stranger
gets, is served first.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from proxywrap.helper.backlog import has_backlog
from proxywrap.helper.context import Context
from proxywrap.helper.lifelines import Lifelines
from proxywrap.helper.session import Kept, Received, Session, Work

__all__ = ["ControlServer"]

MAX_SILENT = 512
"""Connections that may wait for their request: a wrapped process sends it at once."""

MAX_DRAINS = 256
"""How many batches are taken at the end, more than the backlogs can hold."""

ACCEPT_BATCH = 64
"""Connections taken before others get their turn."""

TURN_S = 0.002
"""How long a listener may be served before others get their turn."""

ACCEPT_PAUSE_S = 0.1
"""How long accepting rests where there is no descriptor left to accept with, or too much to be closed."""


class ControlServer:
    """Serves the listening sockets, which stay their creator's.

    Args:
        listeners: non-blocking, listening, AF_UNIX SOCK_SEQPACKET.
        context: what the sessions share.
        take: carries out what is more than an answer, and owns it; never raises.

    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        context: Context,
        take: Callable[[Work], None],
    ) -> None:
        self._listeners = listeners
        self._exposed = {each for each in listeners if _is_abstract(each)}
        self._context = context
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._silent: dict[int, dict[socket.socket, Session]] = {}  # by the user who has connected
        self._is_stopped = False
        self._lifelines = Lifelines(context, self._serve)

    def start(self) -> None:
        """Begin to accept."""
        self._context.closer.begin(self._loop)
        for listener in self._listeners:
            self._resume(listener)

    def adopt(self, work: Sequence[Received], silent: Sequence[tuple[socket.socket, Session]]) -> None:
        """Go on with what was accepted before there was an event loop."""
        for each in work:
            self._pass_on(each)
        for connection, session in silent:
            self._serve(connection, session)

    def stop(self) -> None:
        """Accept no more and drop who has not asked for anything yet."""
        self._is_stopped = True
        for listener in self._listeners:
            self._loop.remove_reader(listener)
        self._lifelines.close()
        while self._silent:
            self._drop_one()

    def drain(self) -> None:
        """Serve what waits now; a flood is cut off."""
        self._lifelines.drain()
        for _ in range(MAX_DRAINS):
            if not has_backlog(self._listeners):
                return
            for listener in self._listeners:
                self._accept(listener)

    # -- accepting -----------------------------------------------------------

    def _accept(self, listener: socket.socket) -> None:
        end = self._loop.time() + TURN_S
        for _ in range(ACCEPT_BATCH):
            if self._context.closer.is_full and listener in self._exposed:
                self._rest(listener)
                return
            if self._loop.time() > end:
                return
            if not self._context.room.is_left():
                if not has_backlog([listener]):
                    return
                if not self._silent:
                    self._pause(listener)
                    return
                self._drop_one()
                continue
            try:
                connection, _address = listener.accept()
            except BlockingIOError:
                return
            except OSError:  # the system has no descriptor left (ENFILE), or no memory
                if has_backlog([listener]):
                    self._pause(listener)
                return
            # The request of a wrapped process is there already.
            self._serve(connection, Session(self._context, connection))

    def _pause(self, listener: socket.socket) -> None:
        """Look again later: the listener stays readable all the time."""
        self._context.room.tell(self._context.report)
        self._rest(listener)

    def _rest(self, listener: socket.socket) -> None:
        if self._loop.remove_reader(listener):
            self._loop.call_later(ACCEPT_PAUSE_S, self._resume, listener)

    def _resume(self, listener: socket.socket) -> None:
        if not self._is_stopped:
            self._loop.add_reader(listener, self._accept, listener)

    # -- connections ---------------------------------------------------------

    def _serve(self, connection: socket.socket, session: Session) -> None:
        try:
            work = session.receive()
        except BlockingIOError:
            self._wait_for(connection, session)
        else:
            if work is not None:
                self._pass_on(work)

    def _pass_on(self, work: Received) -> None:
        if isinstance(work, Kept):
            self._lifelines.keep(work.connection)
        else:
            self._take(work)

    def _wait_for(self, connection: socket.socket, session: Session) -> None:
        if sum(map(len, self._silent.values())) >= MAX_SILENT:
            self._drop_one()
        self._silent.setdefault(session.uid, {})[connection] = session
        self._loop.add_reader(connection, self._readable, connection, session.uid)

    def _readable(self, connection: socket.socket, uid: int) -> None:
        self._serve(connection, self._forget(connection, uid))

    def _drop_one(self) -> None:
        """Drop the oldest of the user who has most."""
        uid = max(self._silent, key=lambda each: len(self._silent[each]))
        self._forget(next(iter(self._silent[uid])), uid).discard()

    def _forget(self, connection: socket.socket, uid: int) -> Session:
        self._loop.remove_reader(connection)
        session = self._silent[uid].pop(connection)
        if not self._silent[uid]:
            del self._silent[uid]
        return session


def _is_abstract(listener: socket.socket) -> bool:
    """Tell whether anybody on this host may connect to it."""
    return isinstance(listener.getsockname(), bytes)
