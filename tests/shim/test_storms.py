"""Threads, forks, and what is handed on while it is pending."""

from __future__ import annotations

import pytest

from .conftest import Libc, Programs, both_libcs
from .stage import End, Unwrapped, Wrapped, run


@pytest.mark.case("pend-close-race", "pend-fork-lock")
@both_libcs
def test_a_storm(program: Programs, libc: Libc) -> None:
    """Threads that connect, wait, change their minds and fork: all succeed, no descriptor stays."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("storm", libc)])
    assert result.trace == ["dup(0) == before = 1", "EXIT-SUCCESS"]


@pytest.mark.case("trap-vfork-lock")
@both_libcs
def test_a_storm_of_vfork(program: Programs, libc: Libc) -> None:
    """Children that close and overwrite everything disturb no thread of their parent, nor are held up."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("vfork_storm", libc)])
    assert result.trace == ["dup(0) == before = 1", "EXIT-SUCCESS"]


@pytest.mark.case("pend-fork-interrupted")
@both_libcs
def test_a_fork_child_that_is_interrupted(program: Programs, libc: Libc) -> None:
    """It ends, wherever in libc or in the shim a signal comes whose handler connects."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("fork_stepped", libc)], "", "5")
    assert result.trace == ["EXIT-SUCCESS"]


@pytest.mark.case("prog-rust-toggled-flag")
@both_libcs
def test_toggled_flags_delay_nobody(program: Programs, libc: Libc) -> None:
    """A lent socket whose O_NONBLOCK flickers cannot hold up the helper."""
    with Unwrapped(End.ACCEPTED) as silent, Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("toggle", libc)], "", silent.destination[1])
    assert result.trace == ["EXIT-SUCCESS"]


@pytest.mark.case("fd-exec", "pend-exec")
@both_libcs
def test_exec_waits(program: Programs, libc: Libc) -> None:
    """A pending socket that survives exec is connected when the next program finds it."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("exec_pending", libc)])
    assert result.trace == ["poll(&one, 1, 0) = 1", "echoes(one.fd) = 1", "EXIT-SUCCESS"]


@pytest.mark.case("fd-passed-pending", "pend-passed")
@both_libcs
def test_passing_waits(program: Programs, libc: Libc) -> None:
    """A pending socket that goes out with SCM_RIGHTS is connected when it arrives."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("passed_pending", libc)])
    assert result.trace == [
        "sendmsg(ends[0], &msg, 0) = 1",
        "await(got) = 4",
        "echoes(got) = 1",
        "peer_is_dest(fd) = 1",
        "EXIT-SUCCESS",
    ]


@pytest.mark.case("fd-given-up")
@pytest.mark.parametrize("how", ["shutdown", "unspec"])
def test_second_thoughts(program: Programs, how: str) -> None:
    """A connect that was given up is not carried out, and the next one on the same socket succeeds."""
    with Wrapped(End.ACCEPTED) as place:
        for _ in range(10):  # it depends on how long the helper takes for its first handshake
            result = run(place, [program("second_thoughts")], how)
            assert result.trace == [
                "await(fd) = 4",
                "error: Success",
                "peer_is_dest(fd) = 1",
                "echoes(fd) = 1",
                "EXIT-SUCCESS",
            ]
