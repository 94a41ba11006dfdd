"""A socket that is worked on and given back, and how little the application sees of that."""

from __future__ import annotations

import array
import asyncio
import errno
import fcntl
import os
import socket
import struct
import threading
import time
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from proxywrap.errors import ProxyUnreachable, RemoteProtocolError, TruncatedError
from proxywrap.net.lent import LentSocket

from .lending import DEADLINE_S, Pair, black_hole, finish, joined, listening, refusing_port

TCP_FASTOPEN_CONNECT = 30
LINGERING = (
    (socket.IPPROTO_TCP, socket.TCP_CORK, 1),
    (socket.SOL_SOCKET, socket.SO_RCVLOWAT, 100),
)
BOTH = pytest.mark.parametrize("is_blocking", [True, False])
HEAD = b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n"
REST = b"SSH-2.0-banner\r\n\r\n"


class WithoutFastOpen(socket.socket):
    """A socket of a kernel where net.ipv4.tcp_fastopen is 0."""

    def sendto(self, *_: object) -> int:
        """Fail as that kernel does."""
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def _unread(sock: socket.socket) -> bytes:
    sock.setblocking(False)
    try:
        return sock.recv(1 << 16)
    except BlockingIOError:
        return b""


# ---
# What can be lent


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_tcp_socket_can_be_lent(family: int) -> None:
    """Of either family; the inode tells it from others."""
    with Pair(family) as pair:
        assert pair.lent.is_tcp
        assert pair.lent.inode == os.fstat(pair.app.fileno()).st_ino


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_INET6, socket.SOCK_DGRAM),
        (socket.AF_NETLINK, socket.SOCK_RAW),
    ],
)
def test_no_other_socket_can(family: int, kind: int) -> None:
    """What does not speak TCP is told apart."""
    sock = socket.socket(family, kind)
    with closing(LentSocket(sock)) as lent:
        assert not lent.is_tcp


# ---
# Addresses


@pytest.mark.parametrize(
    ("family", "address", "expected"),
    [
        (socket.AF_INET, "192.0.2.1", ("192.0.2.1", 80)),
        (socket.AF_INET, "2001:db8::1", None),
        (socket.AF_INET6, "2001:db8::1", ("2001:db8::1", 80, 0, 0)),
        (socket.AF_INET6, "192.0.2.1", ("::ffff:192.0.2.1", 80, 0, 0)),
        (socket.AF_INET6, "::ffff:192.0.2.1", ("::ffff:c000:201", 80, 0, 0)),
        (socket.AF_INET6, "fe80::1%1", ("fe80::1", 80, 0, 1)),
        (socket.AF_INET6, "fe80::1%lo", ("fe80::1", 80, 0, 1)),
    ],
)
def test_sockaddr(family: int, address: str, expected: object) -> None:
    """An address as the socket takes it."""
    with Pair(family) as pair:
        assert pair.lent.sockaddr(ip_address(address), 80) == expected


def test_sockaddr_of_an_ipv6_only_socket() -> None:
    """It reaches no IPv4 address."""
    with Pair(socket.AF_INET6) as pair:
        pair.app.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        assert pair.lent.sockaddr(IPv4Address("192.0.2.1"), 80) is None
        assert pair.lent.sockaddr(IPv6Address("::1"), 80) == ("::1", 80, 0, 0)


def test_sockaddr_with_the_applications_scope() -> None:
    """The number that came with the request is the one that is used."""
    with Pair(socket.AF_INET6) as pair:
        assert pair.lent.sockaddr(IPv6Address("fe80::1"), 80, 7) == ("fe80::1", 80, 0, 7)


# ---
# Connecting


@pytest.mark.case("pend-blocking-socket")
@BOTH
@pytest.mark.parametrize(
    ("family", "host"),
    [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET6, "127.0.0.1")],
)
def test_connect(family: int, host: str, is_blocking: bool) -> None:  # noqa: FBT001
    """The application's socket is connected, its flags are as they were, the loop has forgotten it."""

    async def scenario(pair: Pair, listener: socket.socket) -> None:
        sockaddr = pair.lent.sockaddr(ip_address(host), listener.getsockname()[1])
        assert sockaddr is not None
        await pair.lent.connect(sockaddr)
        assert not pair.is_watched

    with Pair(family, is_blocking=is_blocking) as pair, listening(host) as listener:
        before = fcntl.fcntl(pair.app, fcntl.F_GETFL)
        finish(scenario(pair, listener))
        peer, address = listener.accept()
        with peer:
            assert fcntl.fcntl(pair.app, fcntl.F_GETFL) == before
            assert pair.app.getsockname()[1] == address[1]
            assert pair.app.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


@BOTH
def test_connect_is_refused(is_blocking: bool) -> None:  # noqa: FBT001
    """As the kernel says; disconnected, the socket can be used again."""

    async def scenario(pair: Pair, port: int, listener: socket.socket) -> None:
        with pytest.raises(ConnectionRefusedError):
            await pair.lent.connect(("127.0.0.1", port))
        assert not pair.is_watched
        pair.lent.disconnect()
        await pair.lent.connect(listener.getsockname())

    with Pair(is_blocking=is_blocking) as pair, refusing_port() as port, listening() as listener:
        finish(scenario(pair, port, listener))
        assert pair.app.getpeername() == listener.getsockname()


@BOTH
def test_connect_to_where_the_kernel_will_not(is_blocking: bool) -> None:  # noqa: FBT001
    """An error at once is an error too: TCP has no broadcast."""
    with Pair(is_blocking=is_blocking) as pair, pytest.raises(OSError, match="unreachable") as caught:
        finish(pair.lent.connect(("255.255.255.255", 80)))
    assert caught.value.errno == errno.ENETUNREACH


def test_connect_without_fast_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where MSG_FASTOPEN is not to be had, a blocking socket costs a tick and keeps its send timeout."""
    timeout = struct.pack("ll", 7, 0)

    async def scenario(pair: Pair, hole: tuple[str, int], listener: socket.socket) -> None:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await pair.lent.connect(hole)
        assert time.monotonic() - started < 1
        assert pair.app.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16) == timeout
        pair.lent.disconnect()
        await pair.lent.connect(listener.getsockname())

    monkeypatch.setattr(socket, "socket", WithoutFastOpen)
    with Pair() as pair, black_hole() as hole, listening() as listener:
        pair.app.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        finish(scenario(pair, hole, listener))


@pytest.mark.case("pend-blocking-socket")
@pytest.mark.parametrize("has_fast_open", [True, False])
def test_toggling_the_flag_delays_nobody(has_fast_open: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """A thread turns O_NONBLOCK on and off while its socket waits at a black hole: the loop ticks on."""
    done = threading.Event()

    def toggle(app: socket.socket) -> None:
        while not done.is_set():
            app.setblocking(False)
            app.setblocking(True)

    async def scenario(pair: Pair, hole: tuple[str, int]) -> float:
        longest, before = 0.0, time.monotonic()
        for _ in range(200):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await pair.lent.connect(hole)
            pair.lent.disconnect()
            now = time.monotonic()
            longest, before = max(longest, now - before), now
        return longest

    if not has_fast_open:
        monkeypatch.setattr(socket, "socket", WithoutFastOpen)
    with Pair() as pair, black_hole() as hole:
        thread = threading.Thread(target=toggle, args=(pair.app,))
        thread.start()
        try:
            longest = finish(scenario(pair, hole))
        finally:
            done.set()
            thread.join()
    assert longest < 0.9  # the first retransmission of a SYN is after 1 s; a stalled connect waits for more


def test_a_cancelled_connect_leaves_no_trace() -> None:
    """Disconnected, the socket goes elsewhere."""

    async def scenario(pair: Pair, hole: tuple[str, int], listener: socket.socket) -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(pair.lent.connect(hole))
            await asyncio.sleep(0)
            task.cancel()
        assert not pair.is_watched
        pair.lent.disconnect()
        await pair.lent.connect(listener.getsockname())

    with Pair() as pair, black_hole() as hole, listening() as listener:
        finish(scenario(pair, hole, listener))


@BOTH
def test_disconnect_keeps_a_bound_port(is_blocking: bool) -> None:  # noqa: FBT001
    """What the application bound is bound for the next attempt too."""

    async def scenario(pair: Pair, port: int, listener: socket.socket) -> None:
        with pytest.raises(ConnectionRefusedError):
            await pair.lent.connect(("127.0.0.1", port))
        pair.lent.disconnect()
        await pair.lent.connect(listener.getsockname())

    with Pair(is_blocking=is_blocking) as pair, refusing_port() as port, listening() as listener:
        with socket.create_server(("127.0.0.1", 0)) as other:
            bound = other.getsockname()
        pair.app.bind(bound)  # a port that was chosen for it would not be kept after a refusal
        finish(scenario(pair, port, listener))
        assert pair.app.getsockname() == bound


@BOTH
def test_fail(is_blocking: bool) -> None:  # noqa: FBT001
    """The kernel itself reports an error: poll shows it, SO_ERROR has it."""
    with Pair(is_blocking=is_blocking) as pair, refusing_port() as port:
        pair.lent.fail(("127.0.0.1", port))
        assert pair.app.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


# ---
# Options


@pytest.mark.case("pend-rcvlowat", "pend-cork")
@pytest.mark.parametrize(("level", "name", "value"), LINGERING)
def test_options_that_stall_are_cleared_and_put_back(level: int, name: int, value: int) -> None:
    """For the handshake only, and only where the application has set them."""
    with Pair() as pair, joined(pair):
        pair.app.setsockopt(level, name, value)
        pair.lent.clear_options()
        assert pair.app.getsockopt(level, name) != value
        pair.lent.restore_options()
        assert pair.app.getsockopt(level, name) == value


def test_fast_open_connect_is_put_back_when_disconnected() -> None:
    """A connected socket does not take it, which is no error; a disconnected one has it again."""
    with Pair() as pair, listening() as listener:
        pair.app.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
        pair.lent.clear_options()
        assert pair.app.getsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT) == 0
        finish(pair.lent.connect(listener.getsockname()))
        pair.lent.restore_options()
        pair.lent.disconnect()
        assert pair.app.getsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT) == 1


def test_options_of_another_protocol() -> None:
    """A socket that has none of them keeps what it has."""
    ours, theirs = socket.socketpair()
    with theirs, closing(LentSocket(ours)) as lent:
        lent.clear_options()
        lent.restore_options()


# ---
# Bytes


def test_send_all_waits_for_a_slow_reader() -> None:
    """More than the buffers hold goes out as the peer reads it."""
    size = 8 << 20

    async def scenario(pair: Pair, peer: socket.socket) -> int:
        peer.setblocking(False)
        got = 0
        async with asyncio.TaskGroup() as group:
            group.create_task(pair.lent.send_all(bytes(size)))
            while got < size:
                got += len(await asyncio.get_running_loop().sock_recv(peer, 1 << 20))
        return got

    with Pair() as pair, joined(pair) as peer:
        assert finish(scenario(pair, peer)) == size


def test_send_all_to_who_does_not_read() -> None:
    """It takes no longer than the limit, on a blocking socket too."""
    with Pair(read_timeout_s=0.05) as pair, joined(pair), pytest.raises(ProxyUnreachable) as caught:
        finish(pair.lent.send_all(bytes(32 << 20)))
    assert caught.value.errno == errno.ETIMEDOUT


def test_send_to_who_has_gone() -> None:
    """An error, and no SIGPIPE."""

    async def scenario(pair: Pair) -> None:
        for _ in range(3):
            await pair.lent.send_all(b"x")

    with Pair() as pair, joined(pair) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            finish(scenario(pair))


@BOTH
@pytest.mark.parametrize("split", range(1, len(HEAD)))
def test_reads_are_exact_however_they_arrive(split: int, is_blocking: bool) -> None:  # noqa: FBT001
    """Split at every byte, with the next one's bytes in the same segment: they stay for the application."""

    async def scenario(pair: Pair, peer: socket.socket) -> None:
        for read in (pair.lent.read_exactly(len(HEAD)), pair.lent.read_until(b"\r\n\r\n", 1000)):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(read)
                await asyncio.sleep(0)
                peer.sendall(HEAD[:split])
                while pair.is_watched and _queued(pair.app):  # noqa: ASYNC110 - the reader's turn
                    await asyncio.sleep(0)
                peer.sendall(HEAD[split:] + REST)
            assert task.result() == HEAD
            assert not pair.is_watched
            assert await pair.lent.read_exactly(len(REST)) == REST
        peer.sendall(REST)

    with Pair(is_blocking=is_blocking) as pair, joined(pair) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        finish(scenario(pair, peer))
        assert _unread(pair.app) == REST


def _queued(sock: socket.socket) -> bool:
    """Tell whether bytes wait that nobody has taken."""
    count = array.array("i", [0])
    fcntl.ioctl(sock, 0x541B, count)  # FIONREAD
    return bool(count[0])


def test_read_until_stops_at_the_limit() -> None:
    """And not one byte behind it is taken."""
    with Pair() as pair, joined(pair) as peer:
        peer.sendall(b"12345678\r\n")
        with pytest.raises(RemoteProtocolError, match="within 8 bytes"):
            finish(pair.lent.read_until(b"\r\n", 8))
        assert _unread(pair.app) == b"\r\n"


def test_read_until_finds_the_delimiter_at_the_limit() -> None:
    """The limit counts the delimiter."""
    with Pair() as pair, joined(pair) as peer:
        peer.sendall(b"123456\r\n")
        assert finish(pair.lent.read_until(b"\r\n", 8)) == b"123456\r\n"


def test_end_in_the_middle() -> None:
    """Both reads say how much had come."""
    for is_exact in (True, False):
        with Pair() as pair, joined(pair) as peer:
            peer.sendall(b"ab")
            peer.shutdown(socket.SHUT_WR)
            with pytest.raises(TruncatedError, match="2"):
                finish(pair.lent.read_exactly(3) if is_exact else pair.lent.read_until(b"\r\n", 10))


def test_silence() -> None:
    """A peer that says nothing costs the limit and no more; half an answer does not help it."""
    with Pair(read_timeout_s=0.05) as pair, joined(pair) as peer:
        peer.sendall(b"a")
        with pytest.raises(ProxyUnreachable, match=r"did not answer within 0\.05 s") as caught:
            finish(pair.lent.read_exactly(2))
        assert caught.value.errno == errno.ETIMEDOUT


def test_a_reset_while_reading() -> None:
    """The kernel's error passes."""

    async def scenario(pair: Pair, peer: socket.socket) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(pair.lent.read_exactly(2))
            await asyncio.sleep(0)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()

    with Pair() as pair, joined(pair) as peer, pytest.RaisesGroup(ConnectionResetError):
        finish(scenario(pair, peer))


def test_close_leaves_the_applications_descriptor() -> None:
    """Its own close is the one that ends the connection."""
    with Pair() as pair, joined(pair) as peer:
        pair.lent.close()
        pair.app.sendall(b"still there")
        pair.app.close()
        peer.settimeout(DEADLINE_S)
        assert peer.recv(100) == b"still there"
        assert peer.recv(100) == b""


@pytest.mark.parametrize("is_begun", [True, False])
def test_who_lets_go_while_it_is_connected(is_begun: bool) -> None:  # noqa: FBT001
    """What the application has broken off before it had begun is broken off once more."""
    answers = iter([False, True, True] if is_begun else [True])

    async def scenario() -> None:
        with listening() as listener, Pair() as pair:
            pair.lent.is_let_go = lambda: next(answers)
            sockaddr = listener.getsockname()
            if is_begun:
                pair.lent.begin(sockaddr)
                assert not pair.is_watched
            else:
                with pytest.raises(asyncio.CancelledError):
                    await pair.lent.connect(sockaddr)
            with pytest.raises(OSError, match="not connected"):
                pair.app.getpeername()

    finish(scenario())


def test_a_socket_that_listens_by_now_is_left_alone() -> None:
    """Its application has given the connect() up, and does something else with it."""
    with Pair() as pair:
        pair.app.bind(("127.0.0.1", 0))
        pair.app.listen()
        pair.lent.disconnect()
        assert pair.app.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
