"""Lent sockets connected to us, and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket

import pytest

from proxywrap.net.blame import AttemptFailed
from proxywrap.net.landing import Landing

from .lending import DEADLINE_S, Pair, finish


@pytest.mark.parametrize("is_blocking", [True, False])
@pytest.mark.parametrize(
    ("family", "bound"),
    [
        (socket.AF_INET, None),
        (socket.AF_INET, "127.0.0.5"),
        (socket.AF_INET6, None),
        (socket.AF_INET6, "::ffff:127.0.0.1"),
        (socket.AF_INET6, "::1"),
    ],
)
def test_a_lent_socket_meets_its_partner(family: int, bound: str | None, is_blocking: bool) -> None:  # noqa: FBT001
    """It is the same socket, with its options and its flags, and its own address."""

    async def scenario(pair: Pair) -> None:
        if bound is not None:
            pair.app.bind((bound, 0))
        pair.app.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        landing = Landing(DEADLINE_S)
        partner = await landing.take(pair.lent)
        with partner:
            assert not pair.is_watched
            pair.lent.close()
            assert pair.app.getblocking() == is_blocking
            assert pair.app.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK) == 1
            pair.app.send(b"there")
            pair.app.shutdown(socket.SHUT_WR)
            assert await asyncio.get_running_loop().sock_recv(partner, 10) == b"there"
            partner.send(b"back")
            pair.app.setblocking(True)
            assert pair.app.recv(10) == b"back"
        landing.close()

    with Pair(family, is_blocking=is_blocking) as pair:
        finish(scenario(pair))


def test_each_of_many_meets_its_own() -> None:
    """However many come at a time."""

    async def meet(landing: Landing, pair: Pair, word: bytes) -> bytes:
        with await landing.take(pair.lent) as partner:
            pair.app.send(word)
            return await asyncio.get_running_loop().sock_recv(partner, 100)

    async def scenario() -> None:
        landing = Landing(DEADLINE_S)
        pairs = [Pair() for _ in range(100)]
        words = [b"%d" % at for at in range(100)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(meet(landing, *each)) for each in zip(pairs, words, strict=True)]
        assert [task.result() for task in tasks] == words
        for pair in pairs:
            pair.lent.close()
            pair.app.close()
        landing.close()

    finish(scenario())


def test_a_stranger_is_hung_up_on() -> None:
    """Who was not expected gets nothing, and disturbs nobody."""

    async def scenario(pair: Pair) -> None:
        landing = Landing(DEADLINE_S)
        first = await landing.take(pair.lent)
        with first, socket.socket() as stranger:
            stranger.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(stranger, first.getsockname())
            assert await loop.sock_recv(stranger, 1) == b""
        landing.close()

    with Pair() as pair:
        finish(scenario(pair))


async def _land(pair: Pair) -> None:
    with contextlib.closing(Landing(DEADLINE_S)) as landing:
        (await landing.take(pair.lent)).close()


def test_a_socket_of_a_device_cannot_land(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel would send it out by that device; the user hears of it."""
    monkeypatch.setattr("proxywrap.net.starting.has_device", lambda _: True)
    with Pair() as pair, pytest.raises(AttemptFailed) as caught:
        finish(_land(pair))
    assert (caught.value.hop, caught.value.errno) == (None, errno.ENETUNREACH)
    assert "is it bound to a device, or in another network namespace?" in caught.value.reason


def test_a_socket_of_another_namespace_cannot_land(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may listen at that port there: it is not even tried."""
    numbers = iter((1, 2))
    monkeypatch.setattr("proxywrap.net.landing.namespace", lambda _: next(numbers))
    monkeypatch.setattr("proxywrap.net.lent.namespace", lambda _: next(numbers))
    with Pair() as pair:
        with pytest.raises(AttemptFailed) as caught:
            finish(_land(pair))
        assert caught.value.errno == errno.ENETUNREACH
        assert pair.app.getsockname()[1] == 0


def test_an_attempt_that_is_given_up() -> None:
    """Its partner is closed, and the listener goes on."""

    async def scenario(pair: Pair, other: Pair) -> None:
        landing = Landing(DEADLINE_S)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(landing.take(pair.lent))
            await asyncio.sleep(0)
            task.cancel()
        assert not pair.is_watched
        (await landing.take(other.lent)).close()
        landing.close()

    with Pair() as pair, Pair() as other:
        finish(scenario(pair, other))
