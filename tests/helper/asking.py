"""The helper's side of the control socket, and a peer that asks it."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING, Any, TypeVar

from proxywrap.config import Config, Options, Origin, ProxyEntry
from proxywrap.helper.attempt import Attempts
from proxywrap.helper.context import Context
from proxywrap.helper.guide import Guide
from proxywrap.helper.nameserver import NameServer
from proxywrap.helper.relays import Relays
from proxywrap.helper.router import Router
from proxywrap.helper.session import Loan, Session, Work
from proxywrap.hosts import parse_hosts
from proxywrap.net.connector import Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.tunnels import Tunnels
from proxywrap.protocol.wire import (
    REPLY_BYTES,
    Op,
    ReplyMessage,
    RequestMessage,
    pack_request,
    parse_reply,
)
from proxywrap.uri import parse_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from proxywrap.events import Event

__all__ = [
    "DEADLINE_S",
    "TOKEN",
    "ask",
    "black_hole",
    "borrow",
    "carrying_out",
    "connect",
    "connect_request",
    "finish",
    "make_attempts",
    "make_context",
    "open_descriptors",
    "pair",
    "receive_reply",
    "send",
    "until",
]

T = TypeVar("T")

DEADLINE_S = 20.0
TOKEN = bytes(range(16))
FAR = IPv4Address("192.0.2.7")


def make_context(
    report: Callable[[Event], None], urls: Sequence[str] = (), options: Options | None = None
) -> Context:
    """Return what sessions share; without proxies everything but loopback fails."""
    entries = tuple(ProxyEntry(parse_uri(url), Origin("test")) for url in urls)
    config = Config(options or Options(), entries, "test")
    return Context(
        token=TOKEN,
        router=Router(config, parse_hosts("10.1.2.3 box.lan box\n"), frozenset()),
        report=report,
    )


def make_attempts(context: Context, names: NameServer | None = None) -> Attempts:
    """Return what carries loans out, with long deadlines."""
    dns = (names or NameServer(context)).sockets
    guide = Guide(context, Deadlines(DEADLINE_S, DEADLINE_S), dns, Relays(Tunnels({})), HopNames(), _spawn)
    return Attempts(context, guide, {})


def _spawn(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(coroutine)


def carrying_out(attempts: Attempts, tasks: asyncio.TaskGroup) -> Callable[[Work], None]:
    """Return what takes loans, and nothing else."""

    def take(work: Work) -> None:
        assert isinstance(work, Loan)
        tasks.create_task(attempts.connect(work))

    return take


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Have a connection of the control socket, and the peer."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(DEADLINE_S)
    with theirs:
        yield ours, theirs


def ask(context: Context, data: bytes, *lent: int) -> ReplyMessage:
    """Return the reply to a packet that is answered at once."""
    with pair() as (ours, theirs):
        send(theirs, data, *lent)
        assert Session(context, ours).receive() is None
        return parse_reply(theirs.recv(1000))


def borrow(context: Context, ours: socket.socket) -> Loan:
    """Return the loan that a request on a connection asks for."""
    loan = Session(context, ours).receive()
    assert isinstance(loan, Loan)
    return loan


async def connect(attempts: Attempts, data: bytes, lent: socket.socket) -> ReplyMessage:
    """Return the reply to a request that is answered later."""
    with pair() as (ours, theirs):
        send(theirs, data, lent.fileno())
        loan = borrow(attempts._context, ours)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(attempts.connect(loan))
            return await receive_reply(theirs)


def connect_request(address: str = str(FAR), port: int = 80) -> bytes:
    """Return a request to connect the lent socket."""
    ip = ip_address(address)
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    return pack_request(RequestMessage(Op.CONNECT, 0, TOKEN, family, ip, port))


def send(peer: socket.socket, data: bytes, *lent: int) -> None:
    """Send a packet and descriptors."""
    if lent:
        socket.send_fds(peer, [data], list(lent))
    else:
        peer.send(data)


async def receive_reply(peer: socket.socket) -> ReplyMessage:
    """Wait for the reply, behind which there is the end."""
    loop = asyncio.get_running_loop()
    peer.setblocking(False)
    reply = parse_reply(await loop.sock_recv(peer, REPLY_BYTES + 1))
    assert await loop.sock_recv(peer, 1) == b""
    return reply


async def until(is_so: Callable[[], object]) -> None:
    """Give others their turn until something is so."""
    while not is_so():  # noqa: ASYNC110 - it is told by no event
        await asyncio.sleep(0)


def finish(coroutine: Coroutine[object, object, T]) -> T:
    """Run `coroutine` to its end, which comes soon."""

    async def limited() -> T:
        async with asyncio.timeout(DEADLINE_S):
            return await coroutine

    return asyncio.run(limited())


def open_descriptors() -> int:
    """Return how many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """Have an address where nobody ever answers: a listener whose queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address: tuple[str, int] = listener.getsockname()
        with socket.create_connection(address):
            yield address
