"""TLS with a hop: who is verified, what is refused, and nothing said before that."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import threading
import traceback
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, TypeVar

import pytest

from proxywrap.address import Endpoint
from proxywrap.net.blame import AttemptFailed
from proxywrap.net.connector import Deadlines
from proxywrap.net.copying import CopyingRelay
from proxywrap.net.hopnames import HopNames
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.way import Way
from proxywrap.net.waymaking import WayMaker
from proxywrap.scheme import Scheme
from proxywrap.testing.socksserver import SocksServer
from proxywrap.uri import ProxyURI, parse_uri

from .certificates import Certificates, make_certificates
from .lending import DEADLINE_S, finish, listening, maker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

T = TypeVar("T")

LIMITS = Deadlines(connect_s=DEADLINE_S, read_s=DEADLINE_S)
NOWHERE = Endpoint(IPv4Address("192.0.2.9"), 80)
USERS = {b"bob": b"secret"}
MUCH = bytes(range(256)) * (1 << 13)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Make them once."""
    return make_certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1", "localhost")


class Front:
    """What stands before a proxy and takes TLS off; `said` is what came to it within TLS."""

    def __init__(self) -> None:
        self.port = 0
        self.said = b""


@contextlib.asynccontextmanager
async def front(pem: Path, target: int) -> AsyncIterator[Front]:
    """Run one with the chain and key of `pem`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    made = Front()
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, notes: bool) -> None:
        while data := await reader.read(65536):
            made.said += data if notes else b""
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        far_writer = None
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.start_tls(context)
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
                await asyncio.gather(
                    pump(reader, far_writer, notes=True), pump(far_reader, writer, notes=False)
                )
        finally:
            tasks.discard(task)
            writer.transport.abort()
            if far_writer is not None:
                far_writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield made
        finally:
            for task in (pending := list(tasks)):
                task.cancel()
            await asyncio.gather(*pending)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say hello before anything is asked, then echo; end with the client."""
    writer.write(b"hello")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def send_and_receive(way: Way, data: bytes, size: int) -> bytes:
    """Send through a relay to `way`, and return so much of what comes back."""
    app, partner = socket.socketpair()
    app.setblocking(False)
    partner.setblocking(False)
    has_ended = asyncio.Event()
    way.relay(partner, has_ended.set)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        group.create_task(loop.sock_sendall(app, data))
        received = b""
        while len(received) < size and (more := await loop.sock_recv(app, 65536)):
            received += more
    app.close()
    await has_ended.wait()
    return received


@pytest.mark.parametrize(
    "kinds", [["https"], ["socks5+tls"], ["socks4a+tls"], ["https", "socks5+tls"], ["socks5", "https"]]
)
def test_every_kind_carries(kinds: list[str], certificates: Certificates) -> None:
    """A banner that comes with the reply, and two megabytes each way; TLS within TLS too."""

    async def scenario() -> None:
        async with contextlib.AsyncExitStack() as stack:
            origin = await stack.enter_async_context(await asyncio.start_server(echo, "127.0.0.1", 0))
            hops = []
            for kind in kinds:
                server = await stack.enter_async_context(SocksServer(users=USERS if kind == "https" else {}))
                url = f"{kind}://{'bob:secret@' if kind == 'https' else ''}127.0.0.1"
                if kind == "socks5":
                    hops.append(parse_uri(server.url))
                    continue
                made = await stack.enter_async_context(front(certificates.right, server.port))
                hops.append(parse_uri(f"{url}:{made.port}?ca={certificates.ca}"))
            destination = Endpoint(IPv4Address("127.0.0.1"), origin.sockets[0].getsockname()[1])
            way = await maker(LIMITS).make(hops, destination)
            assert await send_and_receive(way, MUCH, len(MUCH) + 5) == b"hello" + MUCH

    finish(scenario())


@pytest.mark.parametrize(
    ("which", "host", "options", "reason"),
    [
        ("expired", "127.0.0.1", "ca", "certificate has expired: is this host's clock right?"),
        (
            "elsewhere",
            "127.0.0.1",
            "ca",
            "IP address mismatch, certificate is not valid for '127.0.0.1': write the name that it has",
        ),
        (
            "elsewhere",
            "localhost",
            "ca",
            "Hostname mismatch, certificate is not valid for 'localhost': write the name that it has",
        ),
        (
            "right",
            "127.0.0.1",
            "",
            "unable to get local issuer certificate: give its authority's certificate as ca=FILE",
        ),
    ],
)
def test_a_wrong_certificate(
    which: str, host: str, options: str, reason: str, certificates: Certificates
) -> None:
    """It is refused with the reason, and nothing is said to its owner, not even within TLS."""

    async def scenario() -> None:
        async with SocksServer() as server, front(getattr(certificates, which), server.port) as made:
            query = f"?ca={certificates.ca}" if options else ""
            hop = parse_uri(f"https://bob:secret@{host}:{made.port}{query}")
            with pytest.raises(AttemptFailed) as caught:
                await maker(LIMITS, 4).make([hop], NOWHERE)
            assert caught.value.reason == f"its certificate is not accepted: {reason}"
            assert (caught.value.hop, caught.value.errno, caught.value.is_chain_fault) == (
                hop,
                errno.EHOSTUNREACH,
                True,
            )
            assert "secret" not in "".join(traceback.format_exception(caught.value))
            assert made.said == b""
            assert server.log == []

    finish(scenario())


@pytest.mark.parametrize("which", ["expired", "elsewhere", "right"])
def test_insecure_takes_any(which: str, certificates: Certificates) -> None:
    """It is what the user asked for."""

    async def scenario() -> None:
        async with (
            SocksServer() as server,
            front(getattr(certificates, which), server.port) as made,
            await asyncio.start_server(echo, "127.0.0.1", 0) as origin,
        ):
            hop = parse_uri(f"https://127.0.0.1:{made.port}?insecure=1")
            destination = Endpoint(IPv4Address("127.0.0.1"), origin.sockets[0].getsockname()[1])
            way = await maker(LIMITS).make([hop], destination)
            assert await send_and_receive(way, b"x", 6) == b"hellox"

    finish(scenario())


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS"), (b"", "hung up in the TLS handshake")],
)
def test_a_plain_proxy_is_told_from_one_of_tls(said: bytes, reason: str) -> None:
    """The line says what to write."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            hop = parse_uri(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(AttemptFailed) as caught:
                await maker(LIMITS).make([hop], NOWHERE)
            advice = "is it a plain proxy, to be written http:// or socks5://?"
            assert caught.value.reason == f"{reason}: {advice}"

    finish(scenario())


def test_a_file_without_certificates(tmp_path: Path, certificates: Certificates) -> None:
    """The reason names it."""
    (tmp_path / "x.pem").write_text("nothing")

    async def scenario() -> None:
        async with front(certificates.right, 9) as made:
            hop = parse_uri(f"https://127.0.0.1:{made.port}?ca={tmp_path}/x.pem")
            with pytest.raises(AttemptFailed) as caught:
                await maker(LIMITS).make([hop], NOWHERE)
            assert caught.value.reason.startswith(f"its ca={tmp_path}/x.pem cannot be used: ")

    finish(scenario())


def test_a_half_close_is_passed_on(certificates: Certificates) -> None:
    """After our end the other direction still delivers everything."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.right)

    def serve(listener: socket.socket) -> None:
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True) as sock:
            data = b""
            while more := sock.recv(65536):
                data += more
            sock.sendall(data)

    async def scenario(listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        served = loop.run_in_executor(None, serve, listener)
        hop = parse_uri(f"https://127.0.0.1:{listener.getsockname()[1]}?ca={certificates.ca}")
        raw = ProxyURI(Scheme.RAW, hop.host, hop.port, has_tls=True, options=hop.options)
        way = await maker(LIMITS).make([raw], NOWHERE)
        app, partner = socket.socketpair()
        app.setblocking(False)
        partner.setblocking(False)
        has_ended = asyncio.Event()
        way.relay(partner, has_ended.set)
        await loop.sock_sendall(app, MUCH)
        app.shutdown(socket.SHUT_WR)
        received = b""
        while more := await loop.sock_recv(app, 65536):
            received += more
        app.close()
        assert received == MUCH
        await served
        await has_ended.wait()

    with listening() as listener:
        finish(scenario(listener))


def test_what_nobody_reads_is_not_asked_for(certificates: Certificates) -> None:
    """The sender is held up by the kernel's buffers, not by our memory."""
    is_held_up = asyncio.Event()

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while not is_held_up.is_set():
                writer.write(MUCH)
                try:
                    async with asyncio.timeout(0.5):
                        await writer.drain()
                except TimeoutError:
                    is_held_up.set()
        writer.transport.abort()

    async def scenario() -> None:
        async with (
            SocksServer() as server,
            front(certificates.right, server.port) as made,
            await asyncio.start_server(flood, "127.0.0.1", 0) as origin,
        ):
            hop = parse_uri(f"https://127.0.0.1:{made.port}?ca={certificates.ca}")
            destination = Endpoint(IPv4Address("127.0.0.1"), origin.sockets[0].getsockname()[1])
            way = await maker(LIMITS).make([hop], destination)
            app, partner = socket.socketpair()
            partner.setblocking(False)
            relay = way.relay(partner, lambda: None)
            assert isinstance(relay, CopyingRelay)
            await is_held_up.wait()
            assert len(relay._back._waiting) < 1 << 20
            relay.abort()
            app.close()

    finish(scenario())


def test_a_name_that_no_certificate_can_have() -> None:
    """It is the hop's fault, as any other, and said so."""

    async def scenario(listener: socket.socket) -> None:
        hop = parse_uri(f"https://127.0.0.1:{listener.getsockname()[1]}?insecure=1")
        names = HopNames()
        odd = ProxyURI(hop.scheme, "\u05e9a.example", hop.port, has_tls=True, options=hop.options)
        names.addresses = lambda _host: _soon([IPv4Address("127.0.0.1")])  # type: ignore[method-assign,assignment]
        with pytest.raises(AttemptFailed, match="none that a certificate can have"):
            await WayMaker(LIMITS, names, Tunnels({})).make([odd], NOWHERE)

    with listening() as listener:
        finish(scenario(listener))


async def _soon(value: T) -> T:
    return value


def test_an_end_that_comes_with_the_answer(certificates: Certificates) -> None:
    """The answer, the first bytes and the end of TLS in one read: the program hears of all three."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.right)
    is_over = threading.Event()

    def serve(listener: socket.socket) -> None:
        plain, _ = listener.accept()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)

        def until_done(step: Callable[[], object]) -> None:
            while True:
                try:
                    step()
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(65536))
                else:
                    return

        with plain:
            until_done(tls.do_handshake)
            until_done(lambda: tls.read(65536))
            tls.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.unwrap()
            plain.sendall(outgoing.read())
            is_over.wait()

    async def scenario(listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        served = loop.run_in_executor(None, serve, listener)
        hop = parse_uri(f"https://127.0.0.1:{listener.getsockname()[1]}?ca={certificates.ca}")
        way = await maker(LIMITS).make([hop], NOWHERE)
        app, partner = socket.socketpair()
        app.setblocking(False)
        partner.setblocking(False)
        has_ended = asyncio.Event()
        relay = way.relay(partner, has_ended.set)
        try:
            assert await loop.sock_recv(app, 100) == b"hello"
            assert await loop.sock_recv(app, 100) == b""
        finally:
            relay.abort()
            app.close()
            is_over.set()
        await served

    with listening() as listener:
        finish(scenario(listener))
