"""Name servers that a program names itself, and what they are asked by UDP.

A server of this host's own, which resolv.conf has or which is on loopback, is
one that everybody asks: its questions are answered with fake addresses. One
that a program names is asked for what that server knows. So the question is
put to that very server, by TCP and through the chain, and its answer is the
program's. One that is too long for a datagram is answered as truncated, and the
program asks again by TCP itself. So is the question of another user: whoever
finds our port must not have us connect anywhere, and a program that is wrapped
can connect by itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial

from proxywrap.address import DNS_PORT, unmapped
from proxywrap.errors import ProxywrapError
from proxywrap.events import Note
from proxywrap.helper.context import Context, Spawn
from proxywrap.helper.guide import Guide
from proxywrap.helper.ownservers import OwnServers
from proxywrap.helper.ownways import make_way
from proxywrap.helper.programs import program_names
from proxywrap.net.dnsserver import Server
from proxywrap.net.udpowners import owners_of
from proxywrap.protocol.question import (
    WholeQuestion,
    pack_failure,
    pack_truncated,
    parse_whole_question,
)
from proxywrap.protocol.sockaddr import Place

__all__ = ["NamedServers"]

MAX_ASKED = 256
"""Questions under way at a time; programs ask further ones again by TCP."""

AT_A_TIME = 32
"""Connections made at a time."""

LIMIT_S = 30.0
"""How long a question may take, connection and all: programs ask for 5 s, and three times."""


class NamedServers:
    """Asks them.

    Args:
        context: what the sessions share.
        own: knows which servers are of this host's own.

    """

    def __init__(self, context: Context, own: OwnServers | None = None) -> None:
        self._context = context
        self._own = own or OwnServers()
        self._guide: Guide | None = None
        self._spawn: Spawn | None = None
        self._askers: dict[Server, int] = {}
        self._asked: dict[tuple[Server, bytes], asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_A_TIME)

    def begin(self, guide: Guide, spawn: Spawn) -> None:
        """Be able to ask from now on."""
        self._guide, self._spawn = guide, spawn

    def learn(self, server: Server, process: int) -> None:
        """Note who asks a server that nobody has asked before."""
        self._own.learn(process)
        self._askers[server] = process

    def close(self) -> None:
        """Ask no more."""
        for task in self._asked.values():
            task.cancel()

    def ask(self, message: bytes, server: Server, port: int, respond: Callable[[bytes], None]) -> bool:
        """Have a message answered that came by UDP; return whether it is for a server that is asked.

        Args:
            message: as it came, whatever it is.
            server: that was asked.
            port: on this host, that asks.
            respond: is called with the answer.

        """
        if self._own.has(unmapped(server[0])):
            return False
        question = parse_whole_question(message)
        if question is None or self._is_ours_to_answer(question):
            return False
        if (server, message) in self._asked:
            return True  # the same once more, from who has become impatient
        if len(self._asked) >= MAX_ASKED or owners_of(port) != {os.geteuid()}:
            respond(pack_truncated(message, question))
            return True
        assert self._spawn is not None  # noqa: S101 - questions come after `begin`
        task = self._spawn(self._carry(message, question, server, respond))
        self._asked[server, message] = task
        task.add_done_callback(lambda _task: self._asked.pop((server, message)))
        return True

    def _is_ours_to_answer(self, question: WholeQuestion) -> bool:
        """Tell whether a question can be answered from fake addresses, and is to be."""
        router = self._context.router
        if question.address is not None and router.asked_name(question.address) is not None:
            return True
        return question.is_for_addresses and not router.asks_named_servers

    async def _carry(
        self, message: bytes, question: WholeQuestion, server: Server, respond: Callable[[bytes], None]
    ) -> None:
        answer = b""
        try:
            async with self._turns, asyncio.timeout(LIMIT_S):
                answer = await self._ask_by_tcp(message, server)
        except (OSError, TimeoutError, ProxywrapError):
            pass  # the guide has told of the chain's faults
        except Exception as exc:  # noqa: BLE001 - one question's error must not end all others
            self._context.report(Note(f"cannot ask the name server {server[0]}: {exc!r}"))
        if answer[:2] != message[:2]:
            answer = pack_failure(message, question)
        elif len(answer) > question.room:
            answer = pack_truncated(message, question)
        respond(answer)

    async def _ask_by_tcp(self, message: bytes, server: Server) -> bytes:
        """Return the server's answer (RFC 1035, section 4.2.2: its length stands before it).

        Raises:
            OSError: the server cannot be reached.
            ProxywrapError: the same, or it has ended the connection.

        """
        assert self._guide is not None  # noqa: S101 - questions come after `begin`
        address, _port, scope_id = server
        process = self._askers[server]
        place = Place(address, DNS_PORT, scope_id)
        route = self._context.router.route(address, DNS_PORT, partial(program_names, process))
        way = await make_way(self._guide, process, place, route)
        try:
            await way.io.send_all(len(message).to_bytes(2, "big") + message)
            size = await way.io.read_exactly(2)
            return await way.io.read_exactly(int.from_bytes(size, "big"))
        finally:
            way.close()
