"""Calls of filtered programs that are wrong, or change while they are looked at."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from .conftest import Libc, Programs
from .stage import PROXYWRAP, End, Wrapped, run

COUNT = "3000"


def free_port() -> str:
    """Return a port of UDP that nobody has just now."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


@pytest.mark.parametrize("seed", ["1", "2", "3", "4"])
def test_calls_at_random(program: Programs, seed: str) -> None:
    """Each of them ends as it does without a wrapper, whichever of its arguments is wrong."""
    command = [str(program("fuzz_calls", Libc.GLIBC, "-static")), free_port(), seed, COUNT]
    wrapper = [sys.executable, PROXYWRAP, "-q", "--engine", "seccomp", "-x", "socks5://127.0.0.1:9"]
    truth, found = (
        subprocess.run([*prefix, *command], check=True, capture_output=True, text=True).stdout.splitlines()
        for prefix in (list[str](), wrapper)
    )
    assert truth[-1] == "EXIT-SUCCESS"
    assert found == truth


def test_calls_that_change(program: Programs) -> None:
    """The helper survives what another thread does to arguments, memory and numbers."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("race_calls", Libc.GLIBC, "-static")])
    assert result.trace == [
        "connect(far_end, (void *)&far, sizeof(far)) = 0",
        "connect(fd, DEST) = 0",
        "keeps sockets: 0",
        "EXIT-SUCCESS",
    ], result


@pytest.mark.parametrize("mode", ["", "blocked"])
def test_signals_for_a_crowd(program: Programs, mode: str) -> None:
    """Nobody finds ERESTARTSYS in errno, of those whom a signal of their process is not for."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("signal_crowd", Libc.GLIBC, "-static")], *([mode] if mode else []))
    assert result.trace == ["handled: 1", "EXIT-SUCCESS"], result


def test_hops_of_a_parked_socket(program: Programs) -> None:
    """A limit with which its SYN would get through is not set."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("hops_early", Libc.GLIBC, "-static")])
    assert result.trace == [
        "setsockopt(one.fd, IPPROTO_IP, IP_TTL, &most, sizeof(most)) = 0",
        "poll(&one, 1, 1500) = 0",
        "await(one.fd) = 4",
        "peer_is_dest(one.fd) = 1",
        "echoes(one.fd) = 1",
        "EXIT-SUCCESS",
    ], result
