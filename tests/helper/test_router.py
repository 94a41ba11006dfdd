"""Names to fake addresses and back, destinations to routes."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest

from proxywrap.address import Endpoint
from proxywrap.chains import Chain
from proxywrap.config import ChainType, Config, Dnat, LocalNet, Options, Origin, ProxyEntry
from proxywrap.helper.router import Route, Router, Unroutable
from proxywrap.hosts import parse_hosts
from proxywrap.names import PoolFull
from proxywrap.parser import parse_config
from proxywrap.uri import parse_uri

HOPS = (parse_uri("socks5://192.0.2.1:1080"), parse_uri("http://proxy.test:3128"))
HOSTS = """\
127.0.0.1 localhost
10.1.2.3 box.lan box
fd00::3 box.lan
fd00::6 six.lan
"""
CHAIN = Chain("ProxyList", ChainType.STRICT, 1, HOPS)
FAKE_V4, FAKE_V6 = IPv4Network("198.18.0.0/15"), IPv6Network("fd70:726f:7879:7772::/64")


def router(options: Options | None = None, hosts: str = HOSTS) -> Router:
    """Return a router of a host called me.lan."""
    entries = tuple(ProxyEntry(uri, Origin("test")) for uri in HOPS)
    config = Config(options or Options(), entries, "test")
    return Router(config, parse_hosts(hosts), frozenset({"me.lan", "me"}))


def resolve(of: Router, name: str, family: int = socket.AF_UNSPEC) -> list[str]:
    """Return the addresses of `name` as text."""
    return [str(each) for each in of.resolve(name, family)[0]]


# ---
# Routes


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "10.0.0.1", "fe80::1"])
def test_an_address_goes_through_all_hops(address: str) -> None:
    """Private ones too, where no line says otherwise."""
    assert router().route(ip_address(address), 80) == Route(Endpoint(ip_address(address), 80), CHAIN)


def test_a_mapped_address_is_asked_for_as_ipv4() -> None:
    """A proxy is given 192.0.2.7, not ::ffff:192.0.2.7."""
    way = router().route(ip_address("::ffff:192.0.2.7"), 80)
    assert way == Route(Endpoint(ip_address("192.0.2.7"), 80), CHAIN)


@pytest.mark.parametrize("family", [socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6])
def test_a_fake_address_leads_to_its_name(family: int) -> None:
    """The name goes to the proxy, as it was first spelled but for case and dot."""
    of = router()
    ((address,), is_fake) = of.resolve("Www.Example.ORG.", family)
    assert is_fake
    assert address in (FAKE_V6 if family == socket.AF_INET6 else FAKE_V4)
    assert of.route(address, 443) == Route(Endpoint("www.example.org", 443), CHAIN)


def test_a_fake_address_in_ipv6_dress() -> None:
    """Programs with one kind of socket map what they were given."""
    of = router()
    ((address,), _) = of.resolve("example.org", socket.AF_INET)
    mapped = IPv6Address(f"::ffff:{address}")
    assert of.route(mapped, 80) == Route(Endpoint("example.org", 80), CHAIN)
    assert of.reverse(mapped) == "example.org"


@pytest.mark.parametrize("address", ["198.18.0.1", "::ffff:198.19.255.254", "fd70:726f:7879:7772::1"])
def test_a_fake_address_of_no_name_is_never_dialled(address: str) -> None:
    """EHOSTUNREACH, not even where a line calls the range local."""
    localnets = (LocalNet(IPv4Network("0.0.0.0/0")), LocalNet(IPv6Network("::/0")))
    with pytest.raises(Unroutable, match="stands for no name") as caught:
        router(Options(localnets=localnets)).route(ip_address(address), 80)
    assert caught.value.errno == errno.EHOSTUNREACH


LOOPBACK = pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "::ffff:0.0.0.0"]
)


@LOOPBACK
def test_loopback_is_direct(address: str) -> None:
    """In all its spellings, and as it was spelled."""
    assert router().route(ip_address(address), 80) == Route(Endpoint(ip_address(address), 80), None)


NO_NET, LOCAL_LOOPBACK = Options(), Options(localnets=(LocalNet(IPv4Network("127.0.0.0/8")),))


@LOOPBACK
@pytest.mark.parametrize("options", [NO_NET, LOCAL_LOOPBACK], ids=["plain", "localnet"])
def test_a_local_name_server(address: str, options: Options) -> None:
    """The helper answers in its place; `localnet` does not change that. Over TLS it is refused."""
    asked = Endpoint(ip_address(address), 53)
    assert router(options).route(ip_address(address), 53) == Route(asked, None, is_dns=True)
    with pytest.raises(Unroutable) as caught:
        router(options).route(ip_address(address), 853)
    assert caught.value.errno == errno.ECONNREFUSED


@LOOPBACK
@pytest.mark.parametrize("port", [53, 80])
def test_proxy_loopback(address: str, port: int) -> None:
    """The last proxy's own loopback, its name server included."""
    way = router(Options(proxy_loopback=True)).route(ip_address(address), port)
    assert way.hops == HOPS


def test_a_name_server_elsewhere() -> None:
    """TCP to it goes through the chain like any TCP."""
    assert router().route(ip_address("192.0.2.53"), 53).hops == HOPS


def test_localnet() -> None:
    """Directly, by network and by port, mapped or not."""
    of = router(
        Options(localnets=(LocalNet(IPv4Network("10.0.0.0/8"), 80), LocalNet(IPv6Network("fd00::/8"))))
    )
    for address, port, is_direct in (
        ("10.1.2.3", 80, True),
        ("::ffff:10.1.2.3", 80, True),
        ("10.1.2.3", 81, False),
        ("11.1.2.3", 80, False),
        ("fd00::1", 1, True),
        ("fe00::1", 1, False),
    ):
        way = of.route(ip_address(address), port)
        assert (way.hops == ()) is is_direct, (address, port)


def test_localnet_without_an_exception_for_proxied_loopback() -> None:
    """A line wins over `proxy_loopback`."""
    options = Options(proxy_loopback=True, localnets=(LocalNet(IPv4Network("127.0.0.0/8")),))
    assert router(options).route(ip_address("127.0.0.1"), 80).hops == ()


def test_dnat() -> None:
    """The new destination is the one that is judged and asked for."""
    rules = (
        Dnat(IPv4Address("192.0.2.1"), 80, IPv4Address("127.0.0.1"), 8080),
        Dnat(IPv4Address("192.0.2.2"), None, IPv4Address("192.0.2.3"), None),
        Dnat(IPv4Address("192.0.2.4"), None, IPv4Address("127.0.0.53"), 53),
    )
    of = router(Options(dnats=rules))
    assert of.route(ip_address("192.0.2.1"), 80) == Route(Endpoint(ip_address("127.0.0.1"), 8080), None)
    assert of.route(ip_address("192.0.2.1"), 81) == Route(Endpoint(ip_address("192.0.2.1"), 81), CHAIN)
    assert of.route(ip_address("192.0.2.2"), 5) == Route(Endpoint(ip_address("192.0.2.3"), 5), CHAIN)
    assert of.route(ip_address("192.0.2.4"), 80).is_dns


# ---
# Rules and chains

OFFICE = (parse_uri("http://10.0.0.2:3128"),)

RULES = """\
[ProxyList]
socks5 192.0.2.1 1080
[chain office]
http 10.0.0.2 3128
[rules]
resolve local *.lan
block *:25 192.0.2.99
block 127.0.0.0/8:2525
direct *.here.example 203.0.113.0/24 app=ping
chain office *.internal.example app=office
chain ProxyList 127.0.0.7
"""


def ruled(text: str = RULES) -> Router:
    """Return the router of a file."""
    return Router(parse_config(text.encode(), "t.conf"), parse_hosts(HOSTS), frozenset())


def named(of: Router, name: str, port: int = 80, *programs: str) -> Route:
    """Return the route to a name."""
    ((address, *_), _) = of.resolve(name, socket.AF_INET)
    return of.route(address, port, lambda: programs)


def test_rules_about_names() -> None:
    """They are about the name that an address stands for."""
    of = ruled()
    assert named(of, "www.example").hops == (parse_uri("socks5://192.0.2.1:1080"),)
    assert named(of, "a.internal.example", 80, "office").hops == OFFICE
    assert named(of, "a.internal.example").hops != OFFICE
    direct = named(of, "a.here.example", 80, "ping")
    assert (direct.chain, direct.resolves_here) == (None, True)
    with pytest.raises(Unroutable, match=r"blocked by the rule of t\.conf:7") as caught:
        named(of, "www.example", 25)
    assert caught.value.errno == errno.EACCES


@pytest.mark.parametrize("dress", ["{}", "::ffff:{}"])
def test_rules_about_addresses(dress: str) -> None:
    """A mapped address is the IPv4 one."""
    of = ruled()
    assert of.route(ip_address(dress.format("203.0.113.5")), 80, lambda: ("ping",)).is_direct
    assert not of.route(ip_address(dress.format("203.0.113.5")), 80, lambda: ("curl",)).is_direct
    with pytest.raises(Unroutable, match="blocked"):
        of.route(ip_address(dress.format("192.0.2.99")), 80)


def test_rules_about_loopback() -> None:
    """Only those that name it: a rule for every host does not send this one's through a proxy."""
    of = ruled()
    assert of.route(ip_address("127.0.0.1"), 25).is_direct
    with pytest.raises(Unroutable, match="blocked"):
        of.route(ip_address("127.0.0.1"), 2525)
    assert of.route(ip_address("127.0.0.7"), 80).hops == (parse_uri("socks5://192.0.2.1:1080"),)


def test_names_that_are_resolved_here() -> None:
    """They go through the chain all the same, by their address."""
    route = named(ruled(), "printer.lan")
    assert route.resolves_here
    assert route.hops


def test_another_default() -> None:
    """What -c names; `ProxyList` is a name as well."""
    config = parse_config(RULES.encode(), "t.conf").with_chain("office")
    of = Router(config, parse_hosts(HOSTS), frozenset())
    assert named(of, "www.example").hops == OFFICE
    with pytest.raises(ValueError, match="expected one of the chains ProxyList, office, found 'home'"):
        config.with_chain("home")


# ---
# Names


@pytest.mark.parametrize(
    ("name", "family", "expected"),
    [
        ("box", socket.AF_UNSPEC, ["10.1.2.3"]),
        ("BOX.lan.", socket.AF_UNSPEC, ["10.1.2.3", "fd00::3"]),
        ("box.lan", socket.AF_INET, ["10.1.2.3"]),
        ("box.lan", socket.AF_INET6, ["fd00::3"]),
        ("six.lan", socket.AF_INET, []),
        ("localhost", socket.AF_UNSPEC, ["127.0.0.1"]),
        ("localhost", socket.AF_INET6, []),
    ],
)
def test_names_of_the_hosts_file(name: str, family: int, expected: list[str]) -> None:
    """They stay local, whatever is asked for; what the file does not have they do not have."""
    of = router()
    assert resolve(of, name, family) == expected
    assert not of.resolve(name, family)[1]


@pytest.mark.parametrize(
    "name", ["localhost", "LOCALHOST.", "localhost.localdomain", "ip6-localhost", "a.localhost"]
)
def test_localhost_without_a_hosts_file(name: str) -> None:
    """It is loopback for ever (RFC 6761, section 6.3)."""
    of = router(hosts="")
    assert resolve(of, name) == ["127.0.0.1", "::1"]
    assert resolve(of, name, socket.AF_INET) == ["127.0.0.1"]
    assert resolve(of, name, socket.AF_INET6) == ["::1"]


@pytest.mark.parametrize("name", ["me", "me.lan", "Me.LAN."])
def test_the_own_name(name: str) -> None:
    """Loopback where the hosts file does not know it, the file's address where it does."""
    assert resolve(router(), name, socket.AF_INET) == ["127.0.0.1"]
    assert resolve(router(hosts=f"10.9.9.9 {name}\n"), name) == ["10.9.9.9"]


@pytest.mark.parametrize("name", ["notlocalhost", "localhost.example", "me.lan.example", "boxer"])
def test_names_that_only_look_local(name: str) -> None:
    """They are the proxy's."""
    assert router().resolve(name, socket.AF_INET)[1]


def test_one_address_for_a_name() -> None:
    """Never of both versions; the same for every spelling, in every run."""
    (first,), _ = router().resolve("example.org", socket.AF_UNSPEC)
    (again,), _ = router().resolve("EXAMPLE.org.", socket.AF_INET)
    assert first == again
    assert first.version == 4


def test_an_unknown_family() -> None:
    """It is answered as none in particular."""
    assert resolve(router(), "box.lan", 77) == ["10.1.2.3", "fd00::3"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..b",
        "a b",
        "a\tb",
        "a\0b",
        "x" * 64,
        f"{'x' * 64}.org",
        ".".join(["x" * 63] * 4),
        "x." * 128,
    ],
)
def test_what_is_no_name(name: str) -> None:
    """A label of 64 bytes, a name of 256, blanks: an error that names what is wrong."""
    with pytest.raises(ValueError, match="expected"):
        router().resolve(name, socket.AF_INET)


def test_the_longest_names() -> None:
    """A label of 63 bytes and a name of 253 are names."""
    of = router()
    for name in ("x" * 63, ".".join(["x" * 63, "y" * 63, "z" * 63, "w" * 61])):
        ((address,), _) = of.resolve(name, socket.AF_INET)
        assert of.reverse(address) == name


def test_a_full_pool() -> None:
    """New names get none; old ones keep theirs."""
    of = router(Options(fake_network_v4=IPv4Network("198.18.0.0/30")))
    addresses = [resolve(of, name) for name in ("a.org", "b.org")]
    with pytest.raises(PoolFull) as caught:
        of.resolve("c.org", socket.AF_INET)
    assert caught.value.errno == errno.EAGAIN
    assert [resolve(of, name) for name in ("a.org", "b.org")] == addresses


def test_reverse() -> None:
    """The name of a fake address, of one in the hosts file, of no other."""
    of = router()
    ((address,), _) = of.resolve("example.org", socket.AF_INET6)
    assert of.reverse(address) == "example.org"
    assert of.reverse(ip_address("10.1.2.3")) == "box.lan"
    assert of.reverse(ip_address("::ffff:10.1.2.3")) == "box.lan"
    assert of.reverse(ip_address("198.18.0.1")) is None
    assert of.reverse(ip_address("192.0.2.1")) is None


def test_what_is_remote() -> None:
    """Neither localhost, nor our own name, nor one of /etc/hosts; no question makes an address."""
    of = router()
    assert of.is_remote("site.test")
    assert not of.has_fake_v4("site.test")
    for name in ("localhost", "x.localhost.", "LOCALHOST"):
        assert not of.is_remote(name)
    of.resolve("Site.Test.", socket.AF_INET)
    assert of.has_fake_v4("site.test")
    for impossible in ("", "1.2.3", "a b"):
        with pytest.raises(ValueError, match="expected a host name"):
            of.is_remote(impossible)


# ---
# Programs


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        ((), "/usr/bin/ping", False),
        (("/usr/bin/ping",), "/usr/bin/ping", True),
        (("ping",), "/usr/bin/ping", True),
        (("p?ng", "x"), "/usr/bin/ping", True),
        (("/usr/*",), "/usr/bin/ping", True),
        (("ping",), "/usr/bin/Ping", False),
        (("bin",), "/usr/bin/ping", False),
    ],
)
def test_may_run_unwrapped(patterns: tuple[str, ...], path: str, expected: bool) -> None:  # noqa: FBT001
    """By the whole path or its last part."""
    assert router(Options(allow_unwrapped=patterns)).may_run_unwrapped(path) is expected


def test_another_configuration_keeps_the_names() -> None:
    """Addresses that programs hold stand for the same names; everything else is the new one's."""
    of = router(Options(localnets=(LocalNet(IPv4Network("192.0.2.0/24")),)))
    ((fake,), _) = of.resolve("www.example.org", socket.AF_INET)
    new = b"proxy_loopback\n[ProxyList]\nhttp h 1\n[chain b]\nhttp i 2\n[rules]\nchain b *.example.org\n"
    of.adopt(parse_config(new, "new.conf"))
    assert of.file == "new.conf"
    way = of.route(fake, 80)
    assert way.destination == Endpoint("www.example.org", 80)
    assert [str(hop) for hop in way.hops] == ["http://i:2"]
    assert [str(hop) for hop in of.route(ip_address("192.0.2.7"), 80).hops] == ["http://h:1"]
    assert not of.route(ip_address("127.0.0.1"), 80).is_direct


def test_a_configuration_that_does_not_fit_changes_nothing() -> None:
    """Not a half of it either."""
    of = router()
    config = parse_config(b"proxy_loopback\n[ProxyList]\nhttp h 1\n", "new.conf")
    with pytest.raises(KeyError):
        of.adopt(replace(config, chain="none"))
    assert of.route(ip_address("127.0.0.1"), 80).is_direct
    assert of.route(ip_address("192.0.2.7"), 80).chain == CHAIN


# ---
# What the last proxy is asked about

TOR = """\
localnet 9.9.0.0/16
[ProxyList]
http 192.0.2.1 3128
socks5://192.0.2.2:9050 tor=1
[rules]
resolve local near.test
resolve remote *.test *.lan *.onion
block *.bad.test
"""


def test_names_to_ask_about() -> None:
    """Those that a rule names first, in their normal form; neither known ones nor Tor's own."""
    of = ruled(TOR)
    names = ["Far.Test.", "near.test", "x.example", "box.lan", "other.lan", "a.onion", "A.ONION."]
    asked = [of.name_to_ask(name) for name in names]
    assert asked == ["far.test", None, None, None, "other.lan", None, None]
    with pytest.raises(ValueError, match="expected a host name"):
        of.name_to_ask("8.8.8.8")
    assert router().name_to_ask("far.test") is None


@pytest.mark.parametrize(
    "address",
    [
        "10.9.9.9",
        "127.0.0.1",
        "0.0.0.0",
        "9.9.1.1",
        "224.0.0.1",
        "198.18.1.1",
        "fe80::1",
        "fd00::3",
        "ff02::1",
    ],
)
def test_addresses_of_no_other_network(address: str) -> None:
    """Nobody is asked about them, nor is an answer of use that has one of them."""
    of = ruled(TOR)
    assert of.address_to_ask(ip_address(address)) is None
    if address not in {"10.9.9.9", "fd00::3"}:
        assert not of.note_address("far.test", ip_address(address))


def test_addresses_to_ask_about() -> None:
    """As IPv4 where they are that, if the chain ends in a Tor."""
    of = ruled(TOR)
    assert of.address_to_ask(ip_address("8.8.8.8")) == ip_address("8.8.8.8")
    assert of.address_to_ask(ip_address("::ffff:8.8.8.8")) == ip_address("8.8.8.8")
    assert of.address_to_ask(ip_address("2a00::7")) == ip_address("2a00::7")
    assert router().address_to_ask(ip_address("8.8.8.8")) is None
    known = Router(parse_config(TOR.encode(), "t.conf"), parse_hosts("8.8.8.8 mine"), frozenset())
    assert known.address_to_ask(ip_address("8.8.8.8")) is None


def test_a_true_address_stands_for_its_name() -> None:
    """Rules are about the name, and so is the way; what has several is an address."""
    of = ruled(TOR)
    assert of.note_address("far.test", ip_address("8.8.4.4"))
    assert of.note_address("x.bad.test", ip_address("8.8.4.5"))
    route = of.route(ip_address("::ffff:8.8.4.4"), 80)
    assert (route.destination, route.resolves_here) == (Endpoint("far.test", 80), False)
    with pytest.raises(Unroutable, match="blocked"):
        of.route(ip_address("8.8.4.5"), 80)
    assert of.note_address("twin.test", ip_address("8.8.4.4"))
    assert of.route(ip_address("8.8.4.4"), 80).destination == Endpoint(ip_address("8.8.4.4"), 80)
