"""Chains of hops, and whose fault it is when they break."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest

from proxywrap.address import Endpoint
from proxywrap.net.connector import AttemptFailed, Deadlines, OutOfReach, connect_chain, connect_direct
from proxywrap.net.hopnames import HopNames
from proxywrap.scheme import Scheme
from proxywrap.testing.script import Script
from proxywrap.testing.socksserver import SocksServer
from proxywrap.uri import ProxyURI, parse_uri

from .lending import Pair, black_hole, finish, listening, refusing_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxywrap.address import Host

LIMITS = Deadlines(connect_s=10, read_s=10)
BANNER = b"SSH-2.0-banner\r\n\r\n\0"
NAME = "site.test"
MIXED = (Scheme.SOCKS5, Scheme.SOCKS4A, Scheme.HTTP)
SCHEMES = pytest.mark.parametrize("scheme", [Scheme.SOCKS5, Scheme.SOCKS4A, Scheme.HTTP])
TCP_FASTOPEN_CONNECT = 30

LOOK = "is its address right, and no firewall in between?"
IS_IT_ONE = "is it a SOCKS5 proxy, and may you use it? `proxywrapctl check` finds out."
SLOW = "A slow one needs a longer tcp_read_time_out, in a file"


def hop_at(port: int, scheme: Scheme = Scheme.SOCKS5, host: str = "127.0.0.1") -> ProxyURI:
    """Return a proxy on this host."""
    return parse_uri(f"{scheme}://{host}:{port}")


async def fails(
    pair: Pair, hops: list[ProxyURI], host: Host = NAME, limits: Deadlines = LIMITS
) -> AttemptFailed:
    """Return how an attempt fails, which leaves nothing in the loop."""
    with pytest.raises(AttemptFailed) as caught:
        await connect_chain(pair.lent, hops, Endpoint(host, 80), limits, HopNames())
    assert not pair.is_watched
    return caught.value


@contextlib.asynccontextmanager
async def speaking_first() -> AsyncIterator[int]:
    """Have a destination that says its banner, at a port."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def received(pair: Pair) -> bytes:
    """Return everything that reaches the application."""
    pair.app.setblocking(False)
    data = b""
    while more := await asyncio.get_running_loop().sock_recv(pair.app, 1000):
        data += more
    return data


# ---
# What works


@pytest.mark.parametrize("is_blocking", [True, False])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("script", [Script(), Script(is_trickling=True), Script(is_coalescing=True)])
def test_three_hops_of_three_kinds(script: Script, family: int, is_blocking: bool) -> None:  # noqa: FBT001
    """The last one knows the name; every byte of the banner is the application's."""

    async def scenario(pair: Pair) -> None:
        async with speaking_first() as port, contextlib.AsyncExitStack() as stack:
            last = Endpoint(IPv4Address("127.0.0.1"), port)
            users = {b"user": b"secret"}
            servers = [
                await stack.enter_async_context(SocksServer(users=users if scheme is Scheme.SOCKS5 else {}))
                for scheme in MIXED[:-1]
            ]
            servers.append(await stack.enter_async_context(SocksServer(names={NAME: last}, script=script)))
            hops = [parse_uri(each.url_for(scheme)) for each, scheme in zip(servers, MIXED, strict=True)]
            await connect_chain(pair.lent, hops, Endpoint(NAME, 80), LIMITS, HopNames())
            assert not pair.is_watched
            assert await received(pair) == BANNER
            assert [each.log[0].destination for each in servers] == [
                f"127.0.0.1:{servers[1].port}",
                f"127.0.0.1:{servers[2].port}",
                f"{NAME}:80",
            ]
            pair.app.close()
            pair.lent.close()

    with Pair(family, is_blocking=is_blocking) as pair:
        finish(scenario(pair))


@pytest.mark.case("base-options-restored")
def test_options_are_the_applications_afterwards() -> None:
    """Those that would have stalled the handshake are back, where a connected socket takes them."""

    async def scenario(pair: Pair) -> None:
        async with speaking_first() as port, SocksServer() as server:
            pair.app.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
            pair.app.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            pair.app.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1000)
            hops = [parse_uri(server.url)]
            await connect_chain(pair.lent, hops, Endpoint(IPv4Address("127.0.0.1"), port), LIMITS, HopNames())
            assert pair.app.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK) == 1
            assert pair.app.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == 1000
            pair.app.close()
            pair.lent.close()

    with Pair() as pair:
        finish(scenario(pair))


def test_every_address_of_the_first_hops_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that listens on one of them only is found; one that the socket cannot reach is passed over."""

    def found(*_: object, **__: object) -> object:
        return [(0, 0, 0, "", (each, 0)) for each in ("::1", "127.0.0.2", "127.0.0.1")]

    async def scenario(pair: Pair) -> None:
        async with speaking_first() as port, SocksServer() as server:
            monkeypatch.setattr(socket, "getaddrinfo", found)
            hops = [hop_at(server.port, host="proxy.test")]
            await connect_chain(pair.lent, hops, Endpoint(IPv4Address("127.0.0.1"), port), LIMITS, HopNames())
            assert await received(pair) == BANNER
            pair.app.close()
            pair.lent.close()

    for family in (socket.AF_INET, socket.AF_INET6):
        with Pair(family) as pair:
            finish(scenario(pair))


def test_a_first_hop_called_localhost() -> None:
    """The system resolves it: no proxy is there yet that could."""

    async def scenario(pair: Pair) -> None:
        async with speaking_first() as port, SocksServer() as server:
            hops = [hop_at(server.port, host="localhost")]
            await connect_chain(pair.lent, hops, Endpoint(IPv4Address("127.0.0.1"), port), LIMITS, HopNames())
            pair.app.close()
            pair.lent.close()

    with Pair(socket.AF_INET6) as pair:
        finish(scenario(pair))


# ---
# The first hop cannot be reached


def test_first_hop_refuses() -> None:
    """As the kernel says, and the user hears of it."""
    with Pair() as pair, refusing_port() as port:
        failure = finish(fails(pair, [hop_at(port)]))
        assert (failure.hop, failure.errno) == (hop_at(port), errno.EHOSTUNREACH)
        assert failure.is_chain_fault
        assert (
            failure.reason
            == "cannot be connected to: Connection refused: is it running, and is that its port?"
        )


def test_first_hop_is_a_black_hole() -> None:
    """The limit is the configuration's."""
    with Pair() as pair, black_hole() as (_, port):
        failure = finish(fails(pair, [hop_at(port)], limits=Deadlines(connect_s=0.05, read_s=10)))
        assert (failure.errno, failure.is_chain_fault) == (errno.ETIMEDOUT, True)
        assert failure.reason == f"cannot be connected to within 0.05 s: {LOOK}"


def test_the_kernel_gives_up_before_us() -> None:
    """An application's TCP_USER_TIMEOUT holds; the error does not speak of our limit."""
    with Pair() as pair, black_hole() as (_, port):
        pair.app.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1)
        failure = finish(fails(pair, [hop_at(port)]))
        assert failure.errno == errno.ETIMEDOUT
        assert failure.reason == f"cannot be connected to: Connection timed out: {LOOK}"


@pytest.mark.parametrize("name", ["proxy.invalid", f"{'x' * 64}.test"])
def test_first_hops_name_cannot_be_resolved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """EHOSTUNREACH, and the resolver's own words."""

    def unknown(*_: object, **__: object) -> object:
        if name.startswith("x"):
            raise UnicodeError("label empty or too long")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with Pair() as pair:
        hop = ProxyURI(Scheme.SOCKS5, name, 1080)
        failure = finish(fails(pair, [hop]))
        assert (failure.hop, failure.errno, failure.is_chain_fault) == (hop, errno.EHOSTUNREACH, True)
        assert failure.reason.startswith("its name cannot be resolved: ")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "[::1]"), (socket.AF_INET6, "127.0.0.1")])
def test_first_hop_of_another_family(family: int, host: str) -> None:
    """The socket is left alone: another one may go there."""
    with Pair(family) as pair:
        if family == socket.AF_INET6:
            pair.app.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with pytest.raises(OutOfReach):
            finish(
                connect_chain(pair.lent, [hop_at(1080, host=host)], Endpoint(NAME, 80), LIMITS, HopNames())
            )
        assert pair.app.getsockname()[1] == 0


# ---
# A hop's answer


@pytest.mark.parametrize(
    "error", [errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT]
)
def test_the_destinations_own_answer_is_no_fault_of_the_chain(error: int) -> None:
    """From the last hop; the same from an earlier one is, for it is about a hop."""

    async def scenario(pair: Pair, *, is_last: bool) -> AttemptFailed:
        async with SocksServer(script=Script(refuse=error)) as server:
            hops = [parse_uri(server.url)]
            if not is_last:
                hops.append(hop_at(9))
            failure = await fails(pair, hops)
            assert failure.hop == hops[-1]
            return failure

    for is_last in (True, False):
        with Pair() as pair:
            failure = finish(scenario(pair, is_last=is_last))
            seen = errno.EHOSTUNREACH if error == errno.ECONNREFUSED and not is_last else error
            assert (failure.errno, failure.is_chain_fault) == (seen, not is_last)


@SCHEMES
def test_the_second_hop_is_dead(scheme: Scheme) -> None:
    """The first one says so, and the second one is named."""

    async def scenario(pair: Pair, port: int) -> None:
        async with SocksServer() as server:
            hops = [parse_uri(server.url_for(scheme)), hop_at(port)]
            failure = await fails(pair, hops)
            assert failure.hop == hops[1]
            assert failure.is_chain_fault
            assert failure.reason.startswith(f"cannot be reached, says {hops[0]}: ")

    with Pair() as pair, refusing_port() as port:
        finish(scenario(pair, port))


def test_a_refused_password() -> None:
    """EACCES, and the user hears of it, from whichever hop it comes."""

    async def scenario(pair: Pair, *, is_first: bool) -> None:
        async with SocksServer() as first, SocksServer(users={b"a": b"b"}) as strict:
            wrong = parse_uri(f"socks5://a:wrong@127.0.0.1:{strict.port}")
            failure = await fails(pair, [wrong] if is_first else [parse_uri(first.url), wrong])
            assert (failure.hop, failure.errno, failure.is_chain_fault) == (wrong, errno.EACCES, True)

    for is_first in (True, False):
        with Pair() as pair:
            finish(scenario(pair, is_first=is_first))


@SCHEMES
@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b"\xff" * 9])
def test_not_a_proxy(garbage: bytes, scheme: Scheme) -> None:
    """A fault of the chain; nothing of the answer is quoted but its first byte."""

    async def scenario(pair: Pair) -> None:
        async with SocksServer(script=Script(garbage=garbage)) as server:
            hop = parse_uri(server.url_for(scheme))
            failure = await fails(pair, [hop])
            assert failure.hop == hop
            assert failure.errno == errno.EHOSTUNREACH
            assert failure.is_chain_fault

    with Pair() as pair:
        finish(scenario(pair))


@SCHEMES
@pytest.mark.parametrize("size", [0, 1])
def test_a_hop_that_hangs_up(size: int, scheme: Scheme) -> None:
    """EHOSTUNREACH: nobody knows whether it is a proxy at all."""

    async def scenario(pair: Pair) -> None:
        async with SocksServer(script=Script(truncate_at=size)) as server:
            failure = await fails(pair, [parse_uri(server.url_for(scheme))])
            assert (failure.errno, failure.is_chain_fault) == (errno.EHOSTUNREACH, True)

    with Pair() as pair:
        finish(scenario(pair))


def test_a_hop_that_resets() -> None:
    """It has hung up, no more and no less than one that closes."""

    async def scenario(pair: Pair, listener: socket.socket) -> None:
        listener.setblocking(False)
        hop = hop_at(listener.getsockname()[1])
        async with asyncio.TaskGroup() as group:
            task = group.create_task(fails(pair, [hop]))
            peer, _ = await asyncio.get_running_loop().sock_accept(listener)
            await asyncio.get_running_loop().sock_recv(peer, 100)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        failure = task.result()
        assert (failure.errno, failure.is_chain_fault) == (errno.EHOSTUNREACH, True)
        assert failure.reason == f"closed the connection in the middle of the handshake: {IS_IT_ONE}"

    with Pair() as pair, listening() as listener:
        finish(scenario(pair, listener))


@pytest.mark.parametrize(
    ("error", "seen", "advice"),
    [
        (errno.ETIMEDOUT, errno.ETIMEDOUT, "is its address right, and no firewall in between?"),
        (errno.EHOSTUNREACH, errno.EHOSTUNREACH, "is its address right, and the network up?"),
        (errno.EIO, errno.EHOSTUNREACH, IS_IT_ONE),
    ],
)
def test_the_kernel_gives_a_hop_up(
    error: int, seen: int, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that has gone away is told as such."""

    async def fail(_size: int) -> bytes:
        raise OSError(error, os.strerror(error))

    with Pair() as pair, listening() as listener:
        monkeypatch.setattr(pair.lent, "read_exactly", fail)
        failure = finish(fails(pair, [hop_at(listener.getsockname()[1])]))
        assert (failure.errno, failure.is_chain_fault) == (seen, True)
        assert failure.reason == f"broke off the handshake: {os.strerror(error)}: {advice}"


def test_a_hop_that_falls_silent() -> None:
    """The limit is for each read."""
    limits = Deadlines(connect_s=10, read_s=0.05)
    with Pair() as pair, listening() as listener:
        failure = finish(fails(pair, [hop_at(listener.getsockname()[1])], limits=limits))
        assert (failure.errno, failure.is_chain_fault) == (errno.ETIMEDOUT, True)
        assert failure.reason == f"did not answer within 0.05 s: {IS_IT_ONE} {SLOW}"


def test_what_a_protocol_cannot_carry() -> None:
    """SOCKS4 has no IPv6: ENETUNREACH, so that a program goes on to its next address."""

    async def scenario(pair: Pair) -> None:
        async with SocksServer() as server:
            hop = parse_uri(server.url_for(Scheme.SOCKS4A))
            failure = await fails(pair, [hop], IPv6Address("2001:db8::1"))
            assert (failure.hop, failure.errno) == (hop, errno.ENETUNREACH)

    with Pair() as pair:
        finish(scenario(pair))


# ---
# Directly


@pytest.mark.parametrize(
    ("family", "host"),
    [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")],
)
def test_direct(family: int, host: str) -> None:
    """An address in any of its forms."""
    address = IPv4Address(host) if "." in host and ":" not in host else IPv6Address(host)
    with Pair(family) as pair, listening() as listener:
        finish(connect_direct(pair.lent, Endpoint(address, listener.getsockname()[1])))
        assert pair.app.getpeername()[1] == listener.getsockname()[1]


def test_direct_refused() -> None:
    """No hop, no fault of a chain."""
    with Pair() as pair, refusing_port() as port, pytest.raises(AttemptFailed) as caught:
        finish(connect_direct(pair.lent, Endpoint(IPv4Address("127.0.0.1"), port)))
    assert (caught.value.hop, caught.value.errno) == (None, errno.ECONNREFUSED)
    assert not caught.value.is_chain_fault


def test_direct_of_another_family() -> None:
    """ENETUNREACH."""
    with Pair() as pair, pytest.raises(AttemptFailed) as caught:
        finish(connect_direct(pair.lent, Endpoint(IPv6Address("::1"), 80)))
    assert (caught.value.errno, caught.value.is_chain_fault) == (errno.ENETUNREACH, False)


# ---
# Cancelled


@pytest.mark.parametrize("is_connected", [True, False])
def test_a_cancelled_attempt(is_connected: bool) -> None:  # noqa: FBT001
    """Wherever it stands, it ends as cancelled, and the application's options are back."""

    async def scenario(pair: Pair, port: int) -> None:
        pair.app.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(
                connect_chain(pair.lent, [hop_at(port)], Endpoint(NAME, 80), LIMITS, HopNames())
            )
            while not pair.is_watched:  # noqa: ASYNC110 - the attempt's turn
                await asyncio.sleep(0)
            task.cancel()
        assert task.cancelled()
        assert not pair.is_watched
        pair.lent.disconnect()
        assert pair.app.getsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT) == 1

    with Pair() as pair, listening() as listener, black_hole() as (_, hole):
        finish(scenario(pair, listener.getsockname()[1] if is_connected else hole))
