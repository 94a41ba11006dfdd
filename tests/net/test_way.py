"""Ways made of one that stood ready: asked for what is behind the first hop, and given up in time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyRefused, TimedOut
from proxywrap.net.attentive import Stale
from proxywrap.net.connector import AttemptFailed, Deadlines
from proxywrap.net.way import Way
from proxywrap.testing.socksserver import SocksServer
from proxywrap.uri import parse_uri

from .lending import DEADLINE_S, finish, maker
from .reserve import ASKED, DESTINATION, GRANTED, LET_IN, LIMITS, hang_up, hop, stock, until

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize("kind", LET_IN)
def test_one_round_trip(kind: str) -> None:
    """All that precedes the request has been said; the request and its answer are all that is left."""

    async def scenario() -> None:
        async with hop(kind) as proxy, stock() as made:
            uri = proxy.uri()
            await made.fill(uri, proxy)
            way = made.reserves.take(uri)
            assert way is not None
            async with asyncio.TaskGroup() as tasks:
                extended = tasks.create_task(maker(LIMITS).extend(way, [uri], DESTINATION))
                client = proxy.clients[0]
                assert await client.reader.readexactly(len(ASKED[kind])) == ASKED[kind]
                client.writer.write(GRANTED[kind] + b"SSH-2.0-banner")
            assert await (await extended).io.read_exactly(14) == b"SSH-2.0-banner"
            way.close()

    finish(scenario())


async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say hello, and goodbye."""
    writer.write(b"hello")
    writer.close()


def test_three_hops() -> None:
    """The first hop's connection is asked for the next one, and so on."""

    async def scenario() -> None:
        async with contextlib.AsyncExitStack() as stack:
            made = await stack.enter_async_context(stock())
            servers = [await stack.enter_async_context(SocksServer()) for _ in range(3)]
            origin = await stack.enter_async_context(await asyncio.start_server(greet, "127.0.0.1", 0))
            urls = [f"{servers[0].url}?warm=2", servers[1].url_for("socks4a"), servers[2].url_for("http")]  # type: ignore[arg-type]
            hops = [parse_uri(url) for url in urls]
            await made.fill(hops[0])
            way = made.reserves.take(hops[0])
            assert way is not None
            there = Endpoint(IPv4Address("127.0.0.1"), origin.sockets[0].getsockname()[1])
            await maker(LIMITS).extend(way, hops, there)
            assert await way.io.read_exactly(5) == b"hello"
            assert [server.log[0].scheme for server in servers] == ["socks5", "socks4", "http"]
            way.close()

    finish(scenario())


async def extend(kind: str, answer: bytes, *, is_reset: bool = False, read_s: float = DEADLINE_S) -> Way:
    """Ask a hop by a way that stood ready; it gives an answer, and hangs up unless that takes too long."""
    async with hop(kind) as proxy:
        uri = proxy.uri()
        made = maker(Deadlines(DEADLINE_S, read_s))
        way = await made.open(uri)
        await until(lambda: proxy.clients)
        (client,) = proxy.clients

        async def answering() -> None:
            await client.reader.readexactly(len(ASKED[kind]))
            client.writer.write(answer)
            if is_reset:
                hang_up(client)
            elif read_s == DEADLINE_S:
                client.writer.close()

        answer_given = asyncio.get_running_loop().create_task(answering())
        try:
            return await made.extend(way, [uri], DESTINATION)
        finally:
            await answer_given
            assert way.lent.fileno() < 0  # closed


@pytest.mark.parametrize("kind", LET_IN)
def test_a_hop_that_hangs_up_instead_of_an_answer(kind: str) -> None:
    """By a reset it says that it has not read the question; an end in good order may be its answer."""
    with pytest.raises(Stale):
        finish(extend(kind, b"", is_reset=True))
    with pytest.raises(AttemptFailed, match="closed the connection"):
        finish(extend(kind, b""))


REFUSED = {
    "socks5": b"\x05\x05\x00\x01" + bytes(6),
    "http": b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
    "socks4a": b"\x00\x5b" + bytes(6),
}


@pytest.mark.parametrize("kind", LET_IN)
@pytest.mark.parametrize("what", ["a refusal", "its first byte", "silence"])
def test_what_is_final(kind: str, what: str) -> None:
    """A refusal, half of an answer, and none in time: the destination may have been asked already."""
    answer = {"a refusal": REFUSED[kind], "its first byte": REFUSED[kind][:1], "silence": b""}[what]
    with pytest.raises(AttemptFailed) as caught:
        finish(extend(kind, answer, read_s=0.05 if what == "silence" else DEADLINE_S))
    failed = caught.value
    if what == "a refusal":
        assert isinstance(failed.__cause__, ProxyRefused)
        assert failed.errno == errno.ECONNREFUSED
    if what == "silence":
        cause = failed.__cause__
        assert isinstance(cause.__cause__ if isinstance(cause, ProxyRefused) else cause, TimedOut)
