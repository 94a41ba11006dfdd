"""One handshake for whatever protocol."""

from __future__ import annotations

import errno
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import arrives, play, truncates

from proxywrap.address import Endpoint
from proxywrap.errors import ProtocolError, ProxyRefused, RemoteProtocolError
from proxywrap.protocol.command import Command
from proxywrap.protocol.handshake import (
    client_handshake,
    client_opening,
    client_request,
    send_reply,
    server_handshake,
)
from proxywrap.protocol.request import Request
from proxywrap.scheme import Scheme
from proxywrap.uri import parse_uri

NAME = Endpoint("site.test", 80)
ADDRESS = Endpoint(IPv4Address("192.0.2.7"), 80)

DIALOGUES = [
    ("socks4://Fred@p", NAME, b"\4\1\0\x50\0\0\0\1Fred\0site.test\0", b"", b"\0\x5a" + bytes(6), "socks4a"),
    ("socks4a://p", NAME, b"\4\1\0\x50\0\0\0\1\0site.test\0", b"", b"\0\x5a" + bytes(6), "socks4a"),
    ("socks4a://p", ADDRESS, b"\4\1\0\x50\xc0\0\2\7\0", b"", b"\0\x5a" + bytes(6), "socks4"),
    (
        "socks5://p",
        NAME,
        b"\5\1\0\5\1\0\3\x09site.test\0\x50",
        b"\5\0",
        b"\5\0\0\1\0\0\0\0\0\0",
        "socks5",
    ),
    (
        "socks5h://u:p%40@p",
        ADDRESS,
        b"\5\2\0\2\1\1u\2p@\5\1\0\1\xc0\0\2\7\0\x50",
        b"\5\2\1\0",
        b"\5\0\0\1\0\0\0\0\0\0",
        "socks5",
    ),
    (
        "http://u:p%40@p",
        NAME,
        b"CONNECT site.test:80 HTTP/1.1\r\nHost: site.test:80\r\nProxy-Authorization: Basic dTpwQA==\r\n\r\n",
        b"",
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        "http",
    ),
]


def only_u(username: bytes, password: bytes) -> bool:
    """Know one user, and SOCKS4's Fred and nobody, who need no password."""
    return (username, password) in {(b"u", b"p@"), (b"Fred", b""), (b"", b"")}


def test_one_flight() -> None:
    """As the URL says."""
    outcome = play(client_handshake(parse_uri("socks5://u:p%40@p?pipeline=1"), ADDRESS), b"")
    assert outcome.sent == b"\5\1\2\1\1u\2p@\5\1\0\1\xc0\0\2\7\0\x50"


@pytest.mark.parametrize("pipeline", ["", "?pipeline=1"])
@pytest.mark.parametrize(
    ("uri", "opening", "answer", "asked", "reply"),
    [
        ("socks5://p", b"\5\1\0", b"\5\0", b"\5\1\0\1\xc0\0\2\7\0\x50", b"\5\0\0\1" + bytes(6)),
        (
            "socks5h://u:p%40@p",
            b"\5\2\0\2\1\1u\2p@",
            b"\5\2\1\0",
            b"\5\1\0\1\xc0\0\2\7\0\x50",
            b"\5\0\0\1" + bytes(6),
        ),
        ("socks4a://p", b"", b"", b"\4\1\0\x50\xc0\0\2\7\0", b"\0\x5a" + bytes(6)),
        (
            "http://p",
            b"",
            b"",
            b"CONNECT 192.0.2.7:80 HTTP/1.1\r\nHost: 192.0.2.7:80\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ),
    ],
)
def test_a_handshake_in_two_parts(
    uri: str, opening: bytes, answer: bytes, asked: bytes, reply: bytes, pipeline: str
) -> None:
    """What needs no destination, and what does; with SOCKS5 that is one round trip, in one flight or not."""
    hop = parse_uri(uri + (pipeline if "socks5" in uri else ""))
    arrives(lambda: client_opening(hop), answer, sends=opening)
    arrives(lambda: client_request(hop, ADDRESS), reply, sends=asked)


@pytest.mark.parametrize(("uri", "destination", "asked", "before", "reply", "scheme"), DIALOGUES)
def test_dialogue_in_both_roles(
    uri: str, destination: Endpoint, asked: bytes, before: bytes, reply: bytes, scheme: str
) -> None:
    """Each scheme speaks its protocol, and the server tells it by the first byte."""
    check = only_u if "@" in uri else None
    arrives(lambda: client_handshake(parse_uri(uri), destination), before + reply, sends=asked)
    request = arrives(lambda: server_handshake(check), asked, sends=before)
    assert request is not None
    assert (request.scheme, request.destination) == (Scheme(scheme), destination)
    assert play(send_reply(request), b"").sent == reply
    truncates(lambda: server_handshake(check), asked)


@pytest.mark.parametrize(("uri", "destination", "asked", "before", "reply", "scheme"), DIALOGUES)
@pytest.mark.parametrize(
    "error",
    [errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EACCES, errno.EIO],
)
def test_errno_survives_the_protocol(
    uri: str, destination: Endpoint, asked: bytes, before: bytes, reply: bytes, scheme: str, error: int
) -> None:
    """The client sees the server's errno as far as the protocol can say it."""
    refusal = play(send_reply(Request(Scheme(scheme), Command.CONNECT, destination), error), b"").sent
    outcome = play(client_handshake(parse_uri(uri), destination), before + refusal)
    assert outcome.sent == asked
    assert isinstance(outcome.error, ProxyRefused)
    expected = {"socks4": {errno.EACCES}, "http": {errno.EACCES, errno.EHOSTUNREACH, errno.ETIMEDOUT}}
    sayable = expected.get(scheme.removesuffix("a"), {errno.ENETUNREACH, *expected["http"]})
    sayable = sayable | {errno.ECONNREFUSED}
    if scheme == "http" and error == errno.ENETUNREACH:
        assert outcome.error.errno == errno.EHOSTUNREACH
    else:
        # What cannot be said is a failure of the proxy; SOCKS4 has one word for both.
        otherwise = errno.ECONNREFUSED if scheme.startswith("socks4") else errno.EHOSTUNREACH
        assert outcome.error.errno == (error if error in sayable else otherwise)
    assert reply != refusal


def test_nothing_is_said_to_a_raw_hop() -> None:
    """Every byte is left to who comes next, in both roles."""
    raw = parse_uri("raw://192.0.2.1:22")
    for flow in (
        client_handshake(raw, NAME),
        send_reply(Request(Scheme.RAW, Command.CONNECT, NAME), errno.EACCES),
    ):
        outcome = play(flow, b"SSH-2.0-x")
        assert (outcome.sent, outcome.result()) == (b"", None)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (b"\4\2\0\x50\xc0\0\2\7\0", b"\0\x5b" + bytes(6)),
        (b"\5\1\0\5\2\0\1\xc0\0\2\7\0\x50", b"\5\0\5\7\0\1\0\0\0\0\0\0"),
        (b"\5\1\0\5\3\0\1\xc0\0\2\7\0\x50", b"\5\0\5\7\0\1\0\0\0\0\0\0"),
    ],
)
def test_other_commands_are_refused(asked: bytes, sent: bytes) -> None:
    """The client hears that only CONNECT is there."""
    outcome = play(server_handshake(), asked)
    assert outcome.sent == sent
    with pytest.raises(ProxyRefused, match=r"the command (BIND|UDP_ASSOCIATE) is not supported"):
        outcome.result()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x16\x03\x01", "expected a request of SOCKS4, SOCKS5 or HTTP, got 22: is it a TLS client?"),
        (b"\0", "expected a request of SOCKS4, SOCKS5 or HTTP, got 0"),
        (b"", "expected a request of SOCKS or HTTP, but the connection was closed"),
    ],
)
def test_foreign_client(data: bytes, text: str) -> None:
    """The error says what seems to be calling."""
    with pytest.raises(RemoteProtocolError) as caught:
        play(server_handshake(), data).result()
    assert str(caught.value) == text


@given(st.binary())
def test_arbitrary_bytes(data: bytes) -> None:
    """Whatever arrives, only proxywrap's own errors come out."""
    error = play(server_handshake(only_u), data).error
    assert error is None or isinstance(error, ProtocolError | ProxyRefused)
