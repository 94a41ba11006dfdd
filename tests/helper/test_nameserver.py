"""DNS as the shim asks for it: a message's answer, and where a name server seems to be."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.events import Blocked, Event, Resolved, Unresolved
from proxywrap.helper import questions
from proxywrap.helper.context import Context
from proxywrap.helper.nameserver import NameServer
from proxywrap.helper.questions import Questions
from proxywrap.helper.router import Router
from proxywrap.helper.session import Inquiry, Session
from proxywrap.hosts import parse_hosts
from proxywrap.net import dnsserver
from proxywrap.net.blame import AttemptFailed
from proxywrap.parser import parse_config
from proxywrap.protocol.wire import Op, ReplyMessage, RequestMessage, pack_request, parse_reply

from .asking import TOKEN, ask, connect, connect_request, finish, make_attempts, pair, send

if TYPE_CHECKING:
    from proxywrap.address import Host
    from proxywrap.chains import Chain
    from proxywrap.protocol.torlookup import Answer


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


# ---
# What the last proxy is asked about


@pytest.fixture
def ending_in_tor(events: list[Event]) -> Context:
    """Return the context of a chain that ends in a Tor, which finds addresses of `*.far`."""
    text = b"[ProxyList]\nsocks5://192.0.2.1:9050 tor=1\n[rules]\nresolve remote *.far\n"
    router = Router(parse_config(text, "t.conf"), parse_hosts(""), frozenset())
    return Context(TOKEN, router, events.append)


FOUND: dict[Host, Answer] = {
    "a.far": ip_address("8.8.4.4"),
    "none.far": None,
    ip_address("8.8.4.4"): "host.far",
    ip_address("8.8.4.5"): None,
}


async def find_out(context: Context, request: RequestMessage, count: int = 1) -> ReplyMessage:
    """Return the reply to a request that takes the last proxy to answer, the last of so many."""
    names = NameServer(context)
    asked: list[Host] = []

    async def answer(_pid: int, chain: Chain, question: Host) -> Answer:
        asked.append(question)
        if question not in FOUND:
            raise AttemptFailed(chain.hops[-1], "is not there", errno=errno.ECONNREFUSED, is_chain_fault=True)
        return FOUND[question]

    async with asyncio.TaskGroup() as group:
        names.far.begin(answer, group.create_task)
        replies = [await inquire(context, names, pack_request(request)) for _ in range(count)]
    assert len(asked) == 1
    return replies[-1]


@pytest.mark.parametrize(
    ("name", "family", "error", "addresses"),
    [
        (b"A.Far.", socket.AF_UNSPEC, 0, [ip_address("8.8.4.4")]),
        (b"a.far", socket.AF_INET, 0, [ip_address("8.8.4.4")]),
        (b"a.far", socket.AF_INET6, errno.ENOENT, []),
        (b"none.far", socket.AF_UNSPEC, errno.ENOENT, []),
        (b"dead.far", socket.AF_UNSPEC, errno.EAGAIN, []),
    ],
)
def test_a_true_address(
    ending_in_tor: Context, name: bytes, family: int, error: int, addresses: list[object]
) -> None:
    """The canonical name is as it was spelled; another time nobody is asked."""
    request = RequestMessage(Op.RESOLVE, token=TOKEN, name=name, family=family)
    reply = finish(find_out(ending_in_tor, request, 1 if name == b"dead.far" else 2))
    assert (reply.error, list(reply.addresses)) == (error, addresses)
    if not error:
        assert reply.name == name.removesuffix(b".")


@pytest.mark.parametrize(
    ("address", "error", "name"),
    [
        ("8.8.4.4", 0, b"host.far"),
        ("::ffff:8.8.4.4", 0, b"host.far"),
        ("8.8.4.5", errno.ENOENT, b""),
        ("8.8.4.6", errno.EAGAIN, b""),
    ],
)
def test_the_name_of_an_address(
    ending_in_tor: Context, events: list[Event], address: str, error: int, name: bytes
) -> None:
    """Where it cannot be asked, the user hears why."""
    where = ip_address(address)
    family = socket.AF_INET if where.version == 4 else socket.AF_INET6
    reply = finish(find_out(ending_in_tor, RequestMessage(Op.REVERSE, 0, TOKEN, family, where)))
    assert (reply.error, reply.name) == (error, name)
    hop = ending_in_tor.router.default.hops[0]
    told = [event for event in events if isinstance(event, Unresolved)]
    assert told == (
        [Unresolved(os.getpid(), "8.8.4.6", hop, "is not there")] if error == errno.EAGAIN else []
    )


def test_a_question_of_dns_waits(ending_in_tor: Context) -> None:
    """Until the last proxy has answered."""
    message = b"?!\1\0\0\1\0\0\0\0\0\0\1a\3far\0\0\1\0\1"
    request = RequestMessage(Op.QUERY, token=TOKEN, message=message)
    assert finish(find_out(ending_in_tor, request)).message.endswith(b"\0\4\x08\x08\4\4")


def test_too_many_questions_wait(ending_in_tor: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is told that nobody can say now."""
    monkeypatch.setattr(questions, "MAX_WAITING", 2)
    names = NameServer(ending_in_tor)
    answers: list[int] = []

    async def never(*_: object) -> Answer:
        await asyncio.Event().wait()
        return None

    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            names.far.begin(never, group.create_task)
            asking = Questions(ending_in_tor.router, lambda _: None, names.far)
            for at in range(3):
                message = b"?%c\1\0\0\1\0\0\0\0\0\0\1a\3far\0\0\1\0\1" % at
                asking.ask(message, lambda answer: answers.append(answer[1] << 8 | answer[3] & 15))
            assert answers == [0x202]
            names.far.close()
        assert sorted(answers) == [0x002, 0x102, 0x202]

    finish(play())
