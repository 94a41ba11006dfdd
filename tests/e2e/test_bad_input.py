"""What makes no sense or means harm: an error for whoever sent it, and nothing else."""

from __future__ import annotations

import array
import collections
import contextlib
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from proxywrap.protocol.wire import VERSION

from .kit.clients import NAME, PROGRAMS, wrap
from .kit.world import factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .kit.clients import Stage
    from .kit.world import Command, World

VERSION_BYTES = 4
TOKEN_OFFSET, TOKEN_BYTES = 8, 16
REQUEST_BYTES = 308
SILENT = 500
"""How many connections are held open at once."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A wrapped program whose control socket is attacked."""

    process: Command
    path: str
    token: bytes
    helper: int

    def still_works(self) -> bool:
        """Return whether the program gets its page, by the helper that it began with."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"again\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == b"it works\n" and os.path.exists(f"/proc/{self.helper}")

    def connect(self) -> socket.socket:
        """Return a connection to the control socket."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # With a timeout, connect() would not wait for room in the backlog.
        sock.connect(self.path)
        sock.settimeout(20 * factor())
        return sock

    def answer_to(self, request: bytes, descriptors: tuple[int, ...] = ()) -> bytes:
        """Return what a request gets: empty where the helper hangs up."""
        rights = (
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        )
        with self.connect() as sock:
            with contextlib.suppress(BrokenPipeError):
                sock.sendmsg([request], rights)
            try:
                return sock.recv(4096)
            except ConnectionResetError:
                return b""


def _is_error(answer: bytes) -> bool:
    return answer == b"" or int.from_bytes(answer[4:8], sys.byteorder) != 0


@pytest.fixture
def victim(world: World, stage: Stage, proxy: Callable[[str], str]) -> Iterator[Victim]:
    """Start a wrapped program that fetches a page whenever it is told to."""
    argv = [*wrap(proxy("microsocks"), "-q"), sys.executable, PROGRAMS / "on_demand.py", stage.url]
    with world.start(argv, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        channel, helper = process.stdout.readline().decode().split()
        _, token, _, _, path, _ = channel.split(":")
        found = Victim(process, path, bytes.fromhex(token), int(helper))
        assert found.still_works()
        yield found
        assert found.still_works()
        process.communicate(timeout=20 * factor())
        assert process.returncode == 0


@pytest.mark.parametrize("size", [0, 1, 24, REQUEST_BYTES - 1, REQUEST_BYTES, REQUEST_BYTES + 1, 65536])
def test_garbage_gets_an_error(victim: Victim, size: int) -> None:
    """Of any size, with a descriptor or without one."""
    assert _is_error(victim.answer_to(secrets.token_bytes(size)))
    with open(os.devnull, "rb") as file:
        assert _is_error(victim.answer_to(secrets.token_bytes(size), (file.fileno(), file.fileno())))


@pytest.mark.parametrize("op", range(8))
def test_a_request_without_the_token_is_refused(victim: Victim, op: int) -> None:
    """No operation is carried out for a peer that does not know the token, whatever its uid."""
    version = VERSION.to_bytes(VERSION_BYTES, sys.byteorder)
    for token in (
        bytes(TOKEN_BYTES),
        secrets.token_bytes(TOKEN_BYTES),
        victim.token[:-1] + bytes([victim.token[-1] ^ 1]),
    ):
        head = version + op.to_bytes(2, sys.byteorder) + bytes(2) + token
        with socket.socket() as sock:
            assert _is_error(victim.answer_to(head.ljust(REQUEST_BYTES, b"\0"), (sock.fileno(),)))


def test_a_request_of_another_version_is_refused(victim: Victim) -> None:
    """Even with the token."""
    for version in (0, VERSION - 1, VERSION + 1, 2**32 - 1):
        head = version.to_bytes(VERSION_BYTES, sys.byteorder) + bytes(4) + victim.token
        assert _is_error(victim.answer_to(head.ljust(REQUEST_BYTES, b"\0")))


@pytest.mark.parametrize("op", range(9))
def test_a_request_with_the_token_and_garbage_is_refused(victim: Victim, op: int) -> None:
    """A wrapped process that has lost its mind harms itself alone."""
    version = VERSION.to_bytes(VERSION_BYTES, sys.byteorder)
    head = version + op.to_bytes(2, sys.byteorder) + b"\xff\xff" + victim.token
    with socket.socket(socket.AF_UNIX) as wrong_kind, open(os.devnull, "rb") as no_socket:
        for descriptors in ((), (wrong_kind.fileno(),), (no_socket.fileno(),), (no_socket.fileno(),) * 20):
            victim.answer_to(head + b"\xff" * (REQUEST_BYTES - len(head)), descriptors)


def test_ten_thousand_connections_stop_nobody(victim: Victim) -> None:
    """A flood of silent and of noisy peers, hundreds at a time, and the program still gets its page."""
    silent: collections.deque[socket.socket] = collections.deque()
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: collections.deque(map(socket.socket.close, silent), 0))
        for number in range(10_000):
            sock = victim.connect()
            silent.append(sock)
            if number % 2:
                with contextlib.suppress(BrokenPipeError):
                    sock.send(b"noise")
            if len(silent) > SILENT:
                silent.popleft().close()
        assert victim.still_works()


def test_names_that_cannot_be_are_refused(world: World, proxy: Callable[[str], str]) -> None:
    """Too long, a label too long, or empty: the resolver says no, and the next question is answered."""
    result = world.run([*wrap(proxy("microsocks")), sys.executable, PROGRAMS / "bad_names.py", NAME])
    *refused, last = result.text.splitlines()
    assert set(refused) == {"refused"}
    assert last == "True"
    assert world.judge.leaks == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[ProxyList]\nsocks5 127.0.0.1 0\n", 2),
        ("[ProxyList]\nsocks5 127.0.0.1 84586\n", 2),
        ("strict_chain\nno_such_keyword\n[ProxyList]\nsocks5 127.0.0.1 1080\n", 2),
        ("[ProxyList]\n\nsocks6 127.0.0.1 1080\n", 3),
    ],
)
def test_a_broken_configuration_is_named_by_file_and_line(
    world: World, stage: Stage, text: str, line: int
) -> None:
    """Status 125, and COMMAND is not run."""
    config: Path = world.directory / "broken.conf"
    config.write_text(text)
    result = world.run([*wrap([], "-f", config), "curl", "-sS", stage.url], expect=125)
    assert f"{config}:{line}: " in result.stderr.decode()
    assert result.stdout == b""


def test_a_configuration_that_is_not_there_is_an_error(world: World) -> None:
    """-f with a missing file never means another file."""
    result = world.run([*wrap([], "-f", "/nowhere/proxywrap.conf"), "true"], expect=125)
    assert "/nowhere/proxywrap.conf" in result.stderr.decode()
