"""What proxies are to tell connections apart by."""

from __future__ import annotations

import re
from functools import partial
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import arrives, play

from proxywrap.address import Endpoint, Host
from proxywrap.errors import ProxyRefused
from proxywrap.hopoptions import Isolate
from proxywrap.protocol.greeting import client_greeting
from proxywrap.protocol.handshake import client_handshake, login_for
from proxywrap.protocol.isolation import UNASKED, USERNAME, Isolation
from proxywrap.uri import parse_uri

SECRET = bytes(range(16))
ONE = Isolation(SECRET, b"17 4711", "site.test")
OTHERS = [
    ONE._replace(process=b"17 4712"),
    ONE._replace(process=b"18 4711"),
    ONE._replace(destination="other.test"),
    ONE._replace(secret=bytes(16)),
    UNASKED,
]
SUCCEEDED = bytes.fromhex("050000 01 00000000 0000")


def test_by_process() -> None:
    """Another process, or the same number given to another one, is known by another password."""
    found = [each.credentials(Isolate.PROCESS) for each in (ONE, *OTHERS)]
    assert [found[0] == each for each in found] == [True, False, False, True, False, False]
    assert {username for username, _ in found} == {b"<torS0X>0"}


def test_by_destination() -> None:
    """The process does not matter, nor how an address is spelled."""
    found = [each.credentials(Isolate.DESTINATION) for each in (ONE, *OTHERS)]
    assert [found[0] == each for each in found] == [True, True, True, False, False, False]
    one, other = (
        ONE._replace(destination=host).credentials(Isolate.DESTINATION)
        for host in (IPv4Address("192.0.2.7"), IPv6Address("::ffff:192.0.2.7"))
    )
    assert one == other


@given(st.binary(max_size=32), st.binary(), st.none() | st.text(min_size=1) | st.ip_addresses())
def test_it_tells_nothing(secret: bytes, process: bytes, destination: Host | None) -> None:
    """Whatever it is made of, it is so many hexadecimal digits."""
    for isolate in Isolate:
        username, password = Isolation(secret, process, destination).credentials(isolate)
        assert username == USERNAME
        assert re.fullmatch(rb"[0-9a-f]{32}", password)


def _sent(isolate: Isolate) -> bytes:
    username, password = ONE.credentials(isolate)
    return bytes([1, len(username)]) + username + bytes([len(password)]) + password


@pytest.mark.parametrize("isolate", list(Isolate))
def test_in_a_handshake(isolate: Isolate) -> None:
    """It is the only method that is offered: a proxy could prefer none, and tell nobody apart."""
    destination = Endpoint("site.test", 80)
    request = b"\x05\x01\x00\x03\x09site.test\x00\x50"
    for pipeline, answer in (("", b"\x05\x02\x01\x00"), ("&pipeline=1", b"\x05\x02\x01\x00")):
        uri = parse_uri(f"socks5://h:1?isolate={isolate}{pipeline}")
        sends = b"\x05\x01\x02" + _sent(isolate) + request
        arrives(partial(client_handshake, uri, destination, ONE), answer + SUCCEEDED, sends=sends)
    greeted = play(client_greeting(parse_uri(f"socks5://h:1?isolate={isolate}"), ONE), b"\x05\x02\x01\x00")
    assert greeted.sent == b"\x05\x01\x02" + _sent(isolate)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            b"\x05\xff",
            "the proxy takes no user name and password, by which it would tell us apart: remove isolate=",
        ),
        (
            b"\x05\x02\x01\x01",
            (
                "the user name and password were refused (status 1): "
                "isolate= has made them up: write yours in its place"
            ),
        ),
    ],
)
@pytest.mark.parametrize("pipeline", ["", "&pipeline=1"])
def test_a_proxy_that_does_not_take_it(answer: bytes, reason: str, pipeline: str) -> None:
    """The reason speaks of the option, for the user has given no password."""
    uri = parse_uri(f"socks5://h:1?isolate=process{pipeline}")
    outcome = play(client_handshake(uri, Endpoint("site.test", 80), ONE), answer)
    assert isinstance(outcome.error, ProxyRefused)
    assert outcome.error.reason == reason
    assert outcome.error.is_authentication


def test_no_secret_is_shown() -> None:
    """Neither in a traceback nor in a log."""
    login = login_for(parse_uri("socks5://h:1?isolate=process"), ONE)
    assert repr(ONE) == "Isolation(process=b'17 4711', destination='site.test')"
    assert repr(login) == "Login(is_needed=True)"
