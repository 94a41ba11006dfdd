"""What ties an attempt to the application that waits for it: a connection of the control socket."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import closing

from proxywrap.helper.leash import control_leash
from proxywrap.protocol.wire import ReplyMessage, parse_reply

from .asking import finish


def pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection as the control socket has them."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def test_letting_go_is_known_before_the_loop_hears_of_it() -> None:
    """Whoever asks need not wait for anything."""
    ours, theirs = pair()
    with closing(control_leash(ours)) as leash:
        assert not leash.is_let_go()
        theirs.close()
        assert leash.is_let_go()


def test_a_broken_connection_is_let_go() -> None:
    """Whatever is wrong with it, nobody waits."""
    ours, theirs = pair()
    with theirs:
        leash = control_leash(ours)
        leash.close()
        assert leash.is_let_go()


def test_who_watches_is_called() -> None:
    """When the application closes its end, and not any more after that."""

    async def scenario() -> None:
        ours, theirs = pair()
        with closing(control_leash(ours)) as leash:
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
        leash = control_leash(ours)
        leash.answer(ReplyMessage(errno.EHOSTUNREACH))
        leash.close()
        assert parse_reply(theirs.recv(1000)).error == errno.EHOSTUNREACH
        assert theirs.recv(1000) == b""
    ours, theirs = pair()
    theirs.close()
    with closing(control_leash(ours)) as leash:
        leash.answer(ReplyMessage())
