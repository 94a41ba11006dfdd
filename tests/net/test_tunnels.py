"""Tunnels by a program in ssh's place: when it is silent, when it is given up, and what is left then."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyRefused, ProxyUnreachable, TimedOut
from proxywrap.net.connector import AttemptFailed, Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.tunnels import MAX_LOGINS, Tunnels
from proxywrap.net.waymaking import WayMaker
from proxywrap.uri import parse_uri

HOP = parse_uri("ssh://gate")
TARGET = Endpoint(IPv4Address("192.0.2.1"), 80)
SHORT = Deadlines(0.2, 0.3)
LONG = Deadlines(20, 20)

CONNECTED = 'echo "debug1: Connection established." >&2'
LET_IN = f'{CONNECTED}; echo "Authenticated to gate." >&2'
OPEN = f'{LET_IN}; echo "debug2: channel 0: open confirm rwindow 1 rmax 1" >&2'

Run = Callable[[Callable[[Tunnels], Awaitable[None]]], None]


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes ssh a script."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def make(script: str) -> None:
        program = tmp_path / "ssh"
        program.write_text(f'#!/bin/sh\necho $$ >>{tmp_path}/pids; echo "$*" >>{tmp_path}/argv\n{script}\n')
        program.chmod(0o755)

    return make


@pytest.fixture
def run() -> Run:
    """Return a function that runs a coroutine function with tunnels, and ends them."""

    def run(use: Callable[[Tunnels], Awaitable[None]]) -> None:
        async def main() -> None:
            tunnels = Tunnels(os.environ)
            try:
                await use(tunnels)
            finally:
                await tunnels.close(0)

        asyncio.run(main())

    return run


def _pids(path: Path) -> list[int]:
    return [int(word) for word in (path / "pids").read_text().split()]


def _assert_gone(path: Path) -> None:
    for pid in _pids(path):
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            assert select.select([handle], [], [], 10)[0], pid
            os.close(handle)


@pytest.mark.parametrize(
    ("script", "kind", "error"),
    [
        ("exec sleep 1000", ProxyUnreachable, errno.ETIMEDOUT),
        (f"{CONNECTED}; exec sleep 1000", TimedOut, errno.ETIMEDOUT),
        (f"{LET_IN}; exec sleep 1000", ProxyRefused, errno.ETIMEDOUT),
        ("exit 255", ProxyUnreachable, errno.EHOSTUNREACH),
    ],
    ids=["connect", "login", "destination", "end"],
)
def test_silence_has_an_end(
    ssh: Callable[[str], None], run: Run, tmp_path: Path, script: str, kind: type[Exception], error: int
) -> None:
    """At each step; and ssh is killed, with what it has started."""
    ssh(f"sleep 1000 & echo $! >>{tmp_path}/pids\n{script}")

    async def use(tunnels: Tunnels) -> None:
        with pytest.raises(AttemptFailed) as caught:
            await WayMaker(SHORT, HopNames(), tunnels).make([HOP], TARGET)
        assert type(caught.value.__cause__) is kind
        assert caught.value.errno == error

    run(use)
    if "exec" in script:
        _assert_gone(tmp_path)


def test_a_login_alone(ssh: Callable[[str], None], run: Run, tmp_path: Path) -> None:
    """Does for a server that is only asked about; its port is given where it is written."""
    ssh(f"{LET_IN}; exec cat")

    async def use(tunnels: Tunnels) -> None:
        for url in ("ssh://gate", "ssh://me@gate:2222"):
            (await WayMaker(LONG, HopNames(), tunnels).make([parse_uri(url)], None)).close()

    run(use)
    _assert_gone(tmp_path)
    first, second = (tmp_path / "argv").read_text().splitlines()
    assert first.endswith(" -W 127.0.0.1:1 -- gate")
    assert second.endswith(" -W 127.0.0.1:1 -p 2222 -l me -- gate")


def test_what_is_said_at_the_end_comes_first(ssh: Callable[[str], None], run: Run) -> None:
    """What ssh has passed on, and then the end; what it was told is not lost either."""
    ssh(f"{OPEN}; echo hello; cat; echo 'debug2: channel 0: output drain -> closed' >&2")

    async def use(tunnels: Tunnels) -> None:
        way = await WayMaker(LONG, HopNames(), tunnels).make([HOP], TARGET)
        reader, writer = await asyncio.open_connection(sock=way.lent.take())
        writer.write(b"x" * 100_000)
        writer.write_eof()
        assert await reader.read() == b"hello\n" + b"x" * 100_000
        writer.close()
        assert not way.tunnels[0].is_broken

    run(use)


def test_an_end_that_nobody_announced(ssh: Callable[[str], None], run: Run) -> None:
    """Is none of the destination's."""
    ssh(f"{OPEN}; read line; kill -9 $$")

    async def use(tunnels: Tunnels) -> None:
        way = await WayMaker(LONG, HopNames(), tunnels).make([HOP], TARGET)
        broken = asyncio.Event()
        way.tunnels[0].tell_break(broken.set)
        await way.lent.send_all(b"go\n")
        await broken.wait()
        late = asyncio.Event()
        way.tunnels[0].tell_break(late.set)
        assert late.is_set()
        way.close()

    run(use)


def test_no_more_than_a_server_takes_log_in(ssh: Callable[[str], None], run: Run, tmp_path: Path) -> None:
    """The others wait for their turn, and have it when one has failed."""
    started, gate = tmp_path / "started", tmp_path / "gate"
    os.mkfifo(started)
    os.mkfifo(gate)
    ssh(f"{CONNECTED}; echo >{started}; read line <{gate}; exit 255")

    async def use(tunnels: Tunnels) -> None:
        loop = asyncio.get_running_loop()
        starts, turns = os.open(started, os.O_RDWR), os.open(gate, os.O_RDWR)
        ways = asyncio.gather(
            *(WayMaker(LONG, HopNames(), tunnels).make([HOP], TARGET) for _ in range(MAX_LOGINS + 2)),
            return_exceptions=True,
        )
        for _ in range(MAX_LOGINS):
            await loop.run_in_executor(None, os.read, starts, 1)
        assert len(tunnels._tunnels) == len(_pids(tmp_path)) == MAX_LOGINS
        os.write(turns, b"\n" * (MAX_LOGINS + 2))
        assert all(isinstance(result, AttemptFailed) for result in await ways)
        os.close(starts)
        os.close(turns)

    run(use)
    assert len(_pids(tmp_path)) == MAX_LOGINS + 2


def test_a_place_that_ssh_does_not_say(ssh: Callable[[str], None], run: Run) -> None:
    """Is the fault of the server that is wanted."""
    ssh("exit 1")

    async def use(tunnels: Tunnels) -> None:
        with pytest.raises(ProxyUnreachable, match="ssh does not say where it is"):
            await tunnels.place(HOP)

    run(use)


def test_whose_a_process_is(ssh: Callable[[str], None], run: Run, tmp_path: Path) -> None:
    """Ours are ssh, what it starts, and what that leaves behind; the mark is in the environment."""
    ready, never = tmp_path / "ready", tmp_path / "never"
    os.mkfifo(ready)
    os.mkfifo(never)
    # It executes nothing more: in the middle of that a process has no environment.
    ssh(f"{LET_IN}; setsid sh -c 'echo $$ >{ready}; read word <{never}' & exec sleep 1000")

    async def use(tunnels: Tunnels) -> None:
        way = await WayMaker(LONG, HopNames(), tunnels).make([HOP], None)
        loop = asyncio.get_running_loop()
        daemon = int(await loop.run_in_executor(None, ready.read_text))
        (pid,) = _pids(tmp_path)
        try:
            assert os.getsid(daemon) == daemon
            assert [tunnels.owns(each) for each in (pid, daemon, os.getpid(), 1)] == [
                True,
                True,
                False,
                False,
            ]
            way.close()
            await tunnels.close(0)
            assert tunnels.owns(daemon)
        finally:
            os.kill(daemon, signal.SIGKILL)

    run(use)
