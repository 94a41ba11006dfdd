"""One request, its lent socket, one reply; and every way in which a peer can get it wrong."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.config import Options
from proxywrap.engines import Engine
from proxywrap.events import Blocked, Event, Note, Resolved
from proxywrap.helper.context import Context
from proxywrap.helper.session import Session
from proxywrap.net.native import proof
from proxywrap.protocol.wire import (
    REQUEST_BYTES,
    BlockedKind,
    Op,
    RequestMessage,
    Target,
    pack_request,
    parse_reply,
)

from .asking import TOKEN, ask, connect_request, make_context, pair, send

if TYPE_CHECKING:
    from collections.abc import Callable

ASK = RequestMessage(Op.RESOLVE, token=TOKEN, name=b"www.example.org")


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
    assert events == [Blocked(os.getpid(), "UDP to 192.0.2.1:443", "proxywrap carries TCP only")]


@pytest.mark.parametrize(("path", "error"), [(b"/usr/bin/ping", 0), (b"/usr/bin/sudo", errno.EACCES)])
def test_exec(events: list[Event], path: bytes, error: int) -> None:
    """The configuration permits it, or not; either is told."""
    context = make_context(events.append, options=Options(allow_unwrapped=("ping",), engine=Engine.PRELOAD))
    request = RequestMessage(Op.EXEC, Target.STATIC, TOKEN, name=path)
    assert ask(context, pack_request(request)).error == error
    (event,) = events
    assert path.decode() in str(event)
    assert isinstance(event, Blocked if error else Note)


# ---
# Peers that get it wrong


def is_refused(context: Context, data: bytes, *lent: int) -> bool:
    """Tell whether a packet is answered by a refusal, or by a connection that is broken off."""
    try:
        return ask(context, data, *lent).error == errno.ECONNREFUSED
    except ConnectionResetError:
        return True


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
        assert is_refused(context, data, *([app.fileno()] if lends else []))
    (note,) = events
    assert isinstance(note, Note)
    assert note.text.endswith(f"[pid {os.getpid()}]")
    assert TOKEN.hex() not in note.text


@pytest.mark.parametrize("op", [op for op in Op if op is not Op.PROVE])
def test_no_operation_without_the_token(context: Context, events: list[Event], op: Op) -> None:
    """It is compared before anything is done."""
    with socket.socket() as app:
        data = pack_request(RequestMessage(op, token=b"\xff" * 16, name=b"a.org"))
        assert is_refused(context, data, app.fileno())
    text = f"its token is not ours; of user {os.getuid()} no more is told [pid {os.getpid()}]"
    assert events == [Note(f"refused a request on the control socket: {text}")]


def test_a_peer_that_only_goes(context: Context) -> None:
    """Its connection is closed."""
    with pair() as (ours, theirs):
        theirs.close()
        assert Session(context, ours).receive() is None
        assert ours.fileno() == -1


def test_a_peer_that_has_not_asked_yet(context: Context) -> None:
    """Nothing is closed, and the request is answered when it comes."""
    with pair() as (ours, theirs):
        session = Session(context, ours)
        with pytest.raises(BlockingIOError):
            session.receive()
        send(theirs, pack_request(ASK))
        assert session.receive() is None
        assert parse_reply(theirs.recv(1000)).error == 0


def test_a_peer_that_does_not_wait(context: Context) -> None:
    """An answer that nobody takes is no error."""
    with pair() as (ours, theirs):
        send(theirs, pack_request(ASK))
        theirs.close()
        assert Session(context, ours).receive() is None


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


@pytest.mark.case("stranger-listeners")
@pytest.mark.parametrize("make", [_file, _of(socket.AF_INET, socket.SOCK_STREAM)], ids=["file", "tcp"])
def test_what_is_no_listener_is_not_taken_for_one(
    context: Context, events: list[Event], make: Callable[[], int]
) -> None:
    """Refused, noted and closed, not answered for as long as the helper lives."""
    fd = make()
    request = pack_request(RequestMessage(Op.LISTEN, token=TOKEN, number=fd))
    for _ in range(20):
        assert ask(context, request).error == errno.ECONNREFUSED
    os.close(fd)
    (note,) = events
    assert "expected the listener of a filter" in str(note)


@pytest.mark.case("stranger-listeners")
def test_no_room_for_a_listener(context: Context) -> None:
    """The program is not executed, for its calls would never be answered."""
    context.has_room = lambda: False
    assert ask(context, pack_request(RequestMessage(Op.LISTEN, token=TOKEN))).error == errno.EMFILE


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
            assert session.receive() is None
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
# Who asks for a proof


CHALLENGE = RequestMessage(Op.PROVE, token=bytes(range(16, 32)))


def test_a_challenge(context: Context, events: list[Event]) -> None:
    """It is answered by whoever listens, and the request that follows as any other."""
    with pair() as (ours, theirs):
        session = Session(context, ours)
        send(theirs, pack_request(CHALLENGE))
        with pytest.raises(BlockingIOError):
            session.receive()
        shown = parse_reply(theirs.recv(1000))
        assert (shown.error, shown.name) == (0, proof(TOKEN, CHALLENGE.token, 0))
        send(theirs, pack_request(ASK))
        assert session.receive() is None
        assert parse_reply(theirs.recv(1000)).error == 0
    assert [type(event) for event in events] == [Resolved]


def test_another_challenge(context: Context, events: list[Event]) -> None:
    """One is enough for who knows the answer."""
    with pair() as (ours, theirs):
        for _ in range(2):
            send(theirs, pack_request(CHALLENGE))
        assert Session(context, ours).receive() is None
        assert parse_reply(theirs.recv(1000)).error == 0
        assert parse_reply(theirs.recv(1000)).error == errno.ECONNREFUSED
    assert "one challenge" in str(events)


def test_a_challenge_with_a_descriptor(context: Context) -> None:
    """It is not taken from who has shown no token."""
    with socket.socket() as app:
        assert is_refused(context, pack_request(CHALLENGE), app.fileno())


def test_a_challenge_is_no_token(context: Context) -> None:
    """Who has made us prove something has proved nothing."""
    with pair() as (ours, theirs):
        send(theirs, pack_request(CHALLENGE))
        send(theirs, pack_request(replace(ASK, token=CHALLENGE.token)))
        assert Session(context, ours).receive() is None
        theirs.recv(1000)
        assert parse_reply(theirs.recv(1000)).error == errno.ECONNREFUSED
