"""proxychains' grammar: what it means, and each of its traps as a clear error."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.config import ChainType, Config, NamedServerDns, Options
from proxywrap.errors import ConfigError
from proxywrap.hopoptions import HopOptions
from proxywrap.keywords import KEYWORDS
from proxywrap.migrate import reread
from proxywrap.parser import config_from_urls, parse_config

EXAMPLE = Path(__file__).parent.parent / "proxywrap.conf.example"

ONE_PROXY = "\n[ProxyList]\nsocks5 127.0.0.1 1080\n"


def parse(text: str | bytes) -> Config:
    """Return what a file with this text says."""
    return parse_config(text if isinstance(text, bytes) else text.encode(), "f.conf")


def error_of(text: str | bytes) -> str:
    """Return the error that a file with this text gives."""
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value)


def proxy_of(line: str) -> tuple[str, str, int, bytes | None, bytes | None]:
    """Return the parts of the proxy that this line describes."""
    (entry,) = parse("[ProxyList]\n" + line).proxies
    uri = entry.uri
    return uri.scheme, str(uri.host), uri.port, uri.username, uri.password


# -- options -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("strict_chain", "chain_type", ChainType.STRICT),
        ("dynamic_chain", "chain_type", ChainType.DYNAMIC),
        ("random_chain", "chain_type", ChainType.RANDOM),
        ("round_robin_chain", "chain_type", ChainType.ROUND_ROBIN),
        ("chain_len = 2", "chain_len", 2),
        ("chain_len=2", "chain_len", 2),
        ("chain_len= 2", "chain_len", 2),
        ("chain_len =2", "chain_len", 2),
        ("tcp_read_time_out 15000", "tcp_read_time_out_ms", 15000),
        ("tcp_connect_time_out\t8000", "tcp_connect_time_out_ms", 8000),
        ("quiet_mode", "quiet_mode", True),
        ("proxy_loopback", "proxy_loopback", True),
        ("dns_to_named_servers fake", "dns_to_named_servers", NamedServerDns.FAKE),
        ("dns_to_named_servers proxy", "dns_to_named_servers", NamedServerDns.PROXY),
        ("remote_dns_subnet 224", "fake_network_v4", IPv4Network("224.0.0.0/8")),
        ("remote_dns_subnet 1", "fake_network_v4", IPv4Network("1.0.0.0/8")),
        ("remote_dns_subnet 255", "fake_network_v4", IPv4Network("255.0.0.0/8")),
        ("allow_unwrapped /usr/bin/su*", "allow_unwrapped", ("/usr/bin/su*",)),
        ("   quiet_mode  \t", "quiet_mode", True),
        ("quiet_mode # because", "quiet_mode", True),
        ("quiet_mode\t#", "quiet_mode", True),
    ],
)
def test_option_sets_its_field(line: str, attribute: str, value: object) -> None:
    """Each keyword sets one field, whatever the white space and comment around it."""
    assert getattr(parse(line + ONE_PROXY).options, attribute) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("127.0.0.0/255.0.0.0", "127.0.0.0/8"),
        ("192.168.1.7/24", "192.168.1.0/24"),
        ("192.168.1.0:80/24", "192.168.1.0:80/24"),
        ("192.168.1.0:0/24", "192.168.1.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("0.0.0.0/0.0.0.0", "0.0.0.0/0"),
        ("10.0.0.1/255.255.255.255", "10.0.0.1/32"),
        ("::1/128", "::1/128"),
        ("[fe80::]/10", "fe80::/10"),
        ("[fe80::1]:443/10", "[fe80::]:443/10"),
    ],
)
def test_localnet_forms(value: str, expected: str) -> None:
    """Masks, prefixes, ports and both families; port 0 is any port."""
    (net,) = parse(f"localnet {value}{ONE_PROXY}").options.localnets
    assert str(net) == expected


@pytest.mark.parametrize("separator", [" ", "\t", "   ", " \t "])
def test_dnat_takes_any_white_space(separator: str) -> None:
    """A tab between the two, which proxychains-ng stumbles over, is as good as a space."""
    (rule,) = parse(f"dnat 192.0.2.1:80{separator}10.0.0.1{ONE_PROXY}").options.dnats
    assert str(rule) == "192.0.2.1:80 10.0.0.1"


def test_lists_keep_their_order() -> None:
    """Options that may come often are kept in the order of the file, without a limit."""
    lines = [f"localnet 10.{i >> 8}.{i & 255}.0/24" for i in range(600)]
    assert [f"localnet {net}" for net in parse("\n".join(lines) + ONE_PROXY).options.localnets] == lines


def test_long_lines_are_whole() -> None:
    """The end of a line longer than proxychains-ng's buffer of 1024 bytes is no line of its own."""
    for length in (1020, 1023, 1024, 4096):
        config = parse("#" * length + "proxy_loopback\nquiet_mode" + " " * length + ONE_PROXY)
        assert config.options.quiet_mode
        assert not config.options.proxy_loopback


def test_dnats_without_a_limit() -> None:
    """The 65th, which proxychains-ng passes over, counts as the first does."""
    lines = [f"dnat 192.0.2.{i} 10.0.0.{i}" for i in range(200)]
    assert [f"dnat {each}" for each in parse("\n".join(lines) + ONE_PROXY).options.dnats] == lines


def test_last_setting_wins_and_has_its_origin() -> None:
    """Of two values the later one counts, and is the one that is shown."""
    config = parse("strict_chain\ntcp_read_time_out 1\ntcp_read_time_out 2\ndynamic_chain" + ONE_PROXY)
    shown = {line: str(origin) for line, origin in config.lines() if origin}
    assert shown == {
        "dynamic_chain": "f.conf:4",
        "tcp_read_time_out 2": "f.conf:3",
        "socks5://127.0.0.1:1080": "f.conf:6",
    }


def test_no_chain_keyword_means_dynamic() -> None:
    """As in proxychains-ng, whose own file has a keyword."""
    assert parse(ONE_PROXY).options == Options(chain_type=ChainType.DYNAMIC)


def test_carriage_returns_are_white_space() -> None:
    """A file edited on Windows reads as any other."""
    config = parse("quiet_mode\r\n\r\n# x\r\n[ProxyList]\r\nsocks5 h 1 u p\r\n")
    assert config.options.quiet_mode
    assert config.proxies[0].uri.password == b"p"


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("proxy_dns", None),
        (
            "proxy_dns_old",
            "f.conf:1: proxy_dns_old: names are resolved by the last proxy, no other program is started",
        ),
        (
            "proxy_dns_daemon 127.0.0.1:1053",
            "f.conf:1: proxy_dns_daemon: names are resolved by the last proxy, the daemon is not asked",
        ),
    ],
)
def test_name_options_are_accepted_and_noted(line: str, note: str | None) -> None:
    """What would choose a resolver is accepted; what it does not do any more is noted."""
    assert parse(line + ONE_PROXY).notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("proxy-dns", "expected an option, found 'proxy-dns': did you mean proxy_dns?"),
        ("Strict_Chain", "expected an option, found 'Strict_Chain': did you mean strict_chain?"),
        ("strictchain", "expected an option, found 'strictchain': did you mean strict_chain?"),
        ("frobnicate 1", "expected an option, found 'frobnicate'"),
        ("static_chain", "expected an option, found 'static_chain': did you mean strict_chain?"),
        (
            "tcp_read_timeout 1",
            "expected an option, found 'tcp_read_timeout': did you mean tcp_read_time_out?",
        ),
        ("tcp_read_time_out = 9", "expected tcp_read_time_out NUMBER, found '=' between them: write no '='"),
        (
            "\u201cstrict_chain\u201d",
            "expected plain words, found a typographic quote (U+201C): write no quotes",
        ),
        (
            "proxies:",
            (
                "expected proxychains' grammar, found YAML: "
                "write [ProxyList] and socks5 127.0.0.1 1080 below it"
            ),
        ),
        (
            'type = "socks5"',
            (
                "expected proxychains' grammar, found TOML: "
                "write [ProxyList] and socks5 127.0.0.1 1080 below it"
            ),
        ),
        (
            "- socks5://127.0.0.1:9050",
            (
                "expected TYPE HOST PORT below [ProxyList], found YAML: "
                "write socks5 127.0.0.1 9050 below [ProxyList]"
            ),
        ),
        ("strict_chain yes", "expected nothing after strict_chain, found 'yes'"),
        ("proxy_dns yes", "expected nothing after proxy_dns, found 'yes'"),
        ("quiet_mode 1", "expected nothing after quiet_mode, found '1'"),
        ("quiet_mode=1", "expected an option, found 'quiet_mode=1': did you mean quiet_mode?"),
        ("dns_to_named_servers no", "expected dns_to_named_servers proxy|fake, found 'no'"),
        ("proxy_loopback yes", "expected nothing after proxy_loopback, found 'yes'"),
        ("chain_len", "expected chain_len = NUMBER, from 1 to 512, found 'no value'"),
        ("chain_len 2", "expected chain_len = NUMBER, from 1 to 512, found '2'"),
        ("chain_len = 0", "expected chain_len = NUMBER, from 1 to 512, found '= 0'"),
        ("chain_len = 513", "expected chain_len = NUMBER, from 1 to 512, found '= 513'"),
        ("chain_len = two", "expected chain_len = NUMBER, from 1 to 512, found '= two'"),
        ("chain_len = 2 3", "expected chain_len = NUMBER, from 1 to 512, found '= 2 3'"),
        ("tcp_read_time_out", "expected tcp_read_time_out NUMBER, found nothing"),
        (
            "tcp_read_time_out 0",
            "expected tcp_read_time_out with milliseconds from 1 to 2147483647, found '0'",
        ),
        (
            "tcp_read_time_out -1",
            "expected tcp_read_time_out with milliseconds from 1 to 2147483647, found '-1'",
        ),
        (
            "tcp_read_time_out 5s",
            "expected tcp_read_time_out with milliseconds from 1 to 2147483647, found '5s'",
        ),
        ("tcp_read_time_out 1 2", "expected tcp_read_time_out NUMBER, found '2' after it"),
        (
            "tcp_connect_time_out 2147483648",
            "expected tcp_connect_time_out with milliseconds from 1 to 2147483647, found '2147483648'",
        ),
        ("remote_dns_subnet 256", "expected remote_dns_subnet with a first octet from 0 to 255, found '256'"),
        ("remote_dns_subnet x", "expected remote_dns_subnet with a first octet from 0 to 255, found 'x'"),
        ("remote_dns_subnet 127", "expected a first octet that is not this host's own, found 127"),
        ("remote_dns_subnet 0", "expected a first octet that is not this host's own, found 0"),
        ("proxy_dns_daemon 127.0.0.1", "expected IPV4:PORT, found '127.0.0.1'"),
        ("proxy_dns_daemon ::1", "expected an IPv4 address, found ''"),
        ("proxy_dns_daemon h:53", "expected an IPv4 address, found 'h'"),
        ("proxy_dns_daemon 127.0.0.1:0", "expected a port from 1 to 65535, found '0'"),
        ("localnet", "expected localnet ADDRESS[:PORT]/MASK, found nothing"),
        ("localnet garbage", "expected localnet ADDRESS[:PORT]/MASK, found 'garbage'"),
        ("localnet 10.0.0.0", "expected localnet ADDRESS[:PORT]/MASK, found '10.0.0.0'"),
        ("localnet 10.0.0.0/8 x", "expected localnet ADDRESS[:PORT]/MASK, found 'x' after it"),
        ("localnet 10.0.0/8", "expected an IPv4 address, found '10.0.0'"),
        ("localnet 10.0.0.0/33", "expected a prefix from 0 to 32, found '33'"),
        ("localnet 10.0.0.0/x", "expected a prefix from 0 to 32, found 'x'"),
        ("localnet 10.0.0.0/255.0.255.0", "expected a mask of ones followed by zeros, found '255.0.255.0'"),
        (
            "localnet 10.0.0.0/0.255.255.255",
            "expected a mask of ones followed by zeros, found '0.255.255.255'",
        ),
        ("localnet 10.0.0.0/255.0.0", "expected an IPv4 address, found '255.0.0'"),
        ("localnet 10.0.0.0:99999/8", "expected a port from 1 to 65535, found '99999'"),
        ("localnet 10.0.0.0:x/8", "expected a port from 1 to 65535, found 'x'"),
        ("localnet ::1/129", "expected a prefix from 0 to 128, found '129'"),
        ("localnet [::1/128", "expected localnet ADDRESS[:PORT]/MASK, found '[::1/128'"),
        ("localnet [::g]/128", "expected an IPv6 address, found '::g'"),
        ("localnet *.example.org/8", "expected an IPv4 address, found '*.example.org'"),
        ("dnat 192.0.2.1", "expected dnat IPV4[:PORT] IPV4[:PORT], found 1 value"),
        ("dnat", "expected dnat IPV4[:PORT] IPV4[:PORT], found 0 values"),
        ("dnat 192.0.2.1 10.0.0.1 x", "expected dnat IPV4[:PORT] IPV4[:PORT], found 3 values"),
        ("dnat 192.0.2.1:0 10.0.0.1", "expected a port from 1 to 65535, found '0'"),
        ("dnat 192.0.2.1:84586 10.0.0.1", "expected a port from 1 to 65535, found '84586'"),
        ("dnat ::1 10.0.0.1", "expected an IPv4 address, found ''"),
        ("dnat host 10.0.0.1", "expected an IPv4 address, found 'host'"),
        ("allow_unwrapped", "expected allow_unwrapped GLOB, found nothing"),
        ("allow_unwrapped a b", "expected allow_unwrapped GLOB, found 'b' after it"),
        ("direct *.example.org", "expected an option, found 'direct' outside its section"),
        (
            "socks5 127.0.0.1 1080 u secret",
            "expected an option, found a proxy: proxies stand below [ProxyList]",
        ),
        ("socks5://u:secret@h:1", "expected an option, found a proxy: proxies stand below [ProxyList]"),
        ("u:secret@h", "expected an option, found an unknown one"),
        ("[chain a b]", "expected [chain NAME], a name without blanks that is no URL, found '[chain a b]'"),
        ("[chain ProxyList]", "expected a name that no other chain has, found 'ProxyList' again"),
        ("[Rules]", "expected [rules] in these letters, found '[Rules]'"),
        ("[proxylist]", "expected [ProxyList] in these letters, found '[proxylist]'"),
        (
            "[ProxyList] x",
            "expected [ProxyList], [chain NAME] or [rules], found an unknown section or something after it",
        ),
        (
            "[ProxyList",
            "expected [ProxyList], [chain NAME] or [rules], found an unknown section or something after it",
        ),
    ],
)
def test_wrong_option_is_an_error_with_its_line(line: str, message: str) -> None:
    """What proxychains-ng passes over, or misreads, is an error that names the place."""
    assert error_of(f"# first\n\n{line}{ONE_PROXY}") == f"f.conf:3: {message}"


# -- proxies -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("socks5 127.0.0.1 1080", ("socks5", "127.0.0.1", 1080, None, None)),
        ("socks5\t127.0.0.1\t1080", ("socks5", "127.0.0.1", 1080, None, None)),
        ("socks5 127.0.0.1 1080 bob secret", ("socks5", "127.0.0.1", 1080, b"bob", b"secret")),
        ("socks5 127.0.0.1 1080 bob", ("socks5", "127.0.0.1", 1080, b"bob", b"")),
        ("socks5 127.0.0.1 1080 # my x", ("socks5", "127.0.0.1", 1080, None, None)),
        ("socks5 127.0.0.1 1080 bob se#cret", ("socks5", "127.0.0.1", 1080, b"bob", b"se#cret")),
        ("socks5 127.0.0.1 1080 bob pa%40ss", ("socks5", "127.0.0.1", 1080, b"bob", b"pa%40ss")),
        ("socks5 127.0.0.1 1080 bob p\u00a0w", ("socks5", "127.0.0.1", 1080, b"bob", b"p\xc2\xa0w")),
        ("socks4 127.0.0.1 1080", ("socks4", "127.0.0.1", 1080, None, None)),
        ("socks4 127.0.0.1 1080 bob", ("socks4", "127.0.0.1", 1080, b"bob", None)),
        ("socks4a proxy.example 1080", ("socks4a", "proxy.example", 1080, None, None)),
        ("socks5h proxy.example 1080", ("socks5h", "proxy.example", 1080, None, None)),
        ("http ::1 3128 u p", ("http", "::1", 3128, b"u", b"p")),
        ("http [::1] 3128", ("http", "::1", 3128, None, None)),
        ("socks5://bob:pa%40ss@proxy.example:1080", ("socks5", "proxy.example", 1080, b"bob", b"pa@ss")),
        ("socks5://bob:p@ss:w@h:1080", ("socks5", "h", 1080, b"bob", b"p@ss:w")),
        ("socks5://h:1080/", ("socks5", "h", 1080, None, None)),
        ("http://[2001:db8::1]:3128 # x", ("http", "2001:db8::1", 3128, None, None)),
        ("socks4://bob@h:1080", ("socks4", "h", 1080, b"bob", None)),
    ],
)
def test_proxy_forms(line: str, expected: tuple[object, ...]) -> None:
    """Both forms of a proxy, with credentials as they go on the wire."""
    assert proxy_of(line) == expected


def test_credentials_keep_any_byte() -> None:
    """A file in another encoding gives the bytes that it has."""
    (entry,) = parse(b"[ProxyList]\nsocks5 h 1 b\xf6b \xff\n").proxies
    assert (entry.uri.username, entry.uri.password) == (b"b\xf6b", b"\xff")


def test_any_number_of_hops_in_order() -> None:
    """A strict chain has as many hops of whatever kind as the file lists, by name or address."""
    lines = ["socks5 h 1 u p", "socks4a proxy.example 2", "http 10.0.0.1 3"] * 200
    config = parse("strict_chain\n[ProxyList]\n" + "\n".join(lines))
    assert [uri.port for uri in config.hops] == [1, 2, 3] * 200
    assert [entry.origin.line for entry in config.proxies] == list(range(3, 603))


def test_password_for_socks4_is_warned_of() -> None:
    """SOCKS4 has no password: as in proxychains-ng it is not sent, but that is said."""
    config = parse("[ProxyList]\nsocks4 h 1 bob secret")
    assert config.proxies[0].uri.password is None
    warning = "socks4 has no password, only the user name is sent: remove it, or use socks5"
    assert config.warnings == (f"f.conf:2: {warning}",)
    assert parse("[ProxyList]\nsocks4 h 1 bob").warnings == ()


def test_options_behind_a_tls_proxy() -> None:
    """Words behind the line or the URL; for a proxy without TLS they are a user name."""
    config = parse(
        "[ProxyList]\nhttps h 1 bob secret insecure=1\nsocks5+tls://h:1 insecure=1\nhttp h 1 insecure=1"
    )
    first, second, third = config.hops
    assert (first.username, first.password, first.options) == (
        b"bob",
        b"secret",
        HopOptions(is_insecure=True),
    )
    assert second.options == first.options
    assert (third.username, third.options) == (b"insecure=1", HopOptions())
    warning = "an option behind this line is its user name: write it behind http://…, a URL"
    assert config.warnings == (f"f.conf:4: {warning}",)


def test_a_user_of_a_raw_hop_is_warned_of() -> None:
    """Nothing is said to it: as in proxychains-ng the name is not sent, but that is said."""
    config = parse("[ProxyList]\nraw h 1 bob secret")
    assert (config.proxies[0].uri.username, config.proxies[0].uri.password) == (None, None)
    warning = "nothing is said to a raw hop, no user name either: remove it"
    assert config.warnings == (f"f.conf:2: {warning}",)
    assert parse("[ProxyList]\nraw h 1").warnings == ()


NO_URL = "expected a proxy URL like socks5://[USER:PASSWORD@]HOST:PORT"
TYPES = (
    "expected one of the types socks4, socks4a, socks5, socks5h, http, raw, ssh, "
    "https, socks4a+tls, socks5+tls, socks5h+tls"
)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("socks5 127.0.0.1 0", "expected a port from 1 to 65535, found '0'"),
        ("socks5 127.0.0.1 84586", "expected a port from 1 to 65535, found '84586'"),
        ("socks5 127.0.0.1 -1", "expected a port from 1 to 65535, found '-1'"),
        ("socks5 127.0.0.1 secret", "expected a port from 1 to 65535, found no number"),
        (
            "socks5 127.0.0.1:1080",
            "expected TYPE HOST PORT, found HOST:PORT in one word: write socks5 127.0.0.1 1080",
        ),
        ("socks5, 127.0.0.1, 1080", "expected TYPE HOST PORT, found commas: write socks5 127.0.0.1 1080"),
        ('"socks5" "h" "1080"', "expected TYPE HOST PORT, found quotes: write socks5 h 1080"),
        ("socks5: h:1080", "expected TYPE HOST PORT, found YAML: write socks5 h 1080"),
        ("sock5 h 1080", f"{TYPES}, found 'sock5': did you mean socks5?"),
        (
            "socks5 h 1080 me #cret",
            (
                "expected a password behind the user name, found a # after a blank, which begins a comment: "
                "write socks5://[USER:PASSWORD@]h:1080 with # as %23"
            ),
        ),
        ("socks5 127.0.0.1", "expected TYPE HOST PORT [USER [PASSWORD]], found 2 fields"),
        ("socks5", "expected TYPE HOST PORT [USER [PASSWORD]], found 1 field"),
        ("socks5 h 1 u secret x", "expected TYPE HOST PORT [USER [PASSWORD]], found 6 fields"),
        (
            "http unix:/run/x.sock",
            "expected a URL for a Unix socket: write http://[USER:PASSWORD@]unix:/PATH",
        ),
        ("SOCKS5 127.0.0.1 1080", f"{TYPES} in lower case, found 'SOCKS5'"),
        ("tls 127.0.0.1 1080", f"{TYPES}, found 'tls'"),
        ("https h 1 insecure=2", "expected insecure=1, found insecure= and another value"),
        ("https://h:1 x", "expected nothing after a proxy URL, found more: write a blank in it as %20"),
        ("127.0.0.1 1080 u secret", f"{TYPES}, found '127.0.0.1'"),
        ("u:secret@h 1080", f"{TYPES}, found something else"),
        ("strict_chain", "expected a proxy, found the option strict_chain: options stand above [ProxyList]"),
        (
            "localnet 10.0.0.0/8",
            "expected a proxy, found the option localnet: options stand above [ProxyList]",
        ),
        ("[ProxyList]", "expected a proxy, found a second [ProxyList]"),
        ("[chain x", "expected [chain NAME], a name without blanks that is no URL, found '[chain x'"),
        ("socks5 127.0.0.300 1080", "expected an IPv4 address, found '127.0.0.300'"),
        ("socks5 1.2.3 1080", "expected an IPv4 address, found '1.2.3'"),
        ("socks5 ::g 1080", "expected a host, found ':' in it: the port follows after a blank, or in a URL"),
        ("socks5 ::::1 1080", "expected an IPv6 address, found '::::1'"),
        (
            "socks5 h:1080 1080",
            "expected a host, found ':' in it: the port follows after a blank, or in a URL",
        ),
        (
            "socks5 u:secret@h 1",
            "expected a host, found '@' in it: credentials belong in front of it only in a URL",
        ),
        (f"socks5 {'a' * 64} 1", f"expected labels of at most 63 bytes, found 64 in '{'a' * 64}'"),
        (f"socks5 h 1 {'u' * 256}", "expected a user name of at most 255 bytes, found 256"),
        (f"socks5 h 1 u {'p' * 256}", "expected a password of at most 255 bytes, found 256"),
        (
            "http h 1 u:x secret",
            "expected a user name without ':', which ends it in HTTP (RFC 7617, section 2)",
        ),
        ("socks4 h 1 u\0x", "expected a user name without a NUL byte, which ends it in SOCKS4"),
        (
            "socks5://u:secret@h:1 x",
            "expected nothing after a proxy URL, found more: write a blank in it as %20",
        ),
        ("socks5://u:secret@h:0", "expected a port from 1 to 65535, found a number out of this range"),
        ("socks5://u:secret", "expected a port from 1 to 65535, found no number"),
        ("socks5://u:secret@", "expected a host after socks5://, found none"),
        (
            "socks5://u:secret@h:1/path",
            "expected a proxy URL like socks5://[USER:PASSWORD@]HOST:PORT, found a path: a proxy has none",
        ),
        ("socks4://u:secret@h:1", "expected socks4://USER@HOST:PORT: SOCKS4 has no password"),
        ("ssh h 22 u secret", "expected a URL for ssh: write ssh://[USER@]HOST[:PORT]"),
    ],
)
def test_wrong_proxy_is_an_error_without_its_password(line: str, message: str) -> None:
    """A proxy that cannot be used is an error with its line, and no error quotes a password."""
    assert error_of(f"[ProxyList]\n\n{line}\n") == f"f.conf:3: {message}"
    assert "secret" not in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.conf: expected a [ProxyList] line and proxies below it, found none"),
        ("strict_chain\n", "f.conf: expected a [ProxyList] line and proxies below it, found none"),
        ("# [ProxyList]\n", "f.conf: expected a [ProxyList] line and proxies below it, found none"),
        ("[ProxyList]\n# socks5 h 1\n", "f.conf: expected a proxy below [ProxyList], found none"),
    ],
)
def test_file_without_proxies(text: str, message: str) -> None:
    """No list, or an empty one, is an error: nothing goes direct instead."""
    assert error_of(text) == message


def test_section_header_takes_a_comment() -> None:
    """A comment after [ProxyList], which proxychains-ng does not recognise, is one."""
    assert parse("[ProxyList] # x\nhttp h 1").proxies


def test_named_chains() -> None:
    """Each has a kind and proxies of its own; one without a kind is as the list without one."""
    config = parse(
        "strict_chain\n[ProxyList]\nhttp h 1\n"
        "[chain office]\nrandom_chain\nchain_len = 2\nsocks5 a 1\nsocks4 b 2\n[chain home]\nhttp://c:3\n"
    )
    office, home = config.chains
    assert (office.name, office.kind, office.length) == ("office", ChainType.RANDOM, 2)
    assert [str(entry.uri) for entry in office.proxies] == ["socks5://a:1", "socks4://b:2"]
    assert (home.name, home.kind) == ("home", ChainType.DYNAMIC)
    assert config.options.chain_type is ChainType.STRICT


def test_rules_stand_in_their_section() -> None:
    """In the order of the file, each with its line."""
    config = parse("[ProxyList]\nhttp h 1\n[rules]\n\ndirect *.x # near\nblock *:25\nresolve local *.lan\n")
    assert [(str(rule), rule.origin.line) for rule in config.rules] == [("direct *.x", 5), ("block *:25", 6)]
    assert [(str(rule), rule.origin.line) for rule in config.name_rules] == [("resolve local *.lan", 7)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[chain a]\nhttp h 1\n", "f.conf: expected a [ProxyList] line and proxies below it, found none"),
        ("[ProxyList]\nhttp h 1\n[chain a]\n", "f.conf:3: expected a proxy below [chain a], found none"),
        (
            "[ProxyList]\nhttp h 1\n[rules]\nchain b *\n",
            "f.conf:4: expected the name of a chain, found 'b', which no section has",
        ),
        (
            "[ProxyList]\nhttp h 1\n[chain a]\nrandom_chain\nchain_len = 2\nhttp h 1\n",
            "f.conf:5: expected a chain_len of at most 1, the proxies, found 2",
        ),
        ("[ProxyList]\nhttp h 1\n[rules]\n[rules]\n", "f.conf:4: expected a rule, found a second [rules]"),
        (
            "[ProxyList]\nhttp h 1\n[chain a]\nhttp h 1\n[chain a]\n",
            "f.conf:5: expected a name that no other chain has, found 'a' again",
        ),
        (
            "[ProxyList]\nhttp h 1\n[chain a]\nquiet_mode\n",
            "f.conf:4: expected a proxy, found the option quiet_mode: options stand above [ProxyList]",
        ),
    ],
)
def test_wrong_sections(text: str, message: str) -> None:
    """What is missing, or does not fit, with its line."""
    assert error_of(text) == message


def test_a_rule_that_can_never_match_is_told() -> None:
    """With its line, and the one that takes all of it."""
    config = parse("[ProxyList]\nhttp h 1\n[rules]\ndirect *.x\nblock a.x\n")
    assert config.warnings == ("f.conf:5: this rule can never match: line 4 has taken all of it",)


def test_chain_len_beyond_the_list() -> None:
    """A random chain of more hops than there are proxies could never be made."""
    assert error_of("chain_len = 2\nrandom_chain" + ONE_PROXY) == (
        "f.conf:1: expected a chain_len of at most 1, the proxies, found 2"
    )
    assert parse("chain_len = 2\nstrict_chain" + ONE_PROXY).options.chain_len == 2


@given(st.binary(max_size=200))
def test_any_bytes_give_a_config_or_a_config_error(data: bytes) -> None:
    """Whatever a file holds, nothing but a ConfigError comes out."""
    for text in (data, b"[ProxyList]\n" + data):
        try:
            parse(text)
        except ConfigError as exc:
            assert exc.file == "f.conf"


@given(st.text(alphabet="socks4a5h:/@[].1 \t#=-_\nxyz", max_size=60))
def test_any_line_of_grammar_like_text(text: str) -> None:
    """Text that resembles the grammar comes no closer to another exception."""
    for head in ("", "[ProxyList]\n", "localnet ", "dnat ", "[ProxyList]\nsocks5 "):
        try:
            parse(head + text)
        except ConfigError as exc:
            assert re.match(r"f\.conf(:\d+)?: expected ", str(exc))


# -- URLs --------------------------------------------------------------------


def test_urls_make_a_strict_chain() -> None:
    """`-x` repeated is a chain in order."""
    config = config_from_urls(["socks5://bob:secret@a:1", "http://b"])
    assert [str(uri) for uri in config.hops] == ["socks5://***@a:1", "http://b:8080"]
    assert config.options.chain_type is ChainType.STRICT
    assert {str(entry.origin) for entry in config.proxies} == {"-x"}


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        ([], "-x: expected a proxy URL, found none"),
        (
            ["a:secret@b:1"],
            f"-x: {NO_URL}, found no :// in it: which kind of proxy is it?",
        ),
        (
            ["socks5://a:1", "socks5://b:x", "b:1"],
            "-x (2 of 3): expected a port from 1 to 65535, found no number",
        ),
        (["socks5://bob:secret@"], "-x: expected a host after socks5://, found none"),
    ],
)
def test_wrong_url(urls: list[str], message: str) -> None:
    """A URL that cannot be used is named by its source, and not quoted."""
    with pytest.raises(ConfigError, match="^" + re.escape(message) + "$") as caught:
        config_from_urls(urls)
    assert str(caught.value.file).startswith("-x")


# -- the example -------------------------------------------------------------


OPTION = re.compile(r"^#(?=[^ #\n])", re.MULTILINE)


def test_example_parses_as_it_is() -> None:
    """The example, unchanged, is a configuration with every default."""
    assert parse(EXAMPLE.read_bytes()).options == Options(chain_type=ChainType.DYNAMIC)


def test_example_parses_with_each_line_uncommented() -> None:
    """Each option of the example may be switched on alone."""
    text = EXAMPLE.read_text()
    matches = list(OPTION.finditer(text))
    assert len(matches) > 20
    for match in matches:
        parse(text[: match.start()] + text[match.end() :])


def test_example_parses_with_all_lines_uncommented() -> None:
    """The options of the example may all be on at once."""
    config = parse(OPTION.sub("", EXAMPLE.read_text()))
    assert len(config.proxies) == 17
    assert config.options.allow_unwrapped


def test_example_has_every_keyword() -> None:
    """No keyword of the parser is missing from the example."""
    words = {line.removeprefix("#").partition(" ")[0] for line in EXAMPLE.read_text().split("\n")}
    assert set(KEYWORDS) <= words


def test_a_byte_order_mark_is_called_by_its_name() -> None:
    """It cannot be seen, and what stands behind it looks right."""
    message = "expected plain text, found a byte order mark (BOM): save the file as UTF-8 without one"
    with pytest.raises(ConfigError) as caught:
        parse_config(b"\xef\xbb\xbfstrict_chain\n[ProxyList]\nsocks5 h 1\n", "f.conf")
    assert str(caught.value) == f"f.conf:1: {message}"
    with pytest.raises(ConfigError, match="found UTF-16: save the file as UTF-8"):
        parse_config("strict_chain\n".encode("utf-16"), "f.conf")


FOREIGN = [
    ("quiet_mode 1", "is passed over", "expected nothing after quiet_mode, found '1'"),
    ("tcp_read_time_out = 9", "is passed over", "expected tcp_read_time_out NUMBER, found '=' between them"),
    ("chain_len = 0", "is read as `chain_len = 1`", "expected chain_len = NUMBER, from 1 to 512"),
    ("static_chain", "is passed over", "did you mean strict_chain?"),
    ("proxy_dsn", "is passed over", "did you mean proxy_dns?"),
    (
        "remote_dns_subnet 127",
        "is passed over",
        "expected a first octet that is not this host's own, found 127",
    ),
]


@pytest.mark.parametrize(("line", "done", "remedy"), FOREIGN, ids=[line for line, _, _ in FOREIGN])
def test_a_file_for_proxychains_runs_with_a_warning(line: str, done: str, remedy: str) -> None:
    """What proxychains-ng takes or passes over is taken or passed over; the warning says what to write."""
    config = parse_config(f"strict_chain\n{line}{ONE_PROXY}".encode(), "f.conf", reread)
    (warning,) = config.warnings
    assert warning.startswith(f"f.conf:2: `{line}` {done}, for the file is proxychains-ng's: expected ")
    assert remedy in warning
    assert config.options.chain_type is ChainType.STRICT
    assert len(config.proxies) == 1


def test_a_file_for_proxychains_has_the_passwords_that_it_sends() -> None:
    """A # in a password, and a sixth word, which is not sent; no warning quotes them."""
    text = "[ProxyList]\nsocks5 h 1 me #cret\nsocks5 h 2 me s3cret word\n"
    config = parse_config(text.encode(), "f.conf", reread)
    assert [entry.uri.password for entry in config.proxies] == [b"#cret", b"s3cret"]
    assert [warning.split(" for the file ")[0] for warning in config.warnings] == [
        "f.conf:2: `socks5 h 1 ***` is read as `socks5://***@h:1`,",
        "f.conf:3: `socks5 h 2 *** *** ***` is read as `socks5 h 2 *** ***`,",
    ]


def test_a_file_for_proxychains_may_begin_with_a_byte_order_mark() -> None:
    """Its first line counts, and the warning says what to do."""
    data = b"\xef\xbb\xbfrandom_chain\n[ProxyList]\nsocks5 h 1\n"
    config = parse_config(data, "f.conf", reread)
    assert config.options.chain_type is ChainType.RANDOM
    assert "found a byte order mark (BOM): save the file as UTF-8 without one" in config.warnings[0]


def test_what_proxychains_refuses_too_is_an_error() -> None:
    """And what stands in sections of our own is ours."""
    for line in ("sock5 h 1", "socks5 h x"):
        with pytest.raises(ConfigError):
            parse_config(f"[ProxyList]\n{line}\n".encode(), "f.conf", reread)
    with pytest.raises(ConfigError, match=r"f\.conf:4: expected direct, block or chain"):
        parse_config(b"[ProxyList]\nsocks5 h 1\n[rules]\ndirekt *\n", "f.conf", reread)
