"""SOCKS4 and 4a, with the bytes of the two memos."""

from __future__ import annotations

import errno
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import arrives, play, truncates

from proxywrap.address import Endpoint
from proxywrap.errors import (
    LocalProtocolError,
    ProtocolError,
    ProxyRefused,
    RemoteProtocolError,
)
from proxywrap.protocol import socks4
from proxywrap.protocol.command import Command
from proxywrap.protocol.request import Request
from proxywrap.protocol.socks4 import Cd
from proxywrap.scheme import Scheme

ADDRESS = Endpoint(IPv4Address("66.102.7.99"), 80)
NAME = Endpoint("example.com", 443)
GRANTED = bytes.fromhex("005a 0000 00000000")

REQUESTS = [
    # The memo's own example: CONNECT to 66.102.7.99:80 for "Fred".
    (bytes.fromhex("0401 0050 42660763 46726564 00"), ADDRESS, b"Fred", Scheme.SOCKS4),
    (bytes.fromhex("0401 0050 42660763 00"), ADDRESS, b"", Scheme.SOCKS4),
    (bytes.fromhex("0401 01bb 00000001 00") + b"example.com\0", NAME, b"", Scheme.SOCKS4A),
    (bytes.fromhex("0401 01bb 00000001") + b"Fred\0example.com\0", NAME, b"Fred", Scheme.SOCKS4A),
]


@pytest.mark.parametrize(("data", "destination", "userid", "scheme"), REQUESTS)
def test_request_in_both_roles(data: bytes, destination: Endpoint, userid: bytes, scheme: Scheme) -> None:
    """What the client sends is the memo's, and the server reads the same from it."""
    arrives(lambda: socks4.connect(destination, userid), GRANTED, sends=data)
    request = arrives(socks4.read_request, data, sends=b"")
    assert request == Request(scheme, Command.CONNECT, destination, userid or None)


@pytest.mark.parametrize("data", [row[0] for row in REQUESTS])
def test_truncated_request(data: bytes) -> None:
    """A client that closes in the middle of its request is told apart from a malformed one."""
    truncates(socks4.read_request, data)


def test_truncated_reply() -> None:
    """A proxy that closes in the middle of its reply is told apart from a refusal."""
    truncates(lambda: socks4.connect(ADDRESS), GRANTED)


def test_address_in_the_reply_is_ignored() -> None:
    """DSTPORT and DSTIP of a reply mean nothing for CONNECT."""
    sends = REQUESTS[1][0]
    arrives(lambda: socks4.connect(ADDRESS), bytes.fromhex("005a ffff ffffffff"), sends=sends)


@pytest.mark.parametrize(
    ("cd", "error", "is_destination_fault"),
    [
        (91, errno.ECONNREFUSED, True),
        (92, errno.EACCES, False),
        (93, errno.EACCES, False),
    ],
)
def test_refusal(cd: int, error: int, is_destination_fault: bool) -> None:  # noqa: FBT001
    """Each result code has its errno, and only 91 is about the destination."""
    with pytest.raises(ProxyRefused, match=f"CD {cd}") as caught:
        play(socks4.connect(ADDRESS), bytes([0, cd, 0, 0, 0, 0, 0, 0])).result()
    assert caught.value.errno == error
    assert caught.value.is_destination_fault is is_destination_fault


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.0 400", "expected a SOCKS4 reply of version 0, got 72 ('H'): is it an HTTP proxy?"),
        (b"\x05\xff", "expected a SOCKS4 reply of version 0, got 5: is it a SOCKS5 proxy?"),
        (b"\x15\x03\x01", "expected a SOCKS4 reply of version 0, got 21: is it a TLS server?"),
        (b"SSH-2.0-x", "expected a SOCKS4 reply of version 0, got 83 ('S'): is it an SSH server?"),
        (b"220 x", "expected a SOCKS4 reply of version 0, got 50 ('2')"),
        (b"\0\x01", "expected a SOCKS4 result code from 90 to 93, got 1"),
    ],
)
def test_foreign_reply(answer: bytes, text: str) -> None:
    """The error says what seems to be listening there."""
    with pytest.raises(RemoteProtocolError) as caught:
        play(socks4.connect(ADDRESS), answer).result()
    assert str(caught.value) == text
    assert caught.value.errno == errno.ECONNREFUSED


def test_closed_instead_of_a_reply() -> None:
    """The error says what was waited for."""
    with pytest.raises(ProtocolError, match="expected a SOCKS4 reply, but the connection was closed"):
        play(socks4.connect(ADDRESS), b"").result()


@pytest.mark.parametrize(
    ("host", "userid", "error"),
    [
        (IPv6Address("2001:db8::1"), b"", errno.ENETUNREACH),
        (IPv4Address("0.0.0.7"), b"", errno.ENETUNREACH),
        ("a" * 256, b"", errno.EHOSTUNREACH),
        ("a\0b", b"", errno.EHOSTUNREACH),
        ("", b"", errno.EHOSTUNREACH),
        ("a", b"Fr\0ed", errno.EACCES),
        ("a", b"x" * 256, errno.EACCES),
    ],
)
def test_what_socks4_cannot_carry(host: IPv4Address | IPv6Address | str, userid: bytes, error: int) -> None:
    """It fails with its errno before a byte is sent."""
    outcome = play(socks4.connect(Endpoint(host, 1), userid), GRANTED)
    assert isinstance(outcome.error, LocalProtocolError)
    assert outcome.error.errno == error
    assert outcome.sent == b""


def test_mapped_address_is_sent_as_ipv4() -> None:
    """A dual-stack socket reaches IPv4 destinations through SOCKS4."""
    mapped = Endpoint(IPv6Address("::ffff:66.102.7.99"), 80)
    arrives(lambda: socks4.connect(mapped), GRANTED, sends=REQUESTS[1][0])


def test_zero_address_is_not_a_name() -> None:
    """4a asks for a nonzero x in 0.0.0.x."""
    request = arrives(socks4.read_request, bytes.fromhex("0401 0050 00000000 00"), sends=b"")
    assert request == Request(Scheme.SOCKS4, Command.CONNECT, Endpoint(IPv4Address(0), 80))


def test_bind_is_parsed() -> None:
    """What to do about BIND is the server's affair."""
    request = arrives(socks4.read_request, bytes.fromhex("0402 0050 42660763 00"), sends=b"")
    assert request == Request(Scheme.SOCKS4, Command.BIND, ADDRESS)


@pytest.mark.parametrize(
    ("data", "sent", "text"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", "", r"expected SOCKS version 4, got 71 \('G'\): is it an HTTP client\?"),
        (bytes.fromhex("0403 0050 42660763 00"), "005b 0000 00000000", "command 1 or 2, got 3"),
        (bytes.fromhex("0401 0050 00000001 00 00"), "", "found an empty one"),
        (bytes.fromhex("0401 0050 00000001 00") + b"a b\0", "", "found a character"),
        (bytes.fromhex("0401 0050 00000001 00") + b"a" * 64 + b"\0", "", "labels of at most 63 bytes"),
        (bytes.fromhex("0401 0050 42660763") + b"x" * 300, "", "limit"),
    ],
)
def test_malformed_request(data: bytes, sent: str, text: str) -> None:
    """A malformed request is an error, and where SOCKS4 has an answer the client gets it."""
    outcome = play(socks4.read_request(), data)
    assert outcome.sent == bytes.fromhex(sent)
    with pytest.raises(RemoteProtocolError, match=text):
        outcome.result()


def test_userid_is_checked_with_an_empty_password() -> None:
    """SOCKS4 has no password, so only a user without one may pass."""

    def check(username: bytes, password: bytes) -> bool:
        return (username, password) == (b"Fred", b"")

    arrives(lambda: socks4.read_request(check), REQUESTS[0][0], sends=b"")
    outcome = play(socks4.read_request(check), REQUESTS[1][0])
    assert outcome.sent == bytes.fromhex("005d 0000 00000000")
    with pytest.raises(ProxyRefused, match="the user name was refused"):
        outcome.result()


@pytest.mark.parametrize("cd", list(Cd))
def test_reply(cd: Cd) -> None:
    """A reply is VN 0, the code, and six bytes to ignore."""
    assert play(socks4.send_reply(cd), b"").sent == bytes([0, cd, 0, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("error", "cd"),
    [(0, 90), (errno.ECONNREFUSED, 91), (errno.EACCES, 93), (errno.EHOSTUNREACH, 91), (errno.EIO, 91)],
)
def test_code_for_errno(error: int, cd: int) -> None:
    """The server's table is the inverse of the client's."""
    assert socks4.cd_for_errno(error) == cd
    if error in socks4.CD_ERRNO.values():
        assert socks4.CD_ERRNO[Cd(cd)] == error


@given(st.binary(), st.sampled_from([b"", b"\0", b"\0\x5a", b"\x04", b"\x04\x01\0\x50\0\0\0\1"]))
def test_arbitrary_bytes(data: bytes, start: bytes) -> None:
    """Whatever arrives, only proxywrap's own errors come out."""
    for flow in (socks4.connect(NAME), socks4.read_request(), socks4.read_request(lambda *_: False)):
        error = play(flow, start + data).error
        assert error is None or isinstance(error, ProtocolError | ProxyRefused)
