"""SOCKS5, with the bytes that RFC 1928 prescribes."""

from __future__ import annotations

import errno
import re
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

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
    TruncatedError,
)
from proxywrap.protocol import socks5, socks5client, socks5server
from proxywrap.protocol.command import Command
from proxywrap.protocol.request import Request
from proxywrap.protocol.socks5 import Rep
from proxywrap.scheme import Scheme

if TYPE_CHECKING:
    from proxywrap.protocol.effects import Flow

V4 = Endpoint(IPv4Address("192.0.2.7"), 80)
V6 = Endpoint(IPv6Address("2001:db8::7"), 443)
NAME = Endpoint("example.com", 443)

ADDRESSES = [
    (bytes.fromhex("01 c0000207 0050"), V4),
    (bytes.fromhex("04 20010db8000000000000000000000007 01bb"), V6),
    (bytes.fromhex("03 0b") + b"example.com" + bytes.fromhex("01bb"), NAME),
]
SUCCEEDED = bytes.fromhex("050000 01 00000000 0000")
NO_AUTHENTICATION = b"\x05\x00"


def connect(
    destination: Endpoint,
    username: bytes | None = None,
    password: bytes | None = None,
    *,
    in_one_flight: bool = False,
) -> Flow[None]:
    """Ask for a connection."""
    login = socks5client.Login(username, password)
    yield from socks5client.converse(Command.CONNECT, destination, login, in_one_flight=in_one_flight)


def refuse(_username: bytes, _password: bytes) -> bool:
    """Let nobody pass."""
    return False


@pytest.mark.parametrize(("packed", "destination"), ADDRESSES)
def test_request_in_both_roles(packed: bytes, destination: Endpoint) -> None:
    """What the client sends is the RFC's, and the server reads the same from it."""
    data = b"\x05\x01\x00" + b"\x05\x01\x00" + packed
    arrives(lambda: connect(destination), NO_AUTHENTICATION + SUCCEEDED, sends=data)
    request = arrives(socks5server.read_request, data, sends=NO_AUTHENTICATION)
    assert request == Request(Scheme.SOCKS5, Command.CONNECT, destination)
    truncates(socks5server.read_request, data)


@pytest.mark.parametrize(("packed", "bound"), ADDRESSES)
def test_reply_in_both_roles(packed: bytes, bound: Endpoint) -> None:
    """BND.ADDR of every type is read to its end, and written alike."""
    reply = b"\x05\x00\x00" + packed
    assert play(socks5server.send_reply(Rep.SUCCEEDED, bound), b"").sent == reply
    sends = b"\x05\x01\x00" + ADDRESSES[0][0]
    assert arrives(lambda: socks5client.request(Command.CONNECT, V4), reply, sends=sends) == bound
    truncates(lambda: connect(V4), NO_AUTHENTICATION + reply)


def test_reply_with_an_empty_name() -> None:
    """Servers that do not know their address send ATYP 3 and nothing in it."""
    reply = bytes.fromhex("050000 03 00 0000")
    sends = b"\x05\x01\x00" + ADDRESSES[0][0]
    assert arrives(lambda: socks5client.request(Command.CONNECT, V4), reply, sends=sends) == Endpoint("", 0)


def test_username_and_password() -> None:
    """The sub-negotiation stands between method and request, for both roles."""
    client = b"\x05\x02\x00\x02" + b"\x01\x04user\x04pass" + b"\x05\x01\x00" + ADDRESSES[2][0]
    server = b"\x05\x02" + b"\x01\x00"

    def check(*credentials: bytes) -> bool:
        return credentials == (b"user", b"pass")

    def ask() -> Flow[None]:
        return connect(NAME, b"user", b"pass")

    arrives(ask, server + SUCCEEDED, sends=client)
    truncates(ask, server + SUCCEEDED)
    request = arrives(lambda: socks5server.read_request(check), client, sends=server)
    assert request == Request(Scheme.SOCKS5, Command.CONNECT, NAME, b"user")
    truncates(lambda: socks5server.read_request(check), client)


def test_credentials_are_not_sent_unasked() -> None:
    """A server that wants none gets none."""
    sends = b"\x05\x02\x00\x02" + b"\x05\x01\x00" + ADDRESSES[0][0]
    arrives(lambda: connect(V4, b"user", b"pass"), NO_AUTHENTICATION + SUCCEEDED, sends=sends)


def test_username_without_password() -> None:
    """It goes with an empty password."""
    sends = b"\x05\x02\x00\x02" + b"\x01\x01u\x00" + b"\x05\x01\x00" + ADDRESSES[0][0]
    arrives(lambda: connect(V4, b"u"), b"\x05\x02\x01\x00" + SUCCEEDED, sends=sends)


@pytest.mark.parametrize(
    ("credentials", "offered", "answered"),
    [((), b"\x00", b""), ((b"user", b"pass"), b"\x02" + b"\x01\x04user\x04pass", b"\x01\x00")],
)
def test_all_in_one_flight(credentials: tuple[bytes, ...], offered: bytes, answered: bytes) -> None:
    """What is sent in turns otherwise goes out at once, with the one method that fits."""
    sends = b"\x05\x01" + offered + b"\x05\x01\x00" + ADDRESSES[0][0]
    server = b"\x05" + offered[:1] + answered + SUCCEEDED

    def at_once() -> Flow[None]:
        return connect(V4, *credentials, in_one_flight=True)

    effects = play(at_once(), b"")
    assert effects.sent == sends
    arrives(at_once, server, sends=sends)
    truncates(at_once, server)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"\x05\xff", "the proxy takes neither user name and password nor none"),
        (b"\x05\x00", "expected one of the methods [2], got 0"),
        (b"\x05\x02\x01\x01", "the user name and password were refused (status 1)"),
        (b"\x05\x02\x01\x00\x05\x02", "not allowed by the proxy's rules (REP 2)"),
    ],
)
def test_refusals_in_one_flight(answer: bytes, text: str) -> None:
    """Each part of the answer is read in its turn."""
    with pytest.raises((ProxyRefused, RemoteProtocolError), match=re.escape(text)):
        play(connect(V4, b"user", b"pass", in_one_flight=True), answer).result()


@pytest.mark.parametrize(
    ("username", "text"),
    [
        (None, "the proxy wants a user name and password: write socks5://USER:PASSWORD@HOST:PORT"),
        (b"user", "the proxy takes neither user name and password nor none: GSSAPI cannot be carried"),
    ],
)
def test_no_acceptable_method(username: bytes | None, text: str) -> None:
    """The error says what the user can do about it."""
    with pytest.raises(ProxyRefused) as caught:
        play(connect(V4, username), b"\x05\xff").result()
    assert str(caught.value) == text
    assert caught.value.errno == errno.EACCES
    assert not caught.value.is_destination_fault


@pytest.mark.parametrize(
    ("rep", "error", "advice"),
    [
        (1, errno.EHOSTUNREACH, ": its own log says why"),
        (2, errno.EACCES, ": whoever runs it can change them"),
        (3, errno.ENETUNREACH, ""),
        (4, errno.EHOSTUNREACH, ""),
        (5, errno.ECONNREFUSED, ""),
        (6, errno.ETIMEDOUT, ""),
        (7, errno.EHOSTUNREACH, ": its configuration has to allow it"),
        (8, errno.EHOSTUNREACH, ": IPv6, or names?"),
        (9, errno.EHOSTUNREACH, ": its own log may say why"),
        (0xF0, errno.EHOSTUNREACH, ": its own log may say why"),
    ],
)
@pytest.mark.parametrize("rest", ["", "00", "0001 00000000 0000"])
def test_refusal(rep: int, error: int, advice: str, rest: str) -> None:
    """Each code has its errno, and what to do where it is the proxy's own; a server need send no more."""
    reply = bytes([5, rep]) + bytes.fromhex(rest)
    with pytest.raises(ProxyRefused, match=re.escape(f" (REP {rep}){advice}") + "$") as caught:
        play(connect(V4), NO_AUTHENTICATION + reply).result()
    assert caught.value.errno == error
    assert caught.value.is_destination_fault is (not advice)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.0 400", "expected SOCKS version 5, got 72 ('H'): is it an HTTP proxy?"),
        (b"\x00\x5b", "expected SOCKS version 5, got 0: is it a SOCKS4 proxy?"),
        (b"\x15\x03\x01", "expected SOCKS version 5, got 21: is it a TLS server?"),
        (b"SSH-2.0-x", "expected SOCKS version 5, got 83 ('S'): is it an SSH server?"),
        (b"\xff\x00", "expected SOCKS version 5, got 255"),
        (b"\x05\x02", "expected one of the methods [0], got 2"),
        (b"\x05\x01", "expected one of the methods [0], got 1"),
        (b"\x05\x00HT", "expected a SOCKS5 reply of version 5, got 72 ('H'): is it an HTTP proxy?"),
        (b"\x05\x00\x05\x00\x00\x02", "expected an address type 1, 3 or 4 in the SOCKS5 reply, got 2"),
    ],
)
def test_foreign_answer(answer: bytes, text: str) -> None:
    """The error says what seems to be listening there."""
    with pytest.raises(RemoteProtocolError) as caught:
        play(connect(V4), answer).result()
    assert str(caught.value) == text
    assert caught.value.errno == errno.ECONNREFUSED


def test_closed_instead_of_an_answer() -> None:
    """The error says what was waited for."""
    with pytest.raises(
        ProtocolError, match="expected the answer of a SOCKS5 proxy to the methods offered, but"
    ):
        play(connect(V4), b"").result()


@pytest.mark.parametrize("name", ["", "a" * 256, "a\0b"])
def test_name_that_cannot_be_carried(name: str) -> None:
    """It fails before a byte is sent, as a host that cannot be."""
    outcome = play(connect(Endpoint(name, 1)), b"")
    assert isinstance(outcome.error, LocalProtocolError)
    assert outcome.error.errno == errno.EHOSTUNREACH
    assert outcome.sent == b""


def test_longest_name() -> None:
    """255 bytes fill the octet of its length."""
    packed = socks5.pack_address(Endpoint("a" * 255, 1))
    assert packed == b"\x03\xff" + b"a" * 255 + b"\x00\x01"


def test_mapped_address_is_sent_as_ipv4() -> None:
    """A dual-stack socket names IPv4 destinations so."""
    assert socks5.pack_address(Endpoint(IPv6Address("::ffff:192.0.2.7"), 80)) == ADDRESSES[0][0]


@pytest.mark.parametrize("cmd", list(Command))
def test_commands_are_parsed(cmd: Command) -> None:
    """What to do about BIND and UDP ASSOCIATE is the server's affair."""
    data = b"\x05\x01\x00" + bytes([5, cmd, 0]) + ADDRESSES[0][0]
    request = arrives(socks5server.read_request, data, sends=NO_AUTHENTICATION)
    assert request == Request(Scheme.SOCKS5, cmd, V4)


@pytest.mark.parametrize(
    ("check", "methods", "method"),
    [
        (None, b"\x00", 0),
        (None, b"\x02\x00", 0),
        (None, b"\x01\x02", 2),
        (refuse, b"\x00\x02", 2),
        (refuse, b"\x00", 0xFF),
        (refuse, b"", 0xFF),
        (None, b"\x01", 0xFF),
    ],
)
def test_method_chosen(check: object, methods: bytes, method: int) -> None:
    """No authentication is preferred where anybody may pass, and not acceptable where not."""
    known = refuse if check else None
    outcome = play(socks5server.negotiate_method(known), bytes([5, len(methods)]) + methods)
    assert outcome.sent == bytes([5, method])
    if method == socks5.Method.NO_ACCEPTABLE:
        assert isinstance(outcome.error, ProxyRefused)


@pytest.mark.parametrize(
    ("data", "sent", "text"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", "", r"expected SOCKS version 5, got 71 \('G'\): is it an HTTP client\?"),
        (b"\x05\x01\x00\x04\x01\0\0", "0500", "a SOCKS5 request of version 5, got 4: is it a SOCKS4 client"),
        (
            bytes.fromhex("050100 05010002 00"),
            "0500 050800 01000000000000",
            "address type 1, 3 or 4 in .*got 2",
        ),
        (bytes.fromhex("050100 050900 01 c0000207 0050"), "0500 050700 01000000000000", "from 1 to 3, got 9"),
        (bytes.fromhex("050100 050100 03 00 0050"), "0500", "found an empty one"),
        (bytes.fromhex("050100 050100 03 02 2e2e 0050"), "0500", "found an empty label"),
    ],
)
def test_malformed_request(data: bytes, sent: str, text: str) -> None:
    """A malformed request is an error, and where SOCKS5 has an answer the client gets it."""
    outcome = play(socks5server.read_request(), data)
    assert outcome.sent == bytes.fromhex(sent)
    with pytest.raises(RemoteProtocolError, match=text):
        outcome.result()


@pytest.mark.parametrize(
    ("error", "rep"),
    [
        (0, 0),
        (errno.EACCES, 2),
        (errno.ENETUNREACH, 3),
        (errno.EHOSTUNREACH, 4),
        (errno.ECONNREFUSED, 5),
        (errno.ETIMEDOUT, 6),
        (errno.EIO, 1),
    ],
)
def test_code_for_errno(error: int, rep: int) -> None:
    """The server's table is the inverse of the client's."""
    assert socks5.rep_for_errno(error) == rep
    if error in socks5.REP_ERRNO.values():
        assert socks5.REP_ERRNO[Rep(rep)] == error


@given(st.binary(), st.sampled_from([b"", b"\x05\x00", b"\x05\x00\x05\x00\x00", b"\x05\x01\x00\x05\x01\x00"]))
def test_arbitrary_bytes(data: bytes, start: bytes) -> None:
    """Whatever arrives, only proxywrap's own errors come out."""
    for flow in (
        connect(NAME, b"u", b"p"),
        socks5server.read_request(),
        socks5server.read_request(refuse),
    ):
        error = play(flow, start + data).error
        assert error is None or isinstance(error, ProtocolError | ProxyRefused)


def test_who_has_let_us_in_says_no_by_closing() -> None:
    """Ssh -D has no other no, so it is the destination's answer; before that and in an answer it is none."""
    error = play(connect(V4), b"\x05\x00").error
    assert isinstance(error, ProxyRefused)
    assert (error.errno, error.is_destination_fault) == (errno.ECONNREFUSED, True)
    assert isinstance(play(connect(V4), b"\x05").error, TruncatedError)
    assert isinstance(play(connect(V4), b"\x05\x00\x05").error, TruncatedError)
