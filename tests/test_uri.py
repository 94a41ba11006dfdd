"""Proxy URIs: every form, and no credentials in any text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.address import Endpoint
from proxywrap.hopoptions import HopOptions
from proxywrap.scheme import KINDS, Scheme
from proxywrap.uri import (
    ProxyURI,
    check_credentials,
    parse_proxy_host,
    parse_proxy_port,
    parse_uri,
)

NO_URL = "expected a proxy URL like socks5://[USER:PASSWORD@]HOST:PORT, found"
SEVERAL = "several ':' behind the host: an IPv6 address stands in brackets"
NO_SCHEME = "no :// in it: which kind of proxy is it?"
FOR_SSH = "expected ssh://[USER@]HOST[:PORT]"
FOR_TLS = "it is for https, socks4a+tls, socks5+tls, socks5h+tls"
WARM = "warm=1 to warm=64"
NO_COUNTS = ["0", "65", "-1", "1.5", "064", "100000", "four", "\u0661"]
NOT_A_HOST = "expected a host behind the last @, found what is neither a name nor an address"
SCHEMES = (
    "expected one of the schemes socks4, socks4a, socks5, socks5h, http, raw, ssh, "
    "https, socks4a+tls, socks5+tls, socks5h+tls"
)
SECRET = "sec@ret"
OUT_OF_RANGE = "expected a port from 1 to 65535, found a number out of this range"


@pytest.mark.parametrize(
    ("text", "masked", "username", "password"),
    [
        ("socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080", None, None),
        ("SOCKS5://127.0.0.1:1080", "socks5://127.0.0.1:1080", None, None),
        ("socks5h://proxy.example", "socks5h://proxy.example:1080", None, None),
        ("socks4://proxy.example", "socks4://proxy.example:1080", None, None),
        ("socks4a://bob@proxy.example", "socks4a://***@proxy.example:1080", b"bob", None),
        ("http://proxy.example", "http://proxy.example:8080", None, None),
        ("http://proxy.example:3128/", "http://proxy.example:3128", None, None),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128", None, None),
        ("http://[2001:db8::1]", "http://[2001:db8::1]:8080", None, None),
        ("socks5://bob:secret@h:1", "socks5://***@h:1", b"bob", b"secret"),
        ("socks5://bob@h:1", "socks5://***@h:1", b"bob", b""),
        ("socks5://bob:@h:1", "socks5://***@h:1", b"bob", b""),
        ("socks5://bob:p@ss:w@h:1", "socks5://***@h:1", b"bob", b"p@ss:w"),
        ("socks5://b%40b:pa%3ass%2F@h:1", "socks5://***@h:1", b"b@b", b"pa:ss/"),
        ("socks5://b:%C3%BC%ff@h:1", "socks5://***@h:1", b"b", b"\xc3\xbc\xff"),
        ("socks5://b:ü@h:1", "socks5://***@h:1", b"b", b"\xc3\xbc"),
        ("socks5://b:100%@h:1", "socks5://***@h:1", b"b", b"100%"),
        ("socks5://b:%zz%4@h:1", "socks5://***@h:1", b"b", b"%zz%4"),
        ("socks5://b:a/b?c#d@h:1", "socks5://***@h:1", b"b", b"a/b?c#d"),
        ("http://unix:/run/a%40b.sock", "http://unix:/run/a@b.sock", None, None),
        ("socks5://bob:p@ss@unix:/run/x:1/s", "socks5://***@unix:/run/x:1/s", b"bob", b"p@ss"),
        ("raw://[::1]:22", "raw://[::1]:22", None, None),
        ("ssh://Gate", "ssh://Gate", None, None),
        ("ssh://bob@gate:2222", "ssh://***@gate:2222", b"bob", None),
        ("ssh://@[::1]/", "ssh://[::1]", None, None),
        ("https://proxy.example", "https://proxy.example:443", None, None),
        ("HTTPS://b:c?d@h:1?insecure=1", "https://***@h:1", b"b", b"c?d"),
        ("socks5+tls://h", "socks5+tls://h:1080", None, None),
        ("socks5h+tls://h:1/?insecure=0", "socks5h+tls://h:1", None, None),
        ("socks4a+tls://b@h:1", "socks4a+tls://***@h:1", b"b", None),
        ("socks4://b%20b@h:1", "socks4://***@h:1", b"b b", None),
    ],
)
def test_uri_forms(text: str, masked: str, username: bytes | None, password: bytes | None) -> None:
    """Schemes in any case, default ports, brackets, the last @, percent-decoding."""
    uri = parse_uri(text)
    assert str(uri) == masked
    assert (uri.username, uri.password) == (username, password)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"{NO_URL} nothing"),
        ("127.0.0.1:1080", f"{NO_URL} {NO_SCHEME}"),
        ("socks5:/h:1", f"{NO_URL} {NO_SCHEME}"),
        ("socks5://h:1/x", f"{NO_URL} a path: a proxy has none"),
        ("socks5://h:1:2", f"{NO_URL} {SEVERAL}"),
        ("socks5://::1:1080", f"{NO_URL} {SEVERAL}"),
        ("socks5://[::1:1080", f"{NO_URL} a bracket too many: an IPv6 address stands in one pair of them"),
        ("socks5://", "expected a host after socks5://, found none"),
        ("socks5://:1080", "expected a host after socks5://, found none"),
        ("socks5://[]:1", "expected a host name, found an empty one"),
        ("socks5://[h]:1", "expected an IPv6 address, found 'h'"),
        ("socks5://h:", "expected a port from 1 to 65535, found no number"),
        ("socks5://h:0", OUT_OF_RANGE),
        ("socks5://h:84586", OUT_OF_RANGE),
        ("9:socks5://h:1", f"{NO_URL} something before ://"),
        (f"socks5://user:{SECRET} x", NOT_A_HOST),
        (f"socks5://user:{SECRET}..x:1", NOT_A_HOST),
        (f"socks5://user:{SECRET}.12", NOT_A_HOST),
        ("socks5://user:12345678", OUT_OF_RANGE),
        ("ssl://h", f"{SCHEMES}, found 'ssl'"),
        (f"ssh://u:{SECRET}@h", f"{FOR_SSH}: ssh logs in by keys and its agent, with no password of ours"),
        ("ssh://unix:/x", "expected a host: write ssh://[USER@]HOST[:PORT]"),
        ("ssh://u%0a@h", "expected a user name without control characters"),
        ("ssh://h?ca=/x", f"expected no ca= behind ssh: {FOR_TLS}"),
        ("http://h?pipeline=1", "expected no pipeline= behind http: its handshake is one flight anyhow"),
        ("socks5://h:1?pipeline=2", "expected pipeline=1, found pipeline= and another value"),
        (
            "http://h?isolate=process",
            "expected no isolate= behind http: it takes the user name and password of SOCKS5",
        ),
        ("socks4a://h?tor=1", "expected no tor= behind socks4a: Tor looks names up by SOCKS5"),
        (
            "socks5://h:1?isolate=pid",
            "expected isolate=process or isolate=destination, found isolate= and another value",
        ),
        (
            "socks5://u:secret@h:1?isolate=process",
            (
                "expected no user name beside isolate=process, which gives the proxy one for each process, "
                "found one: remove either"
            ),
        ),
        ("socks5://h:1?ca=/x", f"expected no ca= behind socks5: {FOR_TLS}"),
        ("http://unix:/x?insecure=1", f"expected no insecure= behind http: {FOR_TLS}"),
        ("raw://h:1?secret=1", "expected no options behind raw, found another option"),
        ("https://unix:/x", "expected a host: a certificate has no name for a Unix socket"),
        (
            "https://h?ca=/nowhere.pem",
            "expected a file of certificates (PEM) behind ca=, found no file '/nowhere.pem'",
        ),
        ("https://h?ca=", "expected ca=FILE, found ca= and nothing"),
        ("https://h?insecure", "expected insecure=1, found insecure= and nothing"),
        ("https://h?insecure=yes", "expected insecure=1, found insecure= and another value"),
        (
            "https://h?secret=1",
            f"expected ca=FILE or insecure=1 or {WARM} behind https, found another option",
        ),
        *((f"http://h?warm={text}", f"expected {WARM}, found warm= and another value") for text in NO_COUNTS),
        ("http://h?warm=", f"expected {WARM}, found warm= and nothing"),
        (
            "raw://h:1?warm=1",
            "expected no warm= behind raw: a connection to it is one to the destination already",
        ),
        (
            "socks5://h:1?isolate=process&warm=2",
            "expected no warm= beside isolate=: what stands ready has been told already who we are",
        ),
        ("SOCKS://h", f"{SCHEMES}, found 'SOCKS': write socks5, or socks4a for an old one"),
        ("socks5://127.0.0.256:1", "expected an IPv4 address, found '127.0.0.256'"),
        ("socks5://a..b:1", "expected a host name, found an empty label in 'a..b'"),
        ("socks5://unix:x", "expected the path of a socket behind unix:, from / on, found no / there"),
        (f"socks5://unix:/{'x' * 107}", "expected a path of at most 107 bytes, none of them NUL"),
        ("raw://h", "expected raw://HOST:PORT, found no port: there is no usual one"),
        ("raw://u:secret@h:1", "expected raw://HOST:PORT: nothing is said to a raw hop, not even who we are"),
        ("socks4://u:secret@h:1", "expected socks4://USER@HOST:PORT: SOCKS4 has no password"),
        ("socks4://u%00x@h:1", "expected a user name without a NUL byte, which ends it in SOCKS4"),
        (
            "http://u%3ax:secret@h:1",
            "expected a user name without ':', which ends it in HTTP (RFC 7617, section 2)",
        ),
        (f"socks5://{'u' * 256}:secret@h:1", "expected a user name of at most 255 bytes, found 256"),
        (f"socks5://u:{'s' * 256}@h:1", "expected a password of at most 255 bytes, found 256"),
        (f"http://{'a.' * 130}b:1", "expected a host name of at most 253 bytes, found 261"),
    ],
)
def test_wrong_uri(text: str, message: str) -> None:
    """Each rule broken is said, and never with the credentials."""
    with pytest.raises(ValueError) as caught:
        parse_uri(text)
    if text != "socks5://[]:1":
        assert str(caught.value) == message
    assert "secret" not in str(caught.value)


def test_repr_has_no_credentials() -> None:
    """A URI in a traceback shows neither name nor password."""
    uri = parse_uri("socks5://bob:secret@h:1")
    assert repr(uri) == (
        "ProxyURI(scheme=<Scheme.SOCKS5: 'socks5'>, host='h', port=1, path=None, has_tls=False, "
        "options=HopOptions(ca=None, is_insecure=False, is_pipelined=False, warm=0, "
        "isolate=None, is_tor=False))"
    )


def test_uri_knows_its_endpoint() -> None:
    """Where to connect is host and port together."""
    assert parse_uri("http://h:1").endpoint == Endpoint("h", 1)


def test_different_credentials_are_different_proxies() -> None:
    """What repr hides still counts in a comparison."""
    assert parse_uri("http://a:b@h:1") != parse_uri("http://a:c@h:1")
    assert parse_uri("http://a:b@h:1") == ProxyURI(Scheme.HTTP, "h", 1, b"a", b"b")


@given(st.text(max_size=60))
def test_any_text_gives_a_uri_or_a_value_error(text: str) -> None:
    """No other exception, and a URI prints without its userinfo."""
    for candidate in (text, f"socks5://{text}", f"http://{text}@h:1", f"socks5://h:{text}"):
        try:
            uri = parse_uri(candidate)
        except ValueError:
            continue
        assert parse_uri(str(uri).replace("***@", "")).endpoint == uri.endpoint


@given(st.binary(max_size=255), st.binary(max_size=255))
def test_percent_encoded_credentials_round_trip(username: bytes, password: bytes) -> None:
    """Any bytes can be written in a URL."""
    spelt = [b"".join(b"%%%02x" % byte for byte in value).decode() for value in (username, password)]
    uri = parse_uri(f"socks5://{spelt[0]}:{spelt[1]}@h:1")
    assert (uri.username, uri.password) == (username, password)


@pytest.mark.parametrize("text", ["u:secret@h", "@", "h:1", "secret:x"])
def test_proxy_host_never_quotes_credentials(text: str) -> None:
    """What may be a misplaced password is not in the message."""
    with pytest.raises(ValueError, match=r"^expected a host, found '[@:]' in it") as caught:
        parse_proxy_host(text)
    assert "secret" not in str(caught.value)


def test_proxy_port_never_quotes_words() -> None:
    """A port that is a word may be a misplaced password."""
    with pytest.raises(ValueError, match=r"^expected a port from 1 to 65535, found no number$"):
        parse_proxy_port("secret")


@pytest.mark.parametrize("scheme", list(Scheme))
def test_absent_credentials_suit_every_scheme(scheme: Scheme) -> None:
    """A proxy without credentials is never refused for them."""
    check_credentials(scheme, None, None)


def test_options_of_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By URL or as words, a file by its whole path; they belong to TLS alone, and are never credentials."""
    (tmp_path / "a b.pem").touch()
    monkeypatch.chdir(tmp_path)
    uri = parse_uri("https://u:p@h:1?ca=a%20b.pem&insecure=1")
    assert uri.has_tls
    assert uri.options == HopOptions(str(tmp_path / "a b.pem"), is_insecure=True)
    assert uri == parse_uri("https://u:p@h:1", ["ca=a b.pem", "insecure=1"])
    assert uri.line == f"https://***@h:1 ca={tmp_path}/a b.pem insecure=1"
    assert parse_uri("https://h:1").options == HopOptions()
    assert parse_uri("https://h:1").line == "https://h:1"
    assert not parse_uri("http://h:1").has_tls
    assert [parse_uri(f"{kind}://h:1").is_relayed for kind in ("http", "https", "socks5+tls")] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("socks5://h:1?pipeline=1", "socks5://h:1 pipeline=1"),
        ("socks5h+tls://h:1?insecure=1&pipeline=1", "socks5h+tls://h:1 insecure=1 pipeline=1"),
        ("socks5://u:p@unix:/x?pipeline=1", "socks5://***@unix:/x pipeline=1"),
    ],
)
def test_a_handshake_in_one_flight(text: str, line: str) -> None:
    """An option of SOCKS5, beside those of TLS."""
    uri = parse_uri(text)
    assert uri.options.is_pipelined
    assert uri.line == line


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"raw", "ssh"}))
@pytest.mark.parametrize("count", [1, 9, 64])
def test_connections_that_stand_ready(kind: str, count: int) -> None:
    """An option of every kind that is spoken, and one more that tells two hops from each other."""
    uri = parse_uri(f"{kind}://u@h:1?warm={count}")
    assert uri.options.warm == count
    assert uri.line == f"{kind}://***@h:1 warm={count}"
    assert uri == parse_uri(f"{kind}://u@h:1", [f"warm={count}"])
    assert uri != parse_uri(f"{kind}://u@h:1")


def test_all_options_of_a_hop() -> None:
    """Each is said again as it was."""
    uri = parse_uri("socks5+tls://h:1?warm=2&insecure=1&pipeline=1")
    assert uri.line == "socks5+tls://h:1 insecure=1 pipeline=1 warm=2"
    assert parse_uri("socks5+tls://h:1", uri.line.split()[1:]) == uri


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("socks5://h:1?isolate=process", "socks5://h:1 isolate=process"),
        ("socks5h+tls://h:1?tor=1&isolate=destination", "socks5h+tls://h:1 isolate=destination tor=1"),
        ("socks5://h:1?tor=0", "socks5://h:1"),
    ],
)
def test_options_of_tor(text: str, line: str) -> None:
    """They are for SOCKS5 in whatever form."""
    assert parse_uri(text).line == line
