"""The plain DNS question: literal bytes, and whatever else could come."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.protocol.question import Question, pack_addresses, pack_no_data, parse_question

HEAD = b"?!\1\0\0\1\0\0\0\0\0"
WIRE = b"\4site\4test\0\0\1\0\1"
MESSAGE = HEAD + b"\0" + WIRE
OPT = b"\0\0\x29\4\xd0\0\0\0\0\0\0"
WITH_OPT = HEAD + b"\1" + WIRE + OPT


def test_literally() -> None:
    """A question and its answer, byte by byte."""
    question = parse_question(MESSAGE)
    assert question == Question(b"?!", 0x0100, WIRE, "site.test", socket.AF_INET, has_opt=False)
    answer = pack_addresses(question, [IPv4Address("198.18.0.1")], 60, 1232)
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x12\0\1"
    assert answer == b"?!\x81\x80\0\1\0\1\0\0\0\0" + WIRE + record


def test_with_opt() -> None:
    """Who speaks of his payload hears of ours."""
    question = parse_question(WITH_OPT)
    assert question is not None
    assert pack_no_data(question, b"SOA", 10, 1232) == (
        b"?!\x81\x80\0\1\0\0\0\1\0\1" + WIRE + b"\0\0\6\0\1\0\0\0\x0a\0\3SOA" + OPT
    )


def test_ipv6() -> None:
    """The other family."""
    question = parse_question(MESSAGE[:-3] + b"\x1c\0\1")
    assert question is not None
    assert question.family == socket.AF_INET6
    answer = pack_addresses(question, [IPv6Address("fd00::1")], 60, 1232)
    assert answer.endswith(b"\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10" + IPv6Address("fd00::1").packed)


@pytest.mark.parametrize("message", [MESSAGE, WITH_OPT])
def test_every_prefix(message: bytes) -> None:
    """A message that was cut off is no question."""
    assert all(parse_question(message[:at]) is None for at in range(len(message)))


def test_names_that_are_too_long() -> None:
    """255 bytes are the limit (RFC 1035, section 2.3.4), and 63 for a label."""
    label = b"\x3f" + b"a" * 63
    longest = label * 3 + b"\x3d" + b"a" * 61
    assert parse_question(HEAD + b"\0" + longest + b"\0\0\1\0\1") is not None
    assert parse_question(HEAD + b"\0" + longest + b"\1a\0\0\1\0\1") is None
    assert parse_question(HEAD + b"\0\x40" + b"a" * 64 + b"\0\0\1\0\1") is None


@given(st.binary(max_size=64))
def test_anything(tail: bytes) -> None:
    """Nothing makes it raise."""
    parse_question(tail)
    parse_question(HEAD + tail)
