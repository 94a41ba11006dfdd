"""The plain DNS question: literal bytes, and whatever else could come."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.protocol.question import (
    Question,
    pack_addresses,
    pack_failure,
    pack_no_data,
    pack_truncated,
    parse_question,
    parse_whole_question,
)

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


@pytest.mark.parametrize(
    ("name", "kind", "address"),
    [
        ("7.8.9.10.in-addr.arpa.", "PTR", "10.9.8.7"),
        (f"{'0.' * 31}2.ip6.arpa.", "PTR", "2000::"),
        ("7.8.9.in-addr.arpa.", "PTR", None),
        ("7.8.9.10.in-addr.arpa.", "TXT", None),
        ("www.corp.test.", "PTR", None),
    ],
)
def test_whose_name_is_asked_for(name: str, kind: str, address: str | None) -> None:
    """Of an address that is written backwards, and of nothing else."""
    found = parse_whole_question(dns.message.make_query(name, kind).to_wire())
    assert found is not None
    assert found.address == (None if address is None else ip_address(address))


@pytest.mark.parametrize("payload", [None, 100, 512, 4096])
def test_an_answer_without_data(payload: int | None) -> None:
    """It has the question, its flags and an OPT record where there was one."""
    query = dns.message.make_query("a b._x.test.", "SRV", use_edns=payload is not None, payload=payload or 0)
    message = query.to_wire()
    question = parse_whole_question(message)
    assert question is not None
    assert not question.is_for_addresses
    assert question.room == max(512, payload or 512)
    answer = dns.message.from_wire(pack_failure(message, question))
    assert query.is_response(answer)
    assert answer.rcode() == dns.rcode.SERVFAIL
    assert (answer.edns >= 0) == (payload is not None)
    with pytest.raises(dns.message.Truncated):
        dns.message.from_wire(pack_truncated(message, question), raise_on_truncation=True)


@pytest.mark.parametrize("cut", [0, 5, 11, 12, 20, 27])
def test_what_is_no_whole_question(cut: int) -> None:
    """A message that was cut off, an answer and an update are none."""
    message = dns.message.make_query("www.corp.test.", "A").to_wire()
    assert parse_whole_question(message[:cut]) is None
    assert parse_whole_question(message[:2] + b"\x80" + message[3:]) is None
    assert parse_whole_question(message[:2] + b"\x28" + message[3:]) is None
