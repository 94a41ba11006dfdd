"""DNS as the shim asks for it: a message's answer, and where a name server seems to be."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.events import Blocked, Event, Resolved
from proxywrap.helper.nameserver import NameServer
from proxywrap.helper.session import Inquiry, Session
from proxywrap.net import dnsserver
from proxywrap.protocol.wire import Op, ReplyMessage, RequestMessage, pack_request, parse_reply

from .asking import TOKEN, ask, connect, connect_request, finish, make_attempts, pair, send

if TYPE_CHECKING:
    from proxywrap.helper.context import Context


@pytest.fixture
def names(context: Context) -> NameServer:
    """Return a name server that nobody has asked yet."""
    return NameServer(context)


QUESTION = b"?!\1\0\0\1\0\0\0\0\0\0\4site\4test\0\0%c\0\1"
A, AAAA = 1, 28


async def inquire(context: Context, names: NameServer, request: bytes) -> ReplyMessage:
    """Return the reply to an inquiry."""
    with pair() as (ours, theirs):
        send(theirs, request)
        inquiry = Session(context, ours).receive()
        assert isinstance(inquiry, Inquiry)
        names.take(inquiry)
        theirs.setblocking(False)
        return parse_reply(await asyncio.get_running_loop().sock_recv(theirs, 4000))


def query(message: bytes) -> bytes:
    """Return a request to answer a DNS message."""
    return pack_request(RequestMessage(Op.QUERY, token=TOKEN, message=message))


def test_query(context: Context, names: NameServer, events: list[Event]) -> None:
    """The answer comes behind the reply, at once or a moment later; it is told who asked."""
    for kind in (AAAA, A):
        reply = finish(inquire(context, names, query(QUESTION % kind)))
        assert reply.error == 0
        assert reply.message.startswith(b"?!\x81\x80\0\1\0\1\0\0\0\0\4site")
    assert [event.pid for event in events if isinstance(event, Resolved)] == [os.getpid()] * 2
    assert finish(inquire(context, names, query(b""))).message == b"\0\0\x80\x81" + bytes(8)


def test_query_of_what_is_an_answer(context: Context, names: NameServer) -> None:
    """There is nothing to say to it."""
    reply = finish(inquire(context, names, query(b"?!\x81\x80" + bytes(8))))
    assert (reply.error, reply.message) == (errno.EINVAL, b"")


def server_request(address: str | None, port: int = 53) -> bytes:
    """Return a request for the place of a name server."""
    ip = None if address is None else ip_address(address)
    return pack_request(RequestMessage(Op.SERVER, 0, TOKEN, socket.AF_INET if ip else 0, ip, port))


def test_server(
    context: Context, names: NameServer, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its socket on loopback; when there are too many the user is told."""
    monkeypatch.setattr(dnsserver, "MAX_SERVERS", 2)

    async def play() -> None:
        first, second, again, third = [
            await inquire(context, names, server_request(f"192.0.2.{last}")) for last in (1, 2, 1, 3)
        ]
        assert first.addresses == second.addresses == (ip_address("127.0.0.1"),)
        assert 0 < first.port != second.port > 0
        assert again == first
        assert third.error == errno.ENETUNREACH
        names.close()

    finish(play())
    (event,) = events
    assert isinstance(event, Blocked)
    assert event.what == "DNS by UDP to 192.0.2.3:53"


def test_server_without_an_address(context: Context, events: list[Event]) -> None:
    """A request that makes no sense."""
    assert ask(context, server_request(None)).error == errno.ECONNREFUSED
    assert "the address of a name server" in str(events)


def test_a_local_name_server_by_tcp(context: Context, names: NameServer) -> None:
    """The lent socket leads to ours, in the place of what the application takes it for."""

    async def play() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as app:
            reply = await connect(make_attempts(context, names), connect_request("127.0.0.53", 53), app)
            assert (reply.error, reply.is_direct) == (0, False)
            app.setblocking(False)
            await loop.sock_sendall(app, b"\0\x1b" + QUESTION % A)
            assert (await loop.sock_recv(app, 2))[0] == 0
            assert (await loop.sock_recv(app, 100)).startswith(b"?!\x81\x80")
        names.close()
        await asyncio.sleep(0)

    finish(play())


def test_a_local_name_server_that_cannot_be(
    context: Context, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is the kernel's."""
    monkeypatch.setitem(dnsserver.LOOPBACK, 4, "192.0.2.1")

    async def play() -> None:
        with socket.socket() as app:
            reply = await connect(make_attempts(context, names), connect_request("127.0.0.53", 53), app)
        assert reply.error == errno.EADDRNOTAVAIL

    finish(play())
