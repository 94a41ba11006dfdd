"""Tor's look-ups, with the bytes that a Tor 0.4.9 sends."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import arrives, play, truncates

from proxywrap.address import Endpoint, Host, normalise_name
from proxywrap.errors import LocalProtocolError, ProxyRefused, ProxywrapError, RemoteProtocolError
from proxywrap.protocol.command import TOR_COMMANDS
from proxywrap.protocol.handshake import send_reply, server_handshake
from proxywrap.protocol.socks5client import Login
from proxywrap.protocol.torlookup import look_up

if TYPE_CHECKING:
    from proxywrap.protocol.effects import Flow
    from proxywrap.protocol.torlookup import Answer

V4, V6 = ip_address("8.8.4.4"), ip_address("2a00::7")
ROWS: list[tuple[Host, str, Host, str]] = [
    ("site.test", "05f000 03 09 736974652e74657374 0000", V4, "050000 01 08080404 0000"),
    ("site.test", "05f000 03 09 736974652e74657374 0000", V6, "050000 04 2a00" + "00" * 13 + "07 0000"),
    (V4, "05f100 01 08080404 0000", "site.test", "050000 03 09 736974652e74657374 0000"),
    (V6, "05f100 04 2a00" + "00" * 13 + "07 0000", "a_b-c.x", "050000 03 07 615f622d632e78 0000"),
]
LOGIN = Login(b"u", b"p", is_needed=True)
NOBODY_KNOWS = bytes.fromhex("05040000000000000000")
"""All of it, ATYP 0 included."""


@pytest.mark.parametrize(("question", "asked", "answer", "answered"), ROWS)
def test_a_question_in_both_roles(question: Host, asked: str, answer: Host, answered: str) -> None:
    """The name has port 0, as its answer has."""
    sends, reply = b"\x05\x01\x00" + bytes.fromhex(asked), b"\x05\x00" + bytes.fromhex(answered)
    assert arrives(lambda: look_up(question, Login()), reply, sends=sends) == answer
    truncates(lambda: look_up(question, Login()), reply)
    request = arrives(lambda: server_handshake(commands=TOR_COMMANDS), sends, sends=b"\x05\x00")
    assert request is not None
    assert request.destination == Endpoint(question, 0)
    assert play(send_reply(request, bound=Endpoint(answer, 0)), b"").sent == reply[2:]


@pytest.mark.parametrize("answered", [b"\x05\x02\x01\x00", b"\x01\x00"], ids=["as RFC 1928 has it", "Tor"])
def test_in_one_flight(answered: bytes) -> None:
    """Tor answers the password alone, where it has come together with the methods."""
    question, asked, answer, reply = ROWS[0]

    def ask() -> Flow[Answer]:
        return look_up(question, LOGIN, in_one_flight=True)

    sends = b"\x05\x01\x02\x01\x01u\x01p" + bytes.fromhex(asked)
    assert play(ask(), b"").sent == sends
    assert arrives(ask, answered + bytes.fromhex(reply), sends=sends) == answer
    truncates(ask, answered + bytes.fromhex(reply))


def test_nobody_knows() -> None:
    """Tor has one code for whatever has no answer."""
    for question in ("site.test", V4, V6):
        assert play(look_up(question, Login()), b"\x05\x00" + NOBODY_KNOWS).result() is None


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (b"\x05\x07", ProxyRefused, "the proxy knows no RESOLVE (REP 7): is it Tor? If not, remove tor=1"),
        (b"\x05\x01", ProxyRefused, "general failure of the proxy (REP 1)"),
        (b"\x05\x05", ProxyRefused, "connection refused by the destination (REP 5)"),
        (b"\x05\xf6", ProxyRefused, "unassigned reply (REP 246)"),
        (
            bytes.fromhex("050000 03 01 61 0000"),
            RemoteProtocolError,
            "expected an address in the answer to RESOLVE, got another type of address",
        ),
    ],
)
def test_other_answers(reply: bytes, error: type[ProxywrapError], text: str) -> None:
    """They are errors, not answers."""
    outcome = play(look_up("site.test", Login()), b"\x05\x00" + reply)
    assert isinstance(outcome.error, error)
    assert str(outcome.error).startswith(text)


@pytest.mark.parametrize(
    "name", [b"", b".", b"a..b", b"-x", b"a b", b"\x1b[2Jx", b"b\xfccher.test", b"x" * 64]
)
def test_names_that_no_host_has(name: bytes) -> None:
    """Whoever has the address says what it is called: nothing odd goes on to programs."""
    reply = b"\x05\x00\x05\x00\x00\x03" + bytes([len(name)]) + name + bytes(2)
    assert play(look_up(V4, Login()), reply).result() is None


def test_a_name_is_normal() -> None:
    """As names are everywhere."""
    reply = b"\x05\x00\x05\x00\x00\x03\x0aSite.Test." + bytes(2)
    assert play(look_up(V4, Login()), reply).result() == "site.test"


def test_a_name_that_cannot_be_carried() -> None:
    """Nothing is sent."""
    outcome = play(look_up("x" * 256, Login()), b"")
    assert isinstance(outcome.error, LocalProtocolError)
    assert outcome.sent == b""


@given(st.binary(), st.sampled_from([b"", b"\x05\x00", b"\x05\x00\x05\x00\x00", b"\x05\x00\x05\x00\x00\x03"]))
def test_arbitrary_bytes(data: bytes, start: bytes) -> None:
    """Whatever arrives, only proxywrap's own errors come out, and names that are ones."""
    for question in ("site.test", V4):
        for in_one_flight in (False, True):
            outcome = play(look_up(question, Login(), in_one_flight=in_one_flight), start + data)
            assert outcome.error is None or isinstance(outcome.error, ProxywrapError)
            if isinstance(outcome.value, str):
                assert normalise_name(outcome.value) == outcome.value
