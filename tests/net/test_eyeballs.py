"""Which of several addresses is there."""

from __future__ import annotations

import errno
import socket
import time
from ipaddress import ip_address

import pytest

from proxywrap.net.eyeballs import HEAD_START_S, in_turns, race

from .lending import black_hole, finish, listening, refusing_port


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1.1.1.1", "1.1.1.1"),
        ("::1 ::2 1.1.1.1 1.1.1.2", "::1 1.1.1.1 ::2 1.1.1.2"),
        ("1.1.1.1 ::1 ::2 ::3", "1.1.1.1 ::1 ::2 ::3"),
        ("1.1.1.1 1.1.1.2 1.1.1.3 ::1", "1.1.1.1 ::1 1.1.1.2 1.1.1.3"),
    ],
)
def test_families_take_turns(given: str, expected: str) -> None:
    """The first one's first (RFC 8305, section 4)."""
    assert [str(each) for each in in_turns([ip_address(text) for text in given.split()])] == expected.split()


def test_a_black_hole_has_its_head_start() -> None:
    """The next one is asked 250 ms later, not when the first one's time is over."""
    with black_hole() as (hole, port), socket.create_server(("127.0.0.2", port)):
        started = time.monotonic()
        assert finish(race([ip_address(hole), ip_address("127.0.0.2")], port)) == ip_address("127.0.0.2")
        assert time.monotonic() - started >= HEAD_START_S


def test_a_refusal_is_not_waited_for() -> None:
    """The next one is asked at once."""
    with listening("127.0.0.2") as there:
        port = there.getsockname()[1]
        started = time.monotonic()
        assert finish(race([ip_address("127.0.0.1"), ip_address("127.0.0.2")], port)) == ip_address(
            "127.0.0.2"
        )
        assert time.monotonic() - started < HEAD_START_S


def test_nobody_is_there() -> None:
    """The first one's error is told."""
    with refusing_port() as port, pytest.raises(ConnectionRefusedError) as caught:
        finish(race([ip_address("127.0.0.1"), ip_address("::1")], port))
    assert caught.value.errno == errno.ECONNREFUSED
