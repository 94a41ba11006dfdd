"""Options decide by address and port alone; a configuration prints as it can be read again."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.address import Endpoint
from proxywrap.config import ChainType, Config, Dnat, LocalNet, NamedServerDns, Options, Origin, ProxyEntry
from proxywrap.parser import parse_config
from proxywrap.uri import parse_uri

LOCALNETS = (
    LocalNet(IPv4Network("10.0.0.0/8")),
    LocalNet(IPv4Network("192.0.2.0/24"), 443),
    LocalNet(IPv6Network("fd00::/8"), 22),
)


@pytest.mark.parametrize(
    ("address", "port", "is_local"),
    [
        ("10.1.2.3", 80, True),
        ("::ffff:10.1.2.3", 80, True),
        ("11.0.0.0", 80, False),
        ("192.0.2.7", 443, True),
        ("192.0.2.7", 444, False),
        ("::ffff:192.0.2.7", 443, True),
        ("fd12::1", 22, True),
        ("fd12::1", 23, False),
        ("fe80::1", 22, False),
        ("::a01:203", 80, False),  # an IPv6 address with the same number as 10.1.2.3
    ],
)
def test_localnet_matches_network_and_port(address: str, port: int, is_local: bool) -> None:  # noqa: FBT001 - a column
    """A destination is local by its network and its port; a mapped address is the IPv4 one."""
    assert Options(localnets=LOCALNETS).is_localnet(ip_address(address), port) is is_local


def test_nothing_is_local_by_default() -> None:
    """Without a localnet line every destination goes through the chain."""
    assert not Options().is_localnet(ip_address("127.0.0.1"), 80)


DNATS = (
    Dnat(IPv4Address("192.0.2.1"), None, IPv4Address("10.0.0.1"), None),
    Dnat(IPv4Address("192.0.2.1"), 80, IPv4Address("10.0.0.2"), 8080),
    Dnat(IPv4Address("192.0.2.1"), 80, IPv4Address("10.0.0.3"), 8080),
    Dnat(IPv4Address("192.0.2.2"), None, IPv4Address("10.0.0.4"), 99),
    Dnat(IPv4Address("192.0.2.3"), 443, IPv4Address("10.0.0.5"), None),
)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("192.0.2.1", 80, "10.0.0.2:8080"),  # with a port before without, first of two
        ("192.0.2.1", 81, "10.0.0.1:81"),
        ("::ffff:192.0.2.1", 81, "10.0.0.1:81"),
        ("192.0.2.2", 5, "10.0.0.4:99"),
        ("192.0.2.3", 443, "10.0.0.5:443"),
        ("192.0.2.3", 444, "192.0.2.3:444"),
        ("192.0.2.9", 80, "192.0.2.9:80"),
        ("2001:db8::1", 80, "[2001:db8::1]:80"),
    ],
)
def test_dnat_prefers_the_line_with_a_port(host: str, port: int, expected: str) -> None:
    """Address and port beat address alone, as in proxychains-ng."""
    assert str(Options(dnats=DNATS).dnat(Endpoint(ip_address(host), port))) == expected


def test_dnat_leaves_names_alone() -> None:
    """A name is never replaced: only its address would be in the file."""
    destination = Endpoint("example.org", 80)
    assert Options(dnats=DNATS).dnat(destination) is destination


def test_defaults() -> None:
    """A file that says nothing gets proxychains-ng's times and the design's ranges."""
    options = Options()
    assert options.chain_type is ChainType.STRICT
    assert (options.tcp_read_time_out_ms, options.tcp_connect_time_out_ms) == (4000, 10000)
    assert options.fake_network_v4 == IPv4Network("198.18.0.0/15")
    assert options.fake_network_v6.prefixlen == 64
    assert options.fake_network_v6.subnet_of(IPv6Network("fc00::/7"))
    assert not options.quiet_mode
    assert not options.proxy_loopback
    assert list(options.lines()) == ["strict_chain", "tcp_read_time_out 4000", "tcp_connect_time_out 10000"]


def test_origin_names_source_and_line() -> None:
    """An origin prints as errors do."""
    assert str(Origin("a.conf", 3)) == "a.conf:3"
    assert str(Origin("-x")) == "-x"


def test_values_are_immutable_and_hashable() -> None:
    """A configuration can be shared and compared."""
    entry = ProxyEntry(parse_uri("http://h:1"), Origin("-x"))
    config = Config(Options(), (entry,), "-x")
    assert hash(config) == hash(Config(Options(), (entry,), "-x"))
    assert config.hops == (entry.uri,)
    with pytest.raises(AttributeError):
        config.source = "x"  # type: ignore[misc]


def test_repr_has_no_password() -> None:
    """A configuration that lands in a traceback shows no credentials."""
    config = Config(Options(), (ProxyEntry(parse_uri("socks5://bob:hunter2@h:1"), Origin("-x")),), "-x")
    assert "hunter2" not in repr(config)
    assert "bob" not in repr(config)
    assert list(config.lines())[-1] == ("socks5://***@h:1", Origin("-x"))


ports = st.none() | st.integers(1, 65535)
localnets = st.builds(
    LocalNet,
    st.builds(lambda a, p: IPv4Network((a, p), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32))
    | st.builds(
        lambda a, p: IPv6Network((a, p), strict=False), st.integers(0, 2**128 - 1), st.integers(0, 128)
    ),
    ports,
)
v4 = st.integers(0, 2**32 - 1).map(IPv4Address)
options_values = st.builds(
    Options,
    chain_type=st.sampled_from(ChainType),
    tcp_read_time_out_ms=st.integers(1, 2**31 - 1),
    tcp_connect_time_out_ms=st.integers(1, 2**31 - 1),
    quiet_mode=st.booleans(),
    fake_network_v4=st.just(IPv4Network("198.18.0.0/15"))
    | st.integers(1, 255).filter(lambda n: n != 127).map(lambda n: IPv4Network((n << 24, 8))),
    localnets=st.lists(localnets, max_size=4).map(tuple),
    dnats=st.lists(st.builds(Dnat, v4, ports, v4, ports), max_size=4).map(tuple),
    proxy_loopback=st.booleans(),
    dns_to_named_servers=st.sampled_from(NamedServerDns),
    allow_unwrapped=st.lists(st.sampled_from(["/usr/bin/su*", "*/ping", "a?b"]), max_size=3).map(tuple),
)


@given(options_values)
def test_options_print_as_they_are_read(options: Options) -> None:
    """What `proxywrapctl config` prints means the same when it is read again."""
    text = "\n".join([*options.lines(), "[ProxyList]", "http h 1"])
    assert parse_config(text.encode(), "f").options == options
