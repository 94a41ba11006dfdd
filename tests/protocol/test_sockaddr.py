"""Socket addresses as the kernel lays them out."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.protocol.sockaddr import (
    MAX_SOCKADDR_BYTES,
    Place,
    family_of,
    pack_sockaddr,
    parse_sockaddr,
    unix_path,
)

PORTS = st.integers(0, 65535)
PLACES = st.one_of(
    st.builds(Place, st.ip_addresses(v=4), PORTS, st.just(0)),
    st.builds(Place, st.ip_addresses(v=6), PORTS, st.integers(0, 2**32 - 1)),
)

CASES = [
    (Place(IPv4Address("192.0.2.7"), 80), bytes.fromhex("0200 0050 c0000207 0000000000000000")),
    (
        Place(IPv6Address("2001:db8::7"), 443, 3),
        bytes.fromhex("0a00 01bb 00000000 20010db8000000000000000000000007 03000000"),
    ),
]


@pytest.mark.parametrize(("place", "data"), CASES)
def test_both_directions(place: Place, data: bytes) -> None:
    """As sockaddr_in and sockaddr_in6 are, and whatever follows."""
    assert pack_sockaddr(place) == data
    assert parse_sockaddr(data) == parse_sockaddr(data.ljust(MAX_SOCKADDR_BYTES, b"x")) == place
    assert family_of(data) == (socket.AF_INET if place.address.version == 4 else socket.AF_INET6)


@given(PLACES)
def test_round_trip(place: Place) -> None:
    """What was packed is found again; nothing that is cut short is."""
    data = pack_sockaddr(place)
    assert parse_sockaddr(data) == place
    needed = 16 if place.address.version == 4 else 24
    for size in range(needed):
        assert parse_sockaddr(data[:size]) is None
    assert parse_sockaddr(data[:24]) == place._replace(scope_id=0)


@given(st.binary(max_size=MAX_SOCKADDR_BYTES))
def test_anything(data: bytes) -> None:
    """Nothing is raised, and only inet addresses are places."""
    place = parse_sockaddr(data)
    assert place is None or family_of(data) in {socket.AF_INET, socket.AF_INET6}
    if len(data) < 2:
        assert family_of(data) == socket.AF_UNSPEC


@pytest.mark.parametrize("path", ["", "\0abstract\0name", "/run/nscd/socket"])
def test_unix_paths(path: str) -> None:
    """A path ends at its NUL, an abstract name has any."""
    data = socket.AF_UNIX.to_bytes(2, "little") + path.encode()
    assert unix_path(data) == path.encode()
    if path.startswith("/"):
        assert unix_path(data + b"\0rubbish") == path.encode()
