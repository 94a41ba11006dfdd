"""Hosts, names and ports, as a person writes them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.address import (
    MAX_LABEL_BYTES,
    MAX_NAME_BYTES,
    Endpoint,
    normalise_name,
    parse_host,
    parse_port,
    unmapped,
)


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("localhost", "localhost"),
        ("_sip._tcp.example", "_sip._tcp.example"),
        ("a" * MAX_LABEL_BYTES, "a" * MAX_LABEL_BYTES),
        (
            ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61]),
            ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61]),
        ),
        ("Bücher.example", "bücher.example"),
    ],
)
def test_name_is_folded(name: str, normal: str) -> None:
    """Case and the root's dot make no other name; the limits themselves are allowed."""
    assert normalise_name(name) == normal


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "expected a host name, found an empty one"),
        (".", "expected a host name, found an empty one"),
        ("a..b", "expected a host name, found an empty label in 'a..b'"),
        (".a", "expected a host name, found an empty label in '.a'"),
        ("a b", "expected a host name, found a character that none has in 'a b'"),
        ("a\0b", "expected a host name, found a character that none has in 'a\\x00b'"),
        ("a\x7f", "expected a host name, found a character that none has in 'a\\x7f'"),
        ("a\r\nb", "expected a host name, found a character that none has in 'a\\r\\nb'"),
        ("a" * 64, f"expected labels of at most 63 bytes, found 64 in '{'a' * 64}'"),
        ("é" * 32, f"expected labels of at most 63 bytes, found 64 in '{'é' * 32}'"),
        ("a." * 127, f"expected a host name of at most {MAX_NAME_BYTES} bytes, found 253"),
        ("a" * 256, f"expected a host name of at most {MAX_NAME_BYTES} bytes, found 256"),
    ],
)
def test_impossible_name(name: str, message: str) -> None:
    """What no resolver could be asked is refused with the rule it breaks."""
    if name == "a." * 127:
        assert len(normalise_name(name)) == MAX_NAME_BYTES
        return
    with pytest.raises(ValueError) as caught:
        normalise_name(name)
    assert str(caught.value) == message


@given(st.text(max_size=80))
def test_normal_name_stays_as_it_is(text: str) -> None:
    """Normalising twice changes nothing more."""
    try:
        normal = normalise_name(text)
    except ValueError:
        return
    if not normal.endswith("."):
        assert normalise_name(normal) == normal


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("127.0.0.1", IPv4Address("127.0.0.1")),
        ("::1", IPv6Address("::1")),
        ("[2001:DB8::1]", IPv6Address("2001:db8::1")),
        ("::ffff:192.0.2.1", IPv6Address("::ffff:192.0.2.1")),
        ("Example.Org", "example.org"),
    ],
)
def test_host_forms(text: str, host: object) -> None:
    """An address of either version, in brackets or not, or a name."""
    assert parse_host(text) == host


@pytest.mark.parametrize("text", ["", "::g", "[example.org]", "[::1", "a b", "1:2"])
def test_impossible_host(text: str) -> None:
    """What is neither an address nor a name is refused."""
    with pytest.raises(ValueError, match=r"^expected "):
        parse_host(text)


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("443", 443), ("65535", 65535), ("0080", 80)])
def test_port(text: str, port: int) -> None:
    """Decimal numbers from 1 to 65535."""
    assert parse_port(text) == port


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "84586", "-1", "+1", "1.0", " 1", "1 ", "x", "٣", "²", "9" * 5000]
)
def test_impossible_port(text: str) -> None:
    """No sign, no blank, no other digits, no number out of range, however long."""
    with pytest.raises(ValueError, match=r"^expected a port from 1 to 65535, found "):
        parse_port(text)


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        (Endpoint(IPv4Address("192.0.2.1"), 80), "192.0.2.1:80"),
        (Endpoint(IPv6Address("2001:db8::1"), 443), "[2001:db8::1]:443"),
        (Endpoint("example.org", 22), "example.org:22"),
    ],
)
def test_endpoint_text(endpoint: Endpoint, text: str) -> None:
    """HOST:PORT, with brackets where the host has colons."""
    assert str(endpoint) == text


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("::192.0.2.1", "::192.0.2.1"),
        ("64:ff9b::192.0.2.1", "64:ff9b::192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_unmapped(address: str, plain: str) -> None:
    """Only ::ffff:0:0/96 is IPv4 in another dress."""
    assert unmapped(ip_address(address)) == ip_address(plain)
    assert unmapped("::ffff") == "::ffff"
