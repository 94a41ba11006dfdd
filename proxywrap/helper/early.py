"""The first requests, served while the event loop is still being imported.

A program asks for names and connects within milliseconds of its start, and
asyncio takes longer than that to import. Questions are answered here; a lent
socket is set on its way to the first hop, which takes a round trip in which
the rest of us gets ready. What is left is handed on to the event loop.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from proxywrap.config import ChainType, Config
from proxywrap.errors import ProxywrapError
from proxywrap.events import Event
from proxywrap.helper.context import Context
from proxywrap.helper.ownhost import router_here
from proxywrap.helper.programs import program_names
from proxywrap.helper.session import Loan, Received, Session

__all__ = ["Early"]

MAX_EARLY = 256
"""Connections taken before there is a loop; more wait in the backlog."""

FOLLOW_UP_MS = 2
"""How long to wait for what follows an answer: who was told an address connects to it at once."""


class Early:
    """The helper as it is before the event loop.

    Args:
        config: what the user wants.
        token: that every request has to carry.
        listeners: non-blocking, listening, AF_UNIX SOCK_SEQPACKET.

    `context` is for the sessions to come, too, its `report` to be replaced by
    one that takes `held` first. `work` and `silent` connections have a new
    owner when this one is done.

    """

    def __init__(self, config: Config, token: bytes, listeners: Sequence[socket.socket]) -> None:
        self.held: list[Event] = []
        self.context = Context(token, router_here(config), self.held.append)
        self.work: list[Received] = []
        self.silent: list[tuple[socket.socket, Session]] = []
        self._listeners = listeners
        self._ip_version = config.ip_version
        self._poll = select.poll()
        for listener in listeners:
            self._poll.register(listener, select.POLLIN)
        self._taken = 0
        self._begun: set[int] = set()

    def is_wanted(self) -> bool:
        """Tell whether anything was asked or told of, for which the event loop must come."""
        return self._taken > 0 or bool(self.held) or bool(self._poll.poll(0))

    def serve(self) -> None:
        """Serve what waits now, and what follows from that."""
        while self._accept_all() and self._poll.poll(FOLLOW_UP_MS):
            pass

    def _accept_all(self) -> bool:
        """Return whether there was any request."""
        before = self._taken - len(self.silent)
        silent, self.silent = self.silent, []
        for connection, session in silent:
            self._poll.unregister(connection)
            self._receive(connection, session)
        for listener in self._listeners:
            while self._taken < MAX_EARLY and self.context.room.is_left():
                self._taken += 1  # before there is anything that could be lost by ending now
                try:
                    connection, _address = listener.accept()
                except OSError:  # nobody waits; or no descriptor is left, and the loop knows what to do
                    self._taken -= 1
                    break
                self._receive(connection, Session(self.context, connection))
        return self._taken - len(self.silent) > before

    def _receive(self, connection: socket.socket, session: Session) -> None:
        try:
            work = session.receive()
        except BlockingIOError:
            self.silent.append((connection, session))
            self._poll.register(connection, select.POLLIN)
            return
        if work is not None:
            self.work.append(work)
        if isinstance(work, Loan):
            self._begin(work)

    def _begin(self, loan: Loan) -> None:
        """Begin to connect to the first hop, where that can be done at once.

        An attempt that meets any difficulty is left to the loop as it is.
        """
        address, lent = loan.request.address, loan.lent
        if address is None or lent.inode in self._begun:
            return  # the second attempt on a socket waits for the end of the first
        self._begun.add(lent.inode)
        with suppress(ProxywrapError, OSError):
            programs = partial(program_names, loan.pid)
            route = self.context.router.route(address, loan.request.port, programs)
            if route.chain is None or route.chain.kind is not ChainType.STRICT:
                return
            host = route.hops[0].host
            if any(hop.is_relayed for hop in route.hops) or isinstance(host, str):
                return
            sockaddr = lent.sockaddr(host, route.hops[0].port)
            if sockaddr is not None and self._ip_version in {None, host.version}:
                lent.begin(sockaddr)
