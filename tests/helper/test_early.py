"""The first requests, which do not wait for the event loop, and what is handed on to it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from proxywrap.config import Config, Options, Origin, ProxyEntry
from proxywrap.events import Resolved
from proxywrap.helper.early import FOLLOW_UP_MS, MAX_EARLY, Early
from proxywrap.helper.server import ControlServer
from proxywrap.helper.session import Loan
from proxywrap.protocol.wire import Op, RequestMessage, pack_request, parse_reply
from proxywrap.testing.socksserver import SocksServer
from proxywrap.uri import parse_uri

from .asking import (
    DEADLINE_S,
    TOKEN,
    carrying_out,
    connect_request,
    finish,
    make_attempts,
    receive_reply,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = pack_request(RequestMessage(Op.RESOLVE, token=TOKEN, name=b"www.example.org"))


class Meeting:
    """A listener, and the helper as it is before the loop."""

    def __init__(self, listener: socket.socket, url: str) -> None:
        self.listener = listener
        config = Config(Options(), (ProxyEntry(parse_uri(url), Origin("test")),), "test")
        self.early = Early(config, TOKEN, [listener])

    def peer(self) -> socket.socket:
        """Return a new connection to it."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.settimeout(DEADLINE_S)
        sock.connect(self.listener.getsockname())
        return sock

    async def hand_on(self) -> None:
        """Have an event loop carry out what is left, to its end."""
        attempts = make_attempts(self.early.context)
        async with asyncio.TaskGroup() as tasks:
            server = ControlServer([self.listener], self.early.context, carrying_out(attempts, tasks))
            server.adopt(self.early.work, self.early.silent)
            server.stop()


@contextmanager
def meeting(url: str = "socks5://127.0.0.1:9") -> Iterator[Meeting]:
    """Have a listener and an early helper."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as listener:
        listener.bind(b"")
        listener.listen(4096)
        yield Meeting(listener, url)


def test_it_needs_no_event_loop() -> None:
    """asyncio, which takes longer to import than a program to ask, is not imported for it."""
    code = "import sys, proxywrap.helper.early; sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_question_is_answered() -> None:
    """What there is to tell of it is held."""
    with meeting() as it:
        assert not it.early.is_wanted()
    with meeting() as it, it.peer() as peer:
        send(peer, QUESTION)
        assert it.early.is_wanted()
        it.early.serve()
        assert parse_reply(peer.recv(1000)).error == 0
        assert it.early.is_wanted()
        (event,) = it.early.held
        assert isinstance(event, Resolved)


def test_what_follows_an_answer_at_once() -> None:
    """It is not left until the next module has been imported."""
    script = f"""\
import socket, sys
for _ in range(3):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.connect(b"\\0" + sys.argv[1].encode())
        peer.send(bytes.fromhex("{QUESTION.hex()}"))
        assert peer.recv(1000)
"""
    with meeting() as it:
        name = it.listener.getsockname()[1:].decode()
        it.early._poll.poll(0)
        with subprocess.Popen([sys.executable, "-c", script, name]) as asker:
            it.early._poll.poll(DEADLINE_S * 1000)
            while asker.poll() is None:
                it.early.serve()
        assert asker.returncode == 0
        assert len(it.early.held) == 3
        assert FOLLOW_UP_MS > 0


@pytest.mark.case("stranger-early")
def test_a_strangers_descriptor_holds_up_no_first_request() -> None:
    """A socket whose last close() would take five minutes: who has the token is answered meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as listener, meeting() as it, it.peer() as peer:
        lingering = socket.create_connection(listener.getsockname())
        lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 300))
        lingering.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                lingering.send(bytes(1 << 16))
        with it.peer() as stranger:
            send(stranger, b"no token of yours", lingering.fileno())
        os.close(lingering.detach())  # not the last one: the control socket has it
        send(peer, QUESTION)
        it.early.serve()
        assert parse_reply(peer.recv(1000)).error == 0
        reader, _ = listener.accept()
        reader.close()  # with data unread: a reset, which ends the close()


def test_a_socket_is_on_its_way_before_the_loop_is_there() -> None:
    """The proxy is connected to; the handshake is the loop's."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.socket() as app:
        app.setblocking(False)
        with meeting(f"socks5://127.0.0.1:{proxy.getsockname()[1]}") as it, it.peer() as peer:
            send(peer, connect_request(), app.fileno())
            it.early.serve()
            proxy.settimeout(DEADLINE_S)
            accepted, address = proxy.accept()
            assert address == app.getsockname()
            accepted.close()
            finish(it.hand_on())
            assert parse_reply(peer.recv(1000)).error == errno.EHOSTUNREACH


def test_who_has_let_go_is_not_connected() -> None:
    """The application gave the attempt up before we came to it: the socket is its own again."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.socket() as app:
        proxy.setblocking(False)
        app.setblocking(False)
        with meeting(f"socks5://127.0.0.1:{proxy.getsockname()[1]}") as it:
            with it.peer() as peer:
                send(peer, connect_request(), app.fileno())
            it.early.serve()
            with pytest.raises(BlockingIOError):
                proxy.accept()
            with pytest.raises(OSError, match="not connected"):
                app.getpeername()
            finish(it.hand_on())


@pytest.mark.parametrize("is_blocking", [True, False])
def test_the_loop_goes_on_with_it(is_blocking: bool) -> None:  # noqa: FBT001
    """On the same connection: the proxy is asked once, and the reply is the application's."""

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as origin, socket.socket() as app:
            app.setblocking(is_blocking)
            async with SocksServer() as server:
                with meeting(server.url) as it, it.peer() as peer:
                    it.early.context.router._options = Options(proxy_loopback=True)
                    send(peer, connect_request(*origin.getsockname()), app.fileno())
                    it.early.serve()
                    at = app.getsockname()
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(it.hand_on())
                        assert (await receive_reply(peer)).error == 0
                    assert app.getsockname() == at
                    assert app.getpeername()[1] == server.port
                    assert len(server.log) == 1
                app.close()

    finish(scenario())


def test_a_proxy_that_refuses() -> None:
    """The error of what was begun is told by the attempt."""
    with socket.socket() as closed, socket.socket() as app:
        closed.bind(("127.0.0.1", 0))
        with meeting(f"socks5://127.0.0.1:{closed.getsockname()[1]}") as it, it.peer() as peer:
            send(peer, connect_request(), app.fileno())
            it.early.serve()
            finish(it.hand_on())
            assert parse_reply(peer.recv(1000)).error == errno.EHOSTUNREACH
            assert "Connection refused" in str(it.early.held)


@pytest.mark.parametrize("url", ["socks5://proxy.test:1080", "socks5://[2001:db8::1]:1080"])
def test_what_cannot_be_begun(url: str) -> None:
    """A hop by name, or of another family, is the attempt's to deal with: the socket is untouched."""
    with socket.socket() as app, meeting(url) as it, it.peer() as peer:
        send(peer, connect_request(), app.fileno())
        it.early.serve()
        (loan,) = it.early.work
        assert isinstance(loan, Loan)
        assert loan.lent._begun is None
        assert app.getsockname() == ("0.0.0.0", 0)
        peer.close()
        finish(it.hand_on())


def test_let_go_before_the_loop_is_there() -> None:
    """What was begun is undone."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.socket() as app:
        with meeting(f"socks5://127.0.0.1:{proxy.getsockname()[1]}") as it:
            with it.peer() as peer:
                send(peer, connect_request(), app.fileno())
                it.early.serve()
            finish(it.hand_on())
        with pytest.raises(OSError, match="not connected"):
            app.getpeername()


def test_two_attempts_on_one_socket() -> None:
    """The second is not begun before the first has ended."""
    with (
        socket.create_server(("127.0.0.1", 0)) as proxy,
        socket.socket() as app,
        meeting(f"socks5://127.0.0.1:{proxy.getsockname()[1]}") as it,
        it.peer() as one,
        it.peer() as two,
    ):
        for peer in (one, two):
            send(peer, connect_request(), app.fileno())
        it.early.serve()
        loans = [work for work in it.early.work if isinstance(work, Loan)]
        assert [loan.lent._begun is None for loan in loans] == [False, True]
        for peer in (one, two):
            peer.close()
        finish(it.hand_on())


def test_a_silent_peer_is_handed_on() -> None:
    """It may ask later."""
    with meeting() as it, it.peer() as peer:
        it.early.serve()
        assert len(it.early.silent) == 1
        send(peer, QUESTION)
        finish(it.hand_on())
        assert parse_reply(peer.recv(1000)).error == 0


def test_a_flood_waits_for_the_loop() -> None:
    """No more than so many are taken."""
    with meeting() as it, ExitStack() as stack:
        for _ in range(MAX_EARLY + 1):
            stack.enter_context(it.peer())
        it.early.serve()
        assert len(it.early.silent) == MAX_EARLY
        assert it.early._poll.poll(0)
        finish(it.hand_on())
