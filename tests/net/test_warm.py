"""Connections that stand ready: made before they are wanted, and noticed when they are of no use any more."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
from typing import TYPE_CHECKING

import pytest

from proxywrap.net import warm
from proxywrap.net.tls import TlsIO
from proxywrap.net.warm import Terms
from proxywrap.net.way import Way
from proxywrap.uri import ProxyURI, parse_uri

from .certificates import Certificates, make_certificates
from .lending import finish, listening, maker, refusing_port
from .reserve import ASKED, DESTINATION, GRANTED, LIMITS, Stock, arrived, hang_up, hop, stock, until

if TYPE_CHECKING:
    pass

SOON = Terms(first_pause_s=0.001)


def standing(made: Stock, uri: ProxyURI) -> Way:
    """Return the one that will be taken next."""
    return made.reserves._reserves[uri]._ready[-1]._way


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Make them once."""
    return make_certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1")


# ---
# Filled and taken


def test_the_first_one_is_made_alone() -> None:
    """A hop that lets nobody in is not asked N times at once; one that does, eight times."""
    under_way = 0
    counts: list[int] = []

    async def make(uri: ProxyURI) -> Way:
        nonlocal under_way
        under_way += 1
        counts.append(under_way)
        try:
            return await maker(LIMITS).open(uri)
        finally:
            under_way -= 1

    async def scenario() -> None:
        async with hop() as proxy, stock(make=make) as made:
            uri = proxy.uri(20)
            made.reserves.want(uri)
            assert len(made.tasks) == 1
            await made.fill(uri, proxy)
            assert len(proxy.clients) == len(counts) == 20
            assert counts[0] == 1
            assert max(counts) == 8

    finish(scenario())


def test_what_was_taken_is_replaced() -> None:
    """At once, and nobody gets the same one twice."""

    async def scenario() -> None:
        async with hop() as proxy, stock() as made:
            uri = proxy.uri(2)
            await made.fill(uri, proxy)
            ways = []
            for _ in range(3):
                way = made.reserves.take(uri)
                assert way is not None
                ways.append(way)
                await made.settle()
                assert made.stand(uri) == 2
            assert len({way.lent.inode for way in ways}) == 3
            assert len(proxy.clients) == 5
            for way in ways:
                way.close()

    finish(scenario())


def test_nobody_waits_for_one() -> None:
    """Where none stands there is none; nor for a hop without the option."""

    async def scenario() -> None:
        async with hop() as proxy, stock() as made:
            uri, other = proxy.uri(), parse_uri(f"socks5://127.0.0.1:{proxy.port}")
            made.reserves.want(uri)
            assert made.reserves.take(uri) is None
            await made.settle()
            way = made.reserves.take(uri)
            assert way is not None
            assert made.reserves.take(uri) is None
            way.close()
            made.reserves.want(other)
            assert made.reserves.take(other) is None
            assert list(made.reserves._reserves) == [uri]

    finish(scenario())


# ---
# Stale


@pytest.mark.parametrize("said", [b"", b"\x05", b"220 mail\r\n"])
def test_a_hop_that_stirs(said: bytes) -> None:
    """One that hangs up, or speaks out of turn, is noticed; after a pause there is another one."""

    async def scenario() -> None:
        async with hop() as proxy, stock(SOON) as made:
            uri = proxy.uri()
            await made.fill(uri, proxy)
            first = proxy.clients[0]
            if said:
                first.writer.write(said)
            else:
                first.writer.close()
            await until(lambda: len(proxy.clients) == 2)
            await made.settle()
            assert await first.has_gone()
            assert made.stand(uri) == 1
            assert made.told == [(uri, "it hangs up on a connection that waits")]

    finish(scenario())


@pytest.mark.parametrize("how", ["fin", "reset", "bytes"])
def test_looked_at_before_it_is_used(how: str) -> None:
    """What has come since the loop's last turn counts; the next one is given instead."""

    async def scenario() -> None:
        async with hop() as proxy, stock() as made:
            uri = proxy.uri(2)
            await made.fill(uri, proxy)
            way = standing(made, uri)
            port = way.lent.own_address()[1]
            (client,) = (each for each in proxy.clients if each.writer.get_extra_info("peername")[1] == port)
            if how == "bytes":
                os.write(client.writer.get_extra_info("socket").fileno(), b"x")
            elif how == "fin":
                client.writer.write_eof()
            else:
                hang_up(client)
                await asyncio.sleep(0)
            arrived(way)
            other = made.reserves.take(uri)
            assert other is not None
            assert other is not way
            assert made.reserves.take(uri) is None
            other.close()

    finish(scenario())


def test_too_old() -> None:
    """It is closed and replaced, before the hop or a NAT forgets it."""

    async def scenario() -> None:
        async with hop() as proxy, stock(Terms(max_age_s=0.05)) as made:
            uri = proxy.uri()
            await made.fill(uri, proxy)
            assert await proxy.clients[0].has_gone()
            await until(lambda: len(proxy.clients) == 2)
            assert made.told == []

    finish(scenario())


def test_this_host_has_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers know nothing of that, hops and NATs do."""

    async def scenario() -> None:
        async with hop() as proxy, stock() as made:
            uri = proxy.uri()
            await made.fill(uri, proxy)
            later = warm.now_s() + Terms().max_age_s
            monkeypatch.setattr(warm, "now_s", lambda: later)
            assert made.reserves.take(uri) is None
            assert await proxy.clients[0].has_gone()
            await made.settle()
            assert made.stand(uri) == 1

    finish(scenario())


def test_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody has asked for for a while is not replaced, until somebody does."""

    async def scenario() -> None:
        async with hop() as proxy, stock(Terms(max_age_s=0.2)) as made:
            uri = proxy.uri(2)
            await made.fill(uri, proxy)
            later = warm.now_s() + Terms().unused_s
            monkeypatch.setattr(warm, "now_s", lambda: later)
            made.tasks.clear()
            for client in proxy.clients:
                assert await client.has_gone()
            assert made.stand(uri) == 0
            assert made.tasks == []
            await made.fill(uri, proxy)

    finish(scenario())


# ---
# TLS


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_tickets_are_no_answer(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A server of TLS 1.3 sends some to whoever says nothing; the way stands, and is of use."""
    heard: list[bool] = []
    hear = TlsIO.hear

    def spy(self: TlsIO, data: bytes) -> bool:
        heard.append(hear(self, data))
        return heard[-1]

    async def scenario() -> None:
        async with hop(kind, str(certificates.right)) as proxy, stock() as made:
            uri = proxy.uri(query=f"&ca={certificates.ca}")
            await made.fill(uri, proxy)
            if kind == "http":  # the answers of SOCKS5 have come behind them
                await until(lambda: heard)
            way = made.reserves.take(uri)
            assert way is not None
            assert heard == [True] * (kind == "http")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(maker(LIMITS).extend(way, [uri], DESTINATION))
                client = proxy.clients[0]
                assert await client.reader.readexactly(len(ASKED[kind])) == ASKED[kind]
                client.writer.write(GRANTED[kind] + b"SSH")
            assert await way.io.read_exactly(3) == b"SSH"
            way.close()

    monkeypatch.setattr(TlsIO, "hear", spy)
    finish(scenario())


@pytest.mark.parametrize("how", ["close_notify", "data", "no TLS"])
def test_a_hop_by_tls_that_stirs(certificates: Certificates, how: str) -> None:
    """Its end, bytes within TLS, and bytes that are none of it."""

    async def scenario() -> None:
        async with hop("http", str(certificates.right)) as proxy, stock(SOON) as made:
            uri = proxy.uri(query=f"&ca={certificates.ca}")
            await made.fill(uri, proxy)
            writer = proxy.clients[0].writer
            match how:
                case "close_notify":
                    writer.close()
                case "data":
                    writer.write(b"x")
                case _:
                    os.write(
                        writer.get_extra_info("socket").fileno(), b"HTTP/1.1 408 Request Timeout\r\n\r\n"
                    )
            await until(lambda: len(proxy.clients) == 2)

    finish(scenario())


# ---
# Failures


def test_a_hop_that_is_not_there() -> None:
    """Silence but for one word, and pauses that double up to a limit."""
    pauses: list[float] = []

    async def scenario(port: int) -> None:
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def later(delay: float, *args: object) -> asyncio.TimerHandle:
            if "_go_on" in repr(args[0]):
                pauses.append(delay)
                delay = 0
            return call_later(delay, *args)  # type: ignore[arg-type]

        loop.call_later = later  # type: ignore[assignment,method-assign]
        async with stock() as made:
            uri = parse_uri(f"socks5://127.0.0.1:{port}?warm=8")
            made.reserves.want(uri)
            await until(lambda: len(pauses) == 9)
            assert len(made.tasks) == 9
            told = "cannot be connected to: Connection refused: is it running, and is that its port?"
            assert made.told == [(uri, told)]

    with refusing_port() as port:
        finish(scenario(port))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_hop_that_comes_back() -> None:
    """After its restart all stand again."""

    async def scenario() -> None:
        async with stock(SOON) as made:
            async with hop() as proxy:
                uri = proxy.uri(3)
                await made.fill(uri, proxy)
                port = proxy.port
            await until(lambda: made.stand(uri) == 0)
            assert made.reserves.take(uri) is None
            async with hop(port=port) as other:
                await until(lambda: made.stand(uri) == 3)
                assert len(other.clients) == 3

    finish(scenario())


def test_a_hop_that_hangs_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has stood for long was of use: the next one is made at once, by itself."""

    async def scenario() -> None:
        async with hop() as proxy, stock() as made:
            uri = proxy.uri(2)
            await made.fill(uri, proxy)
            later = warm.now_s() + Terms().steady_s
            monkeypatch.setattr(warm, "now_s", lambda: later)
            made.tasks.clear()
            for client in list(proxy.clients):
                client.writer.close()
            await until(lambda: made.tasks)
            assert len(made.tasks) == 1
            await until(lambda: len(proxy.clients) == 4)
            assert made.told == []

    finish(scenario())


def test_a_password_that_is_refused() -> None:
    """It is offered once, not by all of them."""

    async def scenario() -> None:
        async with hop() as proxy, stock() as made:
            proxy.lets_in = False
            made.reserves.want(proxy.uri(8))
            await made.settle()
            assert len(proxy.clients) == 1
            ((_, reason),) = made.told
            assert "refused" in reason
            made.reserves.want(proxy.uri(8))  # a connection does not shorten the pause
            assert len(made.tasks) == 1

    finish(scenario())


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), ZeroDivisionError("ours")])
def test_an_error_of_ours(error: Exception) -> None:
    """No descriptor is left, or worse: nothing ends by it."""

    async def fail(_uri: ProxyURI) -> Way:
        raise error

    async def scenario() -> None:
        uri = parse_uri("socks5://127.0.0.1:9?warm=3")
        async with stock(make=fail) as made:
            made.reserves.want(uri)
            await made.settle()
            assert made.told == [(uri, str(error))]
            assert made.reserves.take(uri) is None

    finish(scenario())


# ---
# The end


def test_hops_that_are_gone() -> None:
    """After a file was read anew: those of other hops are closed, these stand."""

    async def scenario() -> None:
        async with hop() as proxy, hop() as other, stock() as made:
            await made.fill(proxy.uri(2), proxy)
            await made.fill(other.uri(2), other)
            made.reserves.keep([other.uri(2)])
            for client in proxy.clients:
                assert await client.has_gone()
            assert made.stand(other.uri(2)) == 2
            assert made.reserves.take(proxy.uri(2)) is None

    finish(scenario())


def test_the_end() -> None:
    """What stands is closed, what is being made is given up, and nothing is made any more."""

    async def scenario(silent: socket.socket) -> None:
        before = len(os.listdir("/proc/self/fd"))
        async with hop() as proxy, stock() as made:
            await made.fill(proxy.uri(4), proxy)
            made.reserves.want(parse_uri(f"socks5://127.0.0.1:{silent.getsockname()[1]}?warm=4"))
            await until(lambda: select.select([silent], [], [], 0)[0])
            made.reserves.close()
            for client in proxy.clients:
                assert await client.has_gone()
            await made.settle()
            made.reserves.close()
            assert len(proxy.clients) == 4
        await until(lambda: len(os.listdir("/proc/self/fd")) == before)

    with listening() as silent:
        finish(scenario(silent))


def test_an_error_at_the_end() -> None:
    """What fails by being given up is not tried again."""

    async def fail(_uri: ProxyURI) -> Way:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError(errno.EIO, "ours") from None
        raise AssertionError

    async def scenario() -> None:
        async with stock(Terms(first_pause_s=0), fail) as made:
            made.reserves.want(parse_uri("socks5://127.0.0.1:9?warm=3"))
            await asyncio.sleep(0)
            made.reserves.close()
            await made.settle()
            await asyncio.sleep(0.01)  # in which nothing happens
            assert len(made.tasks) == 1

    finish(scenario())
