"""The name server's sockets: one for each server that is asked, one listener, framed messages."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.net import dnsserver
from proxywrap.net.dnsserver import DnsServer, TooManyServers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

DEADLINE_S = 20.0


class Parrot:
    """Answers each message with itself in capitals; those with an `l` later, an `n` never."""

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []

    def ask(self, message: bytes, respond: Callable[[bytes], None]) -> None:
        """Answer, or remember how to."""
        if b"l" in message:
            self.later.append(lambda: respond(message.upper()))
        else:
            respond(b"" if b"n" in message else message.upper())


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[DnsServer, Parrot]]:
    """Have a server, and let it go."""
    parrot = Parrot()
    server = DnsServer(parrot.ask)
    try:
        yield server, parrot
    finally:
        server.close()
        await asyncio.sleep(0)  # a transport closes in the loop's next round


async def until(is_so: Callable[[], object]) -> None:
    """Give others their turn until something is so."""
    while not is_so():  # noqa: ASYNC110 - it is told by no event
        await asyncio.sleep(0)


def play(coroutine: Coroutine[object, object, None]) -> None:
    """Run it to its end."""

    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await coroutine

    asyncio.run(limited())


async def ask(endpoint: object, message: bytes, family: int = socket.AF_INET) -> tuple[bytes, object]:
    """Ask by UDP; return the answer and where it came from."""
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.sendto(message, (str(endpoint.host), endpoint.port))  # type: ignore[attr-defined]
        return await loop.sock_recvfrom(sock, 100)


def test_each_server_has_its_port() -> None:
    """The same for the same address, family and all; the answer comes from there."""

    async def run() -> None:
        async with serving() as (server, _):
            asked = ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "2001:db8::1", "fe80::1"]
            found = [server.udp_endpoint(ip_address(each), 53) for each in asked]
            found.append(server.udp_endpoint(ip_address("fe80::1"), 53, 2))
            assert len({each.port for each in found}) == 6
            assert [str(each.host) for each in found] == [
                *("127.0.0.1", "127.0.0.1", "::ffff:7f00:1", "::1", "::1", "::1"),
            ]
            assert [server.udp_endpoint(ip_address(each), 53) for each in asked] == found[:5]
            assert await ask(found[1], b"x") == (b"X", ("127.0.0.1", found[1].port))
            assert (await ask(found[2], b"x", socket.AF_INET6))[0] == b"X"
            assert (await ask(found[3], b"x", socket.AF_INET6))[0] == b"X"

    play(run())


def test_too_many_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have a socket keep it."""
    monkeypatch.setattr(dnsserver, "MAX_SERVERS", 2)

    async def run() -> None:
        async with serving() as (server, _):
            kept = server.udp_endpoint(ip_address("192.0.2.1"), 53)
            server.udp_endpoint(ip_address("192.0.2.2"), 53)
            with pytest.raises(TooManyServers, match="no more than 2 name servers"):
                server.udp_endpoint(ip_address("192.0.2.3"), 53)
            assert server.udp_endpoint(ip_address("192.0.2.1"), 53) == kept

    play(run())


def test_no_such_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a host without IPv6 its socket is closed, and the error is the kernel's."""
    monkeypatch.setitem(dnsserver.LOOPBACK, 6, "2001:db8::1")

    async def run() -> None:
        async with serving() as (server, _):
            with pytest.raises(OSError, match="assign"):
                server.udp_endpoint(ip_address("2001:db8::2"), 53)
            with pytest.raises(OSError, match="assign"):
                await server.tcp_endpoint(6)

    play(run())


def test_datagrams_that_wait() -> None:
    """Nobody waits for an earlier question, or for one that has no answer; who has gone is no trouble."""

    async def run() -> None:
        async with serving() as (server, parrot):
            endpoint = server.udp_endpoint(ip_address("192.0.2.1"), 53)
            loop = asyncio.get_running_loop()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.connect((str(endpoint.host), endpoint.port))
                for message in (b"later", b"none", b"x"):
                    sock.send(message)
                assert await loop.sock_recv(sock, 100) == b"X"
                parrot.later.pop()()
                assert await loop.sock_recv(sock, 100) == b"LATER"
                sock.send(b"later")
                assert await ask(endpoint, b"y") == (b"Y", ("127.0.0.1", endpoint.port))
            parrot.later.pop()()
            assert await ask(endpoint, b"z") == (b"Z", ("127.0.0.1", endpoint.port))

    play(run())


def framed(*messages: bytes) -> bytes:
    """Put each message's length before it."""
    return b"".join(len(each).to_bytes(2, "big") + each for each in messages)


@asynccontextmanager
async def connected(
    server: DnsServer, version: int = 4
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Have a TCP connection to it."""
    endpoint = await server.tcp_endpoint(version)
    reader, writer = await asyncio.open_connection(str(endpoint.host), endpoint.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_frames_in_pieces(size: int, version: int) -> None:
    """Wherever TCP cuts the messages, each has its answer, an empty one and the longest too."""

    async def run() -> None:
        async with serving() as (server, _), connected(server, version) as (reader, writer):
            data = framed(b"a", b"bcd", b"x" * 300)
            for at in range(0, len(data), size):
                writer.write(data[at : at + size])
                await writer.drain()
                await asyncio.sleep(0)
            assert await reader.readexactly(len(data)) == framed(b"A", b"BCD", b"X" * 300)
            writer.write(framed(b"y" * 65535))
            assert await reader.readexactly(65537) == framed(b"Y" * 65535)
            assert await server.tcp_endpoint(version) == await server.tcp_endpoint(version)

    play(run())


def test_the_end_waits_for_what_is_owed() -> None:
    """A peer that sends no more still gets its answers; then the connection ends."""

    async def run() -> None:
        async with serving() as (server, parrot), connected(server) as (reader, writer):
            writer.write(framed(b"later", b"none", b"x"))
            assert await reader.readexactly(3) == framed(b"X")
            writer.write_eof()
            await until(lambda: parrot.later)
            parrot.later.pop()()
            assert await reader.read() == framed(b"LATER")

    play(run())


def test_an_end_with_nothing_owed() -> None:
    """It is the end at once; an answer that comes too late is dropped."""

    async def run() -> None:
        async with serving() as (server, parrot):
            async with connected(server) as (reader, writer):
                writer.write(framed(b"x"))
                writer.write_eof()
                assert await reader.read() == framed(b"X")
            async with connected(server) as (reader, writer):
                writer.write(framed(b"later"))
                await until(lambda: parrot.later)
                server.close()
                assert await reader.read() == b""
                parrot.later.pop()()

    play(run())


def test_a_silent_connection_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds one for ever without a question."""
    monkeypatch.setattr(dnsserver, "IDLE_S", 0.01)

    async def run() -> None:
        async with serving() as (server, _), connected(server) as (reader, _writer):
            assert await reader.read() == b""

    play(run())


def test_too_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has been silent for longest is closed, the others work on."""
    monkeypatch.setattr(dnsserver, "MAX_STREAMS", 2)

    async def run() -> None:
        async with (
            serving() as (server, _),
            connected(server) as (reader, writer),
            connected(server) as (silent, _),
        ):
            writer.write(framed(b"x"))
            assert await reader.readexactly(3) == framed(b"X")
            async with connected(server) as (third, third_writer):
                assert await silent.read() == b""
                third_writer.write(framed(b"z"))
                assert await third.readexactly(3) == framed(b"Z")
                writer.write(framed(b"y"))
                assert await reader.readexactly(3) == framed(b"Y")

    play(run())


def test_who_does_not_read_is_not_read_from() -> None:
    """Until the answers that wait have gone, no question is taken: they would pile up."""

    async def run() -> None:
        async with serving() as (server, parrot), connected(server) as (reader, writer):
            writer.write(framed(b"x"))
            assert await reader.readexactly(3) == framed(b"X")
            (stream,) = server._streams
            stream.pause_writing()
            writer.write(framed(b"later"))
            assert await ask(server.udp_endpoint(ip_address("192.0.2.1"), 53), b"y")
            assert parrot.later == []
            stream.resume_writing()
            await until(lambda: parrot.later)

    play(run())


class Laborious:
    """Takes a millisecond for each message, and knows how many came in one turn of the loop."""

    def __init__(self) -> None:
        self.most = self.total = self._now = 0
        self.is_counting = False

    def ask(self, message: bytes, respond: Callable[[bytes], None]) -> None:
        """Answer, and count."""
        if not self.is_counting:
            self.is_counting = True
            asyncio.get_running_loop().call_soon(self._begin_anew)
        end = time.monotonic() + 0.001
        while time.monotonic() < end:
            pass
        self._now += 1
        self.total += 1
        self.most = max(self.most, self._now)
        respond(message)

    def _begin_anew(self) -> None:
        self._now, self.is_counting = 0, False


@pytest.mark.case("stranger-dns-flood")
@pytest.mark.parametrize("connections", [1, 8])
def test_a_flood_by_tcp_takes_no_more_than_its_turn(connections: int) -> None:
    """However many messages come at once, and by however many connections."""

    async def run() -> None:
        laborious = Laborious()
        server = DnsServer(laborious.ask)
        async with AsyncExitStack() as stack:
            stack.callback(server.close)
            for _ in range(connections):
                _reader, writer = await stack.enter_async_context(connected(server))
                writer.write(framed(*[b"x"] * (400 // connections)))
            await until(lambda: laborious.total >= 300)
        assert laborious.most <= 4
        await asyncio.sleep(0)

    play(run())


@pytest.mark.case("stranger-dns-flood")
def test_a_flood_by_udp_takes_no_more_than_its_turn() -> None:
    """Some datagrams at a time."""

    async def run() -> None:
        laborious = Laborious()
        server = DnsServer(laborious.ask)
        endpoint = server.udp_endpoint(ip_address("192.0.2.1"), 53)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(100):
                sock.sendto(b"x", (str(endpoint.host), endpoint.port))
            await until(lambda: laborious.total == 100)
        assert laborious.most <= 8
        server.close()

    play(run())


@pytest.mark.case("stranger-dns-flood")
def test_a_message_of_no_bytes_ends_the_connection() -> None:
    """It has not even a header, and zeros are cheap to send."""

    async def run() -> None:
        async with serving() as (server, _):
            with suppress(ConnectionResetError):
                async with connected(server) as (reader, writer):
                    writer.write(framed(b"x") + bytes(1 << 18))
                    assert await reader.read() in {b"", framed(b"X")}

    play(run())


def test_who_is_owed_many_answers_is_not_read_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """What he asks further waits with him."""
    monkeypatch.setattr(dnsserver, "MAX_OWED", 2)

    async def run() -> None:
        async with serving() as (server, parrot), connected(server) as (reader, writer):
            writer.write(framed(b"l1", b"l2", b"l3", b"x"))
            writer.write_eof()
            await until(lambda: len(parrot.later) == 2)
            assert await ask(server.udp_endpoint(ip_address("192.0.2.1"), 53), b"y")
            assert len(parrot.later) == 2
            parrot.later.pop()()
            await until(lambda: len(parrot.later) == 2)
            for answer in parrot.later:
                answer()
            assert await reader.read() == framed(b"L2", b"L1", b"X", b"L3")

    play(run())
