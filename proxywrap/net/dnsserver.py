"""The name server that wrapped programs ask: UDP and TCP on loopback.

Each name server that a program believes to ask by UDP has a socket of its own
here, so that the reply's port tells the shim which one it seems to come from.
A TCP connection is lent, so one listener does for all. Knows nothing of DNS
but how messages are framed; whoever is not wrapped learns fake addresses only.
Anybody on this host may ask, so each has a turn, and it is short.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address

from proxywrap.address import Endpoint, unmapped
from proxywrap.errors import ProxywrapError

__all__ = ["DnsServer", "Server", "TooManyServers"]

Address = IPv4Address | IPv6Address
Ask = Callable[[bytes, Callable[[bytes], None]], None]
"""Takes a message and what to call with its answer, which is empty where there is none."""

Server = tuple[Address, int, int]
"""A name server as a program spells it: address, port, scope of a link-local one."""

Refer = Callable[[bytes, Server, int, Callable[[bytes], None]], bool]

MAX_SERVERS = 256
"""Name servers at a time, for each of which there is a socket: resolv.conf has three."""

MAX_STREAMS = 512
"""TCP connections at a time; one more costs the one that has been silent for longest."""

MAX_OWED = 128
"""Answers that one of them may wait for; then no more is taken from it."""

MAX_MESSAGE_BYTES = 65535
BATCH = 4
"""Datagrams taken from one socket before others get their turn."""

TURN_S = 0.002
"""How long the messages of all TCP connections may take before others get their turn."""

IDLE_S = 30.0
"""How long a TCP connection may say nothing (RFC 7766, section 6.2.3, wants seconds)."""

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


class TooManyServers(ProxywrapError):
    """More name servers were asked than there can be sockets for."""

    errno = errno.ENETUNREACH


class DnsServer:
    """Answers on loopback; nothing is bound until it is wanted.

    Args:
        ask: answers a message.
        refer: takes a message that came by UDP for a certain server, the port that it came from,
            and what to call with its answer; returns False where `ask` is to answer it.
        learn: is told of a server that nobody has asked before, and which process does.

    """

    def __init__(
        self,
        ask: Ask,
        refer: Refer = lambda _message, _server, _port, _respond: False,
        learn: Callable[[Server, int], None] = lambda _server, _process: None,
    ) -> None:
        self._ask = ask
        self._refer = refer
        self._learn = learn
        self._sockets: dict[Server, socket.socket] = {}
        self._listeners: dict[int, asyncio.Server] = {}
        # The one that has been silent for longest first.
        self._streams: OrderedDict[_Stream, None] = OrderedDict()
        self._turns = _Turns()
        self._starting = asyncio.Lock()

    def udp_endpoint(self, server: Address, port: int, scope_id: int = 0, process: int = 0) -> Endpoint:
        """Return where the messages to a name server are to be sent instead.

        Args:
            server: as the program spelled it; ::ffff:a.b.c.d is another than a.b.c.d.
            port: of it.
            scope_id: of a link-local one.
            process: who asks, 0 where nobody knows.

        Raises:
            TooManyServers: there are `MAX_SERVERS` already.
            OSError: this host has no loopback address of that family.

        """
        key = server, port, scope_id
        if key not in self._sockets:
            if len(self._sockets) >= MAX_SERVERS:
                raise TooManyServers(f"no more than {MAX_SERVERS} name servers can be asked in a run")
            self._sockets[key] = self._bind(key)
            self._learn(key, process)
        host, port, *_ = self._sockets[key].getsockname()
        address = ip_address(host)
        if isinstance(server, IPv6Address) and isinstance(address, IPv4Address):
            address = IPv6Address(f"::ffff:{address}")
        return Endpoint(address, port)

    def asked_at(self, version: int, port: int) -> Server | None:
        """Return the name server whose messages come to a port of ours: address, port, scope.

        Args:
            version: of IP.
            port: on loopback.

        """
        for asked, sock in self._sockets.items():
            if unmapped(asked[0]).version == version and sock.getsockname()[1] == port:
                return asked
        return None

    async def tcp_endpoint(self, version: int) -> Endpoint:
        """Return where a TCP connection to a name server is to be made instead, by IP version.

        Raises:
            OSError: this host has no loopback address of that family.

        """
        async with self._starting:
            if version not in self._listeners:
                loop = asyncio.get_running_loop()
                self._listeners[version] = await loop.create_server(self._accepted, LOOPBACK[version], 0)
        host, port, *_ = self._listeners[version].sockets[0].getsockname()
        return Endpoint(ip_address(host), port)

    def close(self) -> None:
        """Answer no more."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets.values():
            loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        for stream in list(self._streams):
            stream.abort()

    # -- UDP -------------------------------------------------------------------

    def _bind(self, server: Server) -> socket.socket:
        version = unmapped(server[0]).version
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.bind((LOOPBACK[version], 0))
        except OSError:
            sock.close()
            raise
        asyncio.get_running_loop().add_reader(sock, self._receive, sock, server)
        return sock

    def _receive(self, sock: socket.socket, server: Server) -> None:
        for _ in range(BATCH):
            try:
                message, peer = sock.recvfrom(MAX_MESSAGE_BYTES)
            except OSError:  # nothing more
                return
            respond = partial(_send, sock, peer)
            if not self._refer(message, server, peer[1], respond):
                self._ask(message, respond)

    # -- TCP -------------------------------------------------------------------

    def _accepted(self) -> asyncio.Protocol:
        return _Stream(self._ask, self._streams, self._turns)


def _send(sock: socket.socket, peer: tuple[object, ...], answer: bytes) -> None:
    # A peer that has gone, or a socket that was closed while the question waited.
    with suppress(OSError):
        if answer:
            sock.sendto(answer, peer)


class _Turns:
    """Whose turn it is: connections with messages that are whole, one message at a time."""

    def __init__(self) -> None:
        self._waiting: deque[_Stream] = deque()
        self._is_planned = False

    def add(self, stream: _Stream) -> None:
        """Have a connection take its turns, from now on if nobody is before it."""
        self._waiting.append(stream)
        if not self._is_planned:
            self._run()

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + TURN_S
        while self._waiting:
            stream = self._waiting.popleft()
            if stream.take_one():
                self._waiting.append(stream)
            if loop.time() >= end:
                break
        self._is_planned = bool(self._waiting)
        if self._is_planned:
            loop.call_soon(self._run)


class _Stream(asyncio.Protocol):
    """One TCP connection: messages with their length before them (RFC 1035, section 4.2.2)."""

    def __init__(self, ask: Ask, streams: OrderedDict[_Stream, None], turns: _Turns) -> None:
        self._ask = ask
        self._streams = streams
        self._turns = turns
        self._buffer = bytearray()
        self._owed = 0
        self._has_turns = False
        self._is_clogged = False
        self._has_ended = False
        self._transport: asyncio.Transport
        self._idle: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream's
        self._transport = transport
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, transport.abort)
        self._streams[self] = None
        if len(self._streams) > MAX_STREAMS:
            next(iter(self._streams)).abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._idle.cancel()
        self._streams.pop(self, None)

    def data_received(self, data: bytes) -> None:
        self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._transport.abort)
        self._streams.move_to_end(self)
        self._buffer += data
        self._go_on()

    def take_one(self) -> bool:
        """Have the next message answered; return whether there is another one."""
        if self._transport.is_closing():
            self._buffer.clear()
        elif self._has_message():
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            message = bytes(self._buffer[2:end])
            del self._buffer[:end]
            if message:
                self._owed += 1
                self._ask(message, self._respond)
            else:  # it has not even a header
                self.abort()
        self._has_turns = self._has_message()
        if not self._has_turns:
            self._adjust()
            self._end_if_done()
        return self._has_turns

    def eof_received(self) -> bool:
        """Keep the other direction open as long as an answer is owed."""
        self._has_ended = True
        return self._has_turns or self._is_clogged or self._owed > 0

    def pause_writing(self) -> None:
        """Take no more questions from who reads no answers."""
        self._is_clogged = True
        self._adjust()

    def resume_writing(self) -> None:
        """Take them again."""
        self._is_clogged = False
        self._go_on()
        self._end_if_done()

    def abort(self) -> None:
        """End it at once."""
        self._streams.pop(self, None)
        self._transport.abort()

    def _has_message(self) -> bool:
        """Tell whether a message is whole, and may be taken."""
        size = len(self._buffer)
        return (
            self._owed < MAX_OWED
            and not self._is_clogged
            and not self._transport.is_closing()
            and size >= 2
            and size >= 2 + int.from_bytes(self._buffer[:2], "big")
        )

    def _go_on(self) -> None:
        """Take turns if there is anything to be taken, and read on if there is not."""
        if not self._has_turns and self._has_message():
            self._has_turns = True
            self._turns.add(self)
        self._adjust()

    def _adjust(self) -> None:
        """Read where there is nothing to be done first."""
        if self._transport.is_closing():
            return
        if self._is_clogged or self._has_turns or self._owed >= MAX_OWED:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _respond(self, answer: bytes) -> None:
        self._owed -= 1
        if self._transport.is_closing():
            return
        if answer:
            self._transport.write(len(answer).to_bytes(2, "big") + answer)
        self._go_on()
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._has_ended and not (self._has_turns or self._is_clogged or self._owed):
            self._transport.close()
