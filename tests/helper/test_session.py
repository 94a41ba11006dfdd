"""One request, its lent socket, one reply; and every way in which a peer can get it wrong."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import select
import socket
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.config import Options
from proxywrap.events import Blocked, Connected, Event, Failed, Note, Resolved
from proxywrap.helper.session import Context, Session
from proxywrap.net import dnsserver
from proxywrap.protocol.wire import (
    REQUEST_BYTES,
    BlockedKind,
    Op,
    ReplyMessage,
    RequestMessage,
    Target,
    pack_request,
    parse_reply,
)
from proxywrap.testing.script import Script
from proxywrap.testing.socksserver import SocksServer

from .asking import (
    DEADLINE_S,
    TOKEN,
    black_hole,
    connect_request,
    finish,
    make_context,
    open_descriptors,
    receive_reply,
    send,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ASK = RequestMessage(Op.RESOLVE, token=TOKEN, name=b"www.example.org")


@pytest.fixture
def events() -> list[Event]:
    """Collect what is reported."""
    return []


@pytest.fixture
def context(events: list[Event]) -> Context:
    """Return what sessions share; everything but loopback goes to a proxy that is not there."""
    return make_context(events.append, ["socks5://127.0.0.1:9"])


@pytest.fixture(autouse=True)
def no_leak() -> Iterator[None]:
    """Whatever a test does, every descriptor is closed after it."""
    before = open_descriptors()
    yield
    assert open_descriptors() == before


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
        assert not Session(context, ours).receive()
        return parse_reply(theirs.recv(1000))


async def connect(context: Context, data: bytes, lent: socket.socket) -> ReplyMessage:
    """Return the reply to a request that is answered later."""
    with pair() as (ours, theirs):
        send(theirs, data, lent.fileno())
        session = Session(context, ours)
        assert session.receive()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.connect())
            return await receive_reply(theirs)


# ---
# Questions


def test_resolve(context: Context, events: list[Event]) -> None:
    """A name gets a fake address; its canonical name is what was asked for, without the dot."""
    reply = ask(context, pack_request(replace(ASK, name=b"WWW.example.org.")))
    (address,) = reply.addresses
    assert (reply.error, reply.name) == (0, b"WWW.example.org")
    assert events == [Resolved(os.getpid(), "WWW.example.org.", (address,), is_remote=True)]
    question = RequestMessage(Op.REVERSE, token=TOKEN, family=socket.AF_INET, address=address)
    assert ask(context, pack_request(question)).name == b"www.example.org"


def test_resolve_a_local_name(context: Context, events: list[Event]) -> None:
    """The hosts file's address, and none of another family."""
    reply = ask(context, pack_request(replace(ASK, name=b"box")))
    assert reply.addresses == (ip_address("10.1.2.3"),)
    reply = ask(context, pack_request(replace(ASK, name=b"box", family=socket.AF_INET6)))
    assert (reply.error, reply.addresses) == (errno.ENOENT, ())
    assert [event.is_remote for event in events if isinstance(event, Resolved)] == [False, False]


def test_resolve_an_alias(context: Context) -> None:
    """Its canonical name is the first of its line in /etc/hosts."""
    assert ask(context, pack_request(replace(ASK, name=b"BOX."))).name == b"box.lan"


@pytest.mark.parametrize("name", [b"", b"a b", b"x" * 64, b"x." * 128, b"\0", b"a..b"])
def test_resolve_what_is_no_name(context: Context, name: bytes) -> None:
    """There is no such name."""
    assert ask(context, pack_request(replace(ASK, name=name))).error == errno.ENOENT


def test_resolve_bytes_that_are_no_utf_8(context: Context) -> None:
    """They are a name like another."""
    assert ask(context, pack_request(replace(ASK, name=b"\xff\xfe.org"))).error == 0


def test_resolve_with_a_full_pool(events: list[Event]) -> None:
    """Not now; and the user hears of it."""
    full = make_context(events.append, options=Options(fake_network_v4=IPv4Network("198.18.0.0/30")))
    for name in (b"a.org", b"b.org"):
        assert ask(full, pack_request(replace(ASK, name=name))).error == 0
    assert ask(full, pack_request(replace(ASK, name=b"c.org"))).error == errno.EAGAIN
    assert isinstance(events[-1], Blocked)


def test_reverse_of_nothing(context: Context) -> None:
    """An address of no name, and no address."""
    for address in (IPv4Address("192.0.2.1"), None):
        family = socket.AF_INET if address else 0
        request = RequestMessage(Op.REVERSE, token=TOKEN, family=family, address=address)
        assert ask(context, pack_request(request)).error == errno.ENOENT


def test_blocked(context: Context, events: list[Event]) -> None:
    """It is told to the user, and the peer need not wait."""
    request = RequestMessage(
        Op.BLOCKED, BlockedKind.UDP, TOKEN, socket.AF_INET, IPv4Address("192.0.2.1"), 443
    )
    assert ask(context, pack_request(request)).error == 0
    assert events == [Blocked(os.getpid(), "UDP to 192.0.2.1:443", "these proxies carry TCP only")]


@pytest.mark.parametrize(("path", "error"), [(b"/usr/bin/ping", 0), (b"/usr/bin/sudo", errno.EACCES)])
def test_exec(events: list[Event], path: bytes, error: int) -> None:
    """The configuration permits it, or not; either is told."""
    context = make_context(events.append, options=Options(allow_unwrapped=("ping",)))
    request = RequestMessage(Op.EXEC, Target.STATIC, TOKEN, name=path)
    assert ask(context, pack_request(request)).error == error
    (event,) = events
    assert path.decode() in str(event)
    assert isinstance(event, Blocked if error else Note)


# ---
# DNS

QUESTION = b"?!\1\0\0\1\0\0\0\0\0\0\4site\4test\0\0%c\0\1"
A, AAAA = 1, 28


async def query(context: Context, message: bytes) -> ReplyMessage:
    """Return the reply to a DNS message."""
    with pair() as (ours, theirs):
        send(theirs, pack_request(RequestMessage(Op.QUERY, token=TOKEN, message=message)))
        assert not Session(context, ours).receive()
        theirs.setblocking(False)
        return parse_reply(await asyncio.get_running_loop().sock_recv(theirs, 4000))


def test_query(context: Context, events: list[Event]) -> None:
    """The answer comes behind the reply, at once or a moment later; it is told who asked."""
    for kind in (AAAA, A):
        reply = finish(query(context, QUESTION % kind))
        assert reply.error == 0
        assert reply.message.startswith(b"?!\x81\x80\0\1\0\1\0\0\0\0\4site")
    assert [event.pid for event in events if isinstance(event, Resolved)] == [os.getpid()] * 2
    assert finish(query(context, b"")).message == b"\0\0\x80\x81" + bytes(8)


def test_query_of_what_is_an_answer(context: Context) -> None:
    """There is nothing to say to it."""
    reply = finish(query(context, b"?!\x81\x80" + bytes(8)))
    assert (reply.error, reply.message) == (errno.EINVAL, b"")


def server_request(address: str | None, port: int = 53) -> bytes:
    """Return a request for the place of a name server."""
    ip = None if address is None else ip_address(address)
    return pack_request(RequestMessage(Op.SERVER, 0, TOKEN, socket.AF_INET if ip else 0, ip, port))


def test_server(context: Context, events: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its socket on loopback; when there are too many the user is told."""
    monkeypatch.setattr(dnsserver, "MAX_SERVERS", 2)

    async def play() -> None:
        first, second, again, third = (
            ask(context, server_request(f"192.0.2.{last}")) for last in (1, 2, 1, 3)
        )
        assert first.addresses == second.addresses == (ip_address("127.0.0.1"),)
        assert 0 < first.port != second.port > 0
        assert again == first
        assert third.error == errno.ENETUNREACH
        context.dns.close()

    finish(play())
    (event,) = events
    assert isinstance(event, Blocked)
    assert event.what == "DNS by UDP to 192.0.2.3:53"


def test_server_without_an_address(context: Context, events: list[Event]) -> None:
    """A request that makes no sense."""
    assert ask(context, server_request(None)).error == errno.ECONNREFUSED
    assert "the address of a name server" in str(events)


def test_a_local_name_server_by_tcp(context: Context) -> None:
    """The lent socket leads to ours, in the place of what the application takes it for."""

    async def play() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as app:
            reply = await connect(context, connect_request("127.0.0.53", 53), app)
            assert (reply.error, reply.is_direct) == (0, False)
            app.setblocking(False)
            await loop.sock_sendall(app, b"\0\x1b" + QUESTION % A)
            assert (await loop.sock_recv(app, 2))[0] == 0
            assert (await loop.sock_recv(app, 100)).startswith(b"?!\x81\x80")
        context.dns.close()
        await asyncio.sleep(0)

    finish(play())


def test_a_local_name_server_that_cannot_be(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the kernel's."""
    monkeypatch.setitem(dnsserver.LOOPBACK, 4, "192.0.2.1")

    async def play() -> None:
        with socket.socket() as app:
            reply = await connect(context, connect_request("127.0.0.53", 53), app)
        assert reply.error == errno.EADDRNOTAVAIL

    finish(play())


# ---
# Peers that get it wrong


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * REQUEST_BYTES,
        b"\0" * REQUEST_BYTES,
        pack_request(ASK)[:-1],
        pack_request(ASK) + b"\0",
        b"\1" + pack_request(ASK)[1:],
        pack_request(replace(ASK, token=bytes(16))),
        pack_request(replace(ASK, token=b"")),
        pack_request(RequestMessage(Op.EXEC, 999, TOKEN)),
        b"x" * 100_000,
    ],
)
@pytest.mark.parametrize("lends", [False, True])
def test_a_bad_request(context: Context, events: list[Event], data: bytes, lends: bool) -> None:  # noqa: FBT001
    """Refused and noted, whatever it lends."""
    with socket.socket() as app:
        assert ask(context, data, *([app.fileno()] if lends else [])).error == errno.ECONNREFUSED
    (note,) = events
    assert isinstance(note, Note)
    assert note.text.endswith(f"[pid {os.getpid()}]")
    assert TOKEN.hex() not in note.text


@pytest.mark.parametrize("op", list(Op))
def test_no_operation_without_the_token(context: Context, events: list[Event], op: Op) -> None:
    """It is compared before anything is done."""
    with socket.socket() as app:
        data = pack_request(RequestMessage(op, token=b"\xff" * 16, name=b"a.org"))
        assert ask(context, data, app.fileno()).error == errno.ECONNREFUSED
    assert events == [
        Note(f"refused a request on the control socket: its token is not ours [pid {os.getpid()}]")
    ]


def test_a_peer_that_only_goes(context: Context) -> None:
    """Its connection is closed."""
    with pair() as (ours, theirs):
        theirs.close()
        assert not Session(context, ours).receive()
        assert ours.fileno() == -1


def test_a_peer_that_has_not_asked_yet(context: Context) -> None:
    """Nothing is closed, and the request is answered when it comes."""
    with pair() as (ours, theirs):
        session = Session(context, ours)
        with pytest.raises(BlockingIOError):
            session.receive()
        send(theirs, pack_request(ASK))
        assert not session.receive()
        assert parse_reply(theirs.recv(1000)).error == 0


def test_a_peer_that_does_not_wait(context: Context) -> None:
    """An answer that nobody takes is no error."""
    with pair() as (ours, theirs):
        send(theirs, pack_request(ASK))
        theirs.close()
        assert not Session(context, ours).receive()


def _file() -> int:
    return os.open(os.devnull, os.O_RDONLY)


def _of(family: int, kind: int) -> Callable[[], int]:
    return lambda: socket.socket(family, kind).detach()


@pytest.mark.parametrize(
    "make",
    [
        _file,
        lambda: os.pidfd_open(os.getpid()),
        _of(socket.AF_UNIX, socket.SOCK_STREAM),
        _of(socket.AF_INET, socket.SOCK_DGRAM),
        _of(socket.AF_INET6, socket.SOCK_DGRAM),
        _of(socket.AF_NETLINK, socket.SOCK_RAW),
    ],
    ids=["file", "pidfd", "unix", "udp", "udp6", "netlink"],
)
def test_what_cannot_be_lent(context: Context, events: list[Event], make: Callable[[], int]) -> None:
    """Refused, noted and closed."""
    fd = make()
    assert ask(context, connect_request(), fd).error == errno.ECONNREFUSED
    os.close(fd)
    (note,) = events
    assert "socket" in str(note)


@pytest.mark.parametrize("count", [0, 2, 4, 5, 100])
def test_another_number_of_descriptors(context: Context, count: int) -> None:
    """One is lent, neither none nor several."""
    with contextlib.ExitStack() as stack:
        lent = [stack.enter_context(socket.socket()).fileno() for _ in range(count)]
        assert ask(context, connect_request(), *lent).error in {errno.ECONNREFUSED, errno.EMFILE}


def test_a_request_without_an_address(context: Context) -> None:
    """There is nowhere to connect it to."""
    with socket.socket() as app:
        request = pack_request(RequestMessage(Op.CONNECT, token=TOKEN, family=socket.AF_UNIX))
        assert ask(context, request, app.fileno()).error == errno.ECONNREFUSED


def test_a_descriptor_that_was_not_expected(context: Context) -> None:
    """It is closed, and the question is answered."""
    with socket.socket() as app:
        assert ask(context, pack_request(ASK), app.fileno()).error == 0


def test_no_room_for_the_descriptor(context: Context) -> None:
    """The peer hears EMFILE, as if it had been its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pair() as (ours, theirs), socket.socket() as app:
        send(theirs, connect_request(), app.fileno())
        session = Session(context, ours)
        with open(os.devnull, "rb") as file:
            lowest = file.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            assert not session.receive()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert parse_reply(theirs.recv(1000)).error == errno.EMFILE


def test_an_error_of_ours(context: Context, events: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that request's, and noted."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(context.router, "resolve", fail)
    assert ask(context, pack_request(ASK)).error == errno.ECONNREFUSED
    assert "ZeroDivisionError" in str(events)


# ---
# Lent sockets


@pytest.mark.parametrize("is_blocking", [True, False])
def test_connect_directly(context: Context, events: list[Event], is_blocking: bool) -> None:  # noqa: FBT001
    """Loopback is: the reply says so, the copy is closed before it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as app:
        app.setblocking(is_blocking)
        port = listener.getsockname()[1]
        reply = finish(connect(context, connect_request("127.0.0.1", port), app))
        assert reply == ReplyMessage(is_direct=True)
        assert app.getpeername() == listener.getsockname()
        app.close()
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(1) == b""
    (event,) = events
    assert isinstance(event, Connected)
    assert (event.pid, event.hops) == (os.getpid(), ())
    assert context.lent == {}


def test_connect_through_a_proxy(events: list[Event]) -> None:
    """A fake address goes as its name."""

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as app:
            async with SocksServer(names={"www.example.org": "127.0.0.1"}) as server:
                context = make_context(events.append, [server.url])
                (address,) = ask(context, pack_request(ASK)).addresses
                request = connect_request(str(address), listener.getsockname()[1])
                assert await connect(context, request, app) == ReplyMessage()
                assert server.log[0].host == "www.example.org"
                app.close()
        assert isinstance(events[-1], Connected)

    finish(scenario())


def test_a_failed_connect(context: Context, events: list[Event]) -> None:
    """The socket is as good as new."""
    with socket.socket() as app, socket.create_server(("127.0.0.1", 0)) as listener:
        assert finish(connect(context, connect_request(), app)).error == errno.ECONNREFUSED
        (event,) = events
        assert isinstance(event, Failed)
        assert (str(event.destination), event.errno) == ("192.0.2.7:80", errno.ECONNREFUSED)
        assert event.is_chain_fault
        app.connect(listener.getsockname())
    assert context.lent == {}


def test_a_route_that_is_not_there(context: Context, events: list[Event]) -> None:
    """A fake address that stands for no name."""
    with socket.socket() as app:
        assert finish(connect(context, connect_request("198.18.7.7"), app)).error == errno.EHOSTUNREACH
    (event,) = events
    assert isinstance(event, Failed)
    assert not event.is_chain_fault


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_failed_connect_shows_in_poll(context: Context, family: int, host: str) -> None:
    """The kernel itself shows poll an error, for the application is waiting there."""
    with socket.socket(family) as app, socket.socket(family) as holder:
        holder.bind((host, 0))
        context.refusing[family] = (host, holder.getsockname()[1])
        app.setblocking(False)
        address = "198.18.7.7" if family == socket.AF_INET else "fd70:726f:7879:7772::7"
        assert finish(connect(context, connect_request(address, 80), app)).error == errno.EHOSTUNREACH
        poll = select.poll()
        poll.register(app, select.POLLIN)
        assert poll.poll(0)[0][1] & (select.POLLERR | select.POLLHUP)
        assert app.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_an_error_of_ours_while_connecting(
    context: Context, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt fails, the group of attempts goes on."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def scenario(app: socket.socket) -> None:
        async with asyncio.TaskGroup() as tasks:
            other = tasks.create_task(asyncio.Event().wait())
            reply = await connect(context, connect_request(), app)
            assert reply.error == errno.ECONNREFUSED
            assert not other.done()
            other.cancel()

    monkeypatch.setattr(context.router, "route", fail)
    with socket.socket() as app:
        finish(scenario(app))
    assert "ZeroDivisionError" in str(events)
    assert context.lent == {}


def test_a_listening_socket(context: Context) -> None:
    """What cannot be connected fails as the kernel says."""
    with socket.create_server(("127.0.0.1", 0)) as app, socket.create_server(("127.0.0.1", 0)) as other:
        reply = finish(connect(context, connect_request("127.0.0.1", other.getsockname()[1]), app))
        assert reply.error == errno.EISCONN


# ---
# The leash


async def _let_go(context: Context, address: str, port: int, app: socket.socket, reached: object) -> None:
    """Close the control connection once `reached` is so; the attempt must end for it."""
    with pair() as (ours, theirs):
        send(theirs, connect_request(address, port), app.fileno())
        session = Session(context, ours)
        assert session.receive()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(session.connect())
            assert callable(reached)
            await until(reached)
            theirs.close()
        assert task.cancelled()
        assert ours.fileno() == -1
    assert context.lent == {}


def test_let_go_before_anything_was_done(context: Context) -> None:
    """The attempt is given up, the socket is disconnected and closed."""
    with black_hole() as hole, socket.socket() as app:
        finish(_let_go(context, *hole, app, lambda: True))
        with pytest.raises(OSError, match="not connected"):
            app.getpeername()


def test_let_go_while_connecting(context: Context) -> None:
    """Likewise; the application may connect it elsewhere."""
    with black_hole() as hole, socket.socket() as app, socket.create_server(("127.0.0.1", 0)) as other:
        finish(_let_go(context, *hole, app, lambda: context.lent))
        app.connect(other.getsockname())


def test_let_go_in_the_handshake(events: list[Event]) -> None:
    """The proxy sees the end."""

    async def scenario() -> None:
        async with SocksServer(script=Script(refuse=errno.ECONNREFUSED)) as server:
            server.hold()
            context = make_context(events.append, [server.url])
            with socket.socket() as app:
                await _let_go(context, "192.0.2.7", 80, app, lambda: server.log)
                server.release()
                await server.wait_idle()
                with pytest.raises(OSError, match="not connected"):
                    app.getpeername()

    finish(scenario())
    assert events == []


def test_a_second_packet_lets_go_too(context: Context) -> None:
    """Nothing but the request ever comes from a peer in its right mind."""

    async def scenario(app: socket.socket, hole: tuple[str, int]) -> None:
        with pair() as (ours, theirs):
            send(theirs, connect_request(*hole), app.fileno())
            session = Session(context, ours)
            assert session.receive()
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(session.connect())
                send(theirs, pack_request(ASK))
            assert task.cancelled()

    with black_hole() as hole, socket.socket() as app:
        finish(scenario(app, hole))


def test_a_second_attempt_waits_for_the_end_of_the_first(context: Context) -> None:
    """On the same socket: the first is cancelled, the second connects, however many were before."""

    async def scenario(app: socket.socket, hole: tuple[str, int], good: tuple[str, int]) -> None:
        with contextlib.ExitStack() as stack:
            async with asyncio.TaskGroup() as tasks:
                earlier = []
                for count in range(1, 4):
                    ours, theirs = stack.enter_context(pair())
                    send(theirs, connect_request(*hole), app.fileno())
                    session = Session(context, ours)
                    assert session.receive()
                    earlier.append(tasks.create_task(session.connect()))
                    if count != 2:  # the third comes before the second has done anything
                        await until(lambda: context.lent)
                assert (await connect(context, connect_request(*good), app)).error == 0
            assert all(task.cancelled() for task in earlier)

    with black_hole() as hole, socket.socket() as app, socket.create_server(("127.0.0.1", 0)) as listener:
        finish(scenario(app, hole, listener.getsockname()))
        assert app.getpeername() == listener.getsockname()
    assert context.lent == {}
