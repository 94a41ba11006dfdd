"""What ties an attempt to the application that waits for it: a connection of the control socket."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from contextlib import closing

import pytest

from proxywrap.helper.ends import Ends
from proxywrap.helper.leash import control_leash
from proxywrap.protocol.wire import HOLD_BYTES, ReplyMessage, parse_reply

from .asking import finish


def pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection as the control socket has them."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def test_letting_go_is_known_before_the_loop_hears_of_it() -> None:
    """Whoever asks need not wait for anything."""
    ours, theirs = pair()
    with closing(control_leash(ours, Ends())) as leash:
        assert not leash.is_let_go()
        theirs.close()
        assert leash.is_let_go()


def test_a_broken_connection_is_let_go() -> None:
    """Whatever is wrong with it, nobody waits."""
    ours, theirs = pair()
    with theirs:
        leash = control_leash(ours, Ends())
        leash.close()
        assert leash.is_let_go()


def test_who_watches_is_called() -> None:
    """When the application closes its end, and not any more after that."""

    async def scenario() -> None:
        ours, theirs = pair()
        with closing(control_leash(ours, Ends())) as leash:
            let_go = asyncio.Event()
            leash.watch(let_go.set)
            theirs.close()
            await let_go.wait()
            leash.unwatch()
            let_go.clear()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not let_go.is_set()

    finish(scenario())


def test_the_answer_comes_and_then_the_end() -> None:
    """One message; an application that has gone before it gets none, which is no error."""
    ours, theirs = pair()
    with theirs:
        leash = control_leash(ours, Ends())
        leash.answer(ReplyMessage(errno.EHOSTUNREACH))
        leash.close()
        assert parse_reply(theirs.recv(1000)).error == errno.EHOSTUNREACH
        assert theirs.recv(1000) == b""
    ours, theirs = pair()
    theirs.close()
    with closing(control_leash(ours, Ends())) as leash:
        leash.answer(ReplyMessage())


def test_a_held_message_is_no_end() -> None:
    """What keeps the connection from being writable lies unread; the peer has not gone."""

    async def scenario() -> None:
        ours, theirs = pair()
        with theirs, closing(control_leash(ours, Ends())) as leash:
            hold(theirs)
            let_go = asyncio.Event()
            leash.watch(let_go.set)
            for _ in range(3):
                await asyncio.sleep(0)
            assert not let_go.is_set()
            assert not leash.is_let_go()
            theirs.close()
            await let_go.wait()
            leash.unwatch()

    finish(scenario())


def test_a_good_answer_makes_the_connection_writable() -> None:
    """It stays until the application ends it, for its end would look like a failure."""

    async def scenario() -> None:
        ours, theirs = pair()
        leash = control_leash(ours, Ends())
        with theirs:
            hold(theirs)
            assert shown(theirs) == 0
            leash.answer(ReplyMessage())
            leash.close()
            assert shown(theirs) == select.POLLOUT
            assert parse_reply(theirs.recv(1000)).error == 0
        while ours.fileno() >= 0:  # noqa: ASYNC110 - the loop tells nobody else
            await asyncio.sleep(0)

    finish(scenario())


def test_an_error_makes_the_connection_fail() -> None:
    """As a socket that could not be connected."""
    ours, theirs = pair()
    with theirs:
        hold(theirs)
        leash = control_leash(ours, Ends())
        leash.answer(ReplyMessage(errno.EHOSTUNREACH))
        leash.close()
        assert shown(theirs) == select.POLLOUT | select.POLLERR | select.POLLHUP
        with pytest.raises(ConnectionResetError):
            theirs.recv(1000)
        assert parse_reply(theirs.recv(1000)).error == errno.EHOSTUNREACH


def hold(sock: socket.socket) -> None:
    """Do what the shim does where somebody may wait for the connection by an instruction of its own."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0)
    sock.send(bytes(HOLD_BYTES))


def shown(sock: socket.socket) -> int:
    """Return what poll(2) tells whoever wants to write."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return sum(events for _, events in poll.poll(0))
