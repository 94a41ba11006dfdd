"""HTTP CONNECT, with the bytes of RFC 9110 and RFC 7617."""

from __future__ import annotations

import errno
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import arrives, play, truncates

from proxywrap.address import Endpoint
from proxywrap.errors import LocalProtocolError, ProtocolError, ProxyRefused, RemoteProtocolError
from proxywrap.protocol import httpconnect
from proxywrap.protocol.command import Command
from proxywrap.protocol.request import Request
from proxywrap.scheme import Scheme

NAME = Endpoint("server.example.com", 80)
OK = b"HTTP/1.1 200 Connection established\r\n\r\n"

REQUESTS = [
    # RFC 9110, section 9.3.6, its example without and with credentials.
    (
        b"CONNECT server.example.com:80 HTTP/1.1\r\nHost: server.example.com:80\r\n\r\n",
        NAME,
        None,
        None,
    ),
    # RFC 7617, section 2: user-id "Aladdin", password "open sesame".
    (
        (
            b"CONNECT server.example.com:80 HTTP/1.1\r\nHost: server.example.com:80\r\n"
            b"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        ),
        NAME,
        b"Aladdin",
        b"open sesame",
    ),
    (
        b"CONNECT 192.0.2.7:443 HTTP/1.1\r\nHost: 192.0.2.7:443\r\n\r\n",
        Endpoint(IPv4Address("192.0.2.7"), 443),
        None,
        None,
    ),
    (
        b"CONNECT [2001:db8::7]:443 HTTP/1.1\r\nHost: [2001:db8::7]:443\r\n\r\n",
        Endpoint(IPv6Address("2001:db8::7"), 443),
        None,
        None,
    ),
]


def refuse(_username: bytes, _password: bytes) -> bool:
    """Let nobody pass."""
    return False


@pytest.mark.parametrize(("data", "destination", "username", "password"), REQUESTS)
def test_request_in_both_roles(
    data: bytes, destination: Endpoint, username: bytes | None, password: bytes | None
) -> None:
    """What the client sends the server reads."""

    def check(*credentials: bytes) -> bool:
        return credentials == (username, password)

    arrives(lambda: httpconnect.connect(destination, username, password), OK, sends=data)
    known = check if username else None
    request = arrives(lambda: httpconnect.read_request(known), data, sends=b"")
    assert request == Request(Scheme.HTTP, Command.CONNECT, destination, username)
    truncates(lambda: httpconnect.read_request(known), data)


@pytest.mark.parametrize(
    "head",
    [
        OK,
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 299 Miscellaneous Persistent Warning\r\nVia: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip,\r\n chunked\r\nServer: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Pad: " + b"x" * 16000 + b"\r\n\r\n",
    ],
)
def test_success(head: bytes) -> None:
    """Any 2xx opens the tunnel right after its head, whatever its fields say of a body."""
    arrives(lambda: httpconnect.connect(NAME), head, sends=REQUESTS[0][0])
    truncates(lambda: httpconnect.connect(NAME), head[:200])


IS_IT_ONE = ": does it carry CONNECT? A web server does not; a proxy's own log says why"


@pytest.mark.parametrize(
    ("status", "error", "advice"),
    [
        (b"301 Moved", errno.EHOSTUNREACH, IS_IT_ONE),
        (b"400 Bad Request", errno.EHOSTUNREACH, IS_IT_ONE),
        (
            b"403 Forbidden",
            errno.EACCES,
            ": whoever runs it can change its rules; many let only port 443 pass",
        ),
        (b"404 Not Found", errno.EHOSTUNREACH, IS_IT_ONE),
        (b"500 Oops", errno.EHOSTUNREACH, IS_IT_ONE),
        (b"502 Bad Gateway", errno.EHOSTUNREACH, ""),
        (b"503 Service Unavailable", errno.ECONNREFUSED, ""),
        (b"504 Gateway Timeout", errno.ETIMEDOUT, ""),
        (b"599", errno.EHOSTUNREACH, IS_IT_ONE),
    ],
)
def test_refusal(status: bytes, error: int, advice: str) -> None:
    """Each status has its errno; only 502 to 504 are about the destination, the others tell what to do."""
    head = b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\noops"
    with pytest.raises(ProxyRefused) as caught:
        play(httpconnect.connect(NAME), head).result()
    assert str(caught.value) == "HTTP " + status.decode() + advice
    assert caught.value.errno == error
    assert caught.value.is_destination_fault is (not advice)


@pytest.mark.parametrize(
    ("field", "username", "text"),
    [
        (b"", None, "the proxy wants a user name and password: write http://USER:PASSWORD@HOST:PORT"),
        (b"", b"u", "the user name and password were refused: check them in the proxy's URL"),
        (
            b'Proxy-Authenticate: Basic realm="x"\r\nProxy-Authenticate: NTLM\r\n',
            b"u",
            "the user name and password were refused: check them in the proxy's URL",
        ),
        (
            b"Proxy-Authenticate: Digest qop=auth\r\nProxy-Authenticate: NTLM\r\n",
            b"u",
            "the proxy wants digest, ntlm authentication, only basic is known: ask whoever runs it",
        ),
    ],
)
@pytest.mark.parametrize("status", [401, 407])
def test_authentication_required(status: int, field: bytes, username: bytes | None, text: str) -> None:
    """The error says what the user can do about it."""
    head = b"HTTP/1.1 %d Who Are You\r\n" % status + field + b"\r\n"
    with pytest.raises(ProxyRefused) as caught:
        play(httpconnect.connect(NAME, username), head).result()
    assert str(caught.value) == f"HTTP {status} Who Are You: {text}"
    assert caught.value.errno == errno.EACCES
    assert not caught.value.is_destination_fault


@pytest.mark.parametrize(("phrase", "is_about_destination"), [(b"Unable to connect", True), (b"Oops", False)])
def test_what_tinyproxy_says_of_a_destination(phrase: bytes, *, is_about_destination: bool) -> None:
    """It has one status for all that goes wrong, and a phrase of its own for that."""
    with pytest.raises(ProxyRefused) as caught:
        play(httpconnect.connect(NAME), b"HTTP/1.1 500 " + phrase + b"\r\n\r\n").result()
    assert caught.value.is_destination_fault == is_about_destination
    assert ("does it carry CONNECT?" in str(caught.value)) != is_about_destination


def test_reason_phrase_cannot_steer_a_terminal() -> None:
    """Bytes beyond ASCII are shown as escapes."""
    with pytest.raises(ProxyRefused, match=r"HTTP 500 a\\x9bb"):
        play(httpconnect.connect(NAME), b"HTTP/1.1 500 a\x9bb\r\n\r\n").result()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"\x05\xff", "expected an HTTP response, got 5: is it a SOCKS5 proxy?"),
        (b"\x00\x5b\0\0\0\0\0\0", "expected an HTTP response, got 0: is it a SOCKS4 proxy?"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "expected an HTTP response, got 21: is it a TLS server?"),
        (b"SSH-2.0-OpenSSH\r\n", "expected an HTTP response, got 83 ('S'): is it an SSH server?"),
        (b"220 mail\r\n", "expected an HTTP response, got 50 ('2')"),
        (b"HELO\r\n\r\n", "expected an HTTP head, got a malformed one: "),
        (b"HTTP/1.1 99 x\r\n\r\n", "expected an HTTP head, got a malformed one: "),
        (b"HTTP/1.1 200 x\n\nhello\r\n\r\n", "expected an HTTP head with lines that end in CRLF"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "expected an HTTP head, got a malformed one: "),
    ],
)
def test_foreign_answer(answer: bytes, text: str) -> None:
    """The error says what seems to be listening there."""
    with pytest.raises(RemoteProtocolError) as caught:
        play(httpconnect.connect(NAME), answer).result()
    assert str(caught.value).startswith(text)
    assert caught.value.errno == errno.ECONNREFUSED


def test_closed_instead_of_an_answer() -> None:
    """The error says what was waited for."""
    with pytest.raises(ProtocolError, match="expected an HTTP response, but the connection was closed"):
        play(httpconnect.connect(NAME), b"").result()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX-Pad: " + b"x" * 17000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        (b"HTTP/1.1 100 Continue\r\nX-Pad: " + b"x" * 4062 + b"\r\n\r\n") * 4 + OK,
        (b"HTTP/1.1 100 Continue\r\nX-Pad: " + b"x" * 4063 + b"\r\n\r\n") * 5,
    ],
)
def test_heads_without_end(answer: bytes) -> None:
    """16 KiB are the limit of one head, and of all together."""
    outcome = play(httpconnect.connect(NAME), answer)
    assert isinstance(outcome.error, RemoteProtocolError)


@pytest.mark.parametrize(
    ("host", "username", "error"),
    [
        ("a" * 256, None, errno.EHOSTUNREACH),
        ("", None, errno.EHOSTUNREACH),
        ("a\r\nX: y", None, errno.EHOSTUNREACH),
        ("a:1", None, errno.EHOSTUNREACH),
        ("a@b", None, errno.EHOSTUNREACH),
        ("bücher.example", None, errno.EHOSTUNREACH),
        ("a", b"us:er", errno.EACCES),
    ],
)
def test_what_http_cannot_carry(host: str, username: bytes | None, error: int) -> None:
    """It fails with its errno before a byte is sent."""
    outcome = play(httpconnect.connect(Endpoint(host, 1), username), OK)
    assert isinstance(outcome.error, LocalProtocolError)
    assert outcome.error.errno == error
    assert outcome.sent == b""


def test_mapped_address_is_sent_as_ipv4() -> None:
    """A dual-stack socket names IPv4 destinations so."""
    mapped = Endpoint(IPv6Address("::ffff:192.0.2.7"), 443)
    arrives(lambda: httpconnect.connect(mapped), OK, sends=REQUESTS[2][0])


def test_request_of_http_1_0() -> None:
    """Clients that send neither version 1.1 nor Host are in use."""
    data = b"CONNECT example.com:443 HTTP/1.0\r\n\r\n"
    request = arrives(httpconnect.read_request, data, sends=b"")
    assert request == Request(Scheme.HTTP, Command.CONNECT, Endpoint("example.com", 443))


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", 405, "expected the method CONNECT, got GET"),
        (b"CONNECT example.com HTTP/1.0\r\n\r\n", 400, "expected HOST:PORT after CONNECT, got 'example.com'"),
        (b"CONNECT a:0 HTTP/1.0\r\n\r\n", 400, "expected HOST:PORT after CONNECT, got 'a:0'"),
        (b"CONNECT [a]:80 HTTP/1.0\r\n\r\n", 400, "expected HOST:PORT after CONNECT"),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", 400, "expected an HTTP head, got a malformed one"),
        (b"C\r\n\r\n", 400, "expected an HTTP head, got a malformed one"),
        (b"CONNECT a:1 HTTP/1.0\n\n\r\n\r\n", 400, "lines that end in CRLF"),
    ],
)
def test_malformed_request(data: bytes, status: int, text: str) -> None:
    """A malformed request is an error, and the client hears of it."""
    outcome = play(httpconnect.read_request(), data)
    assert outcome.sent.startswith(b"HTTP/1.1 %d " % status)
    with pytest.raises(RemoteProtocolError, match=text):
        outcome.result()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (b"", "no user name and password were given"),
        (b"Proxy-Authorization: Digest x\r\n", "no user name and password were given"),
        (b"Proxy-Authorization: Basic !!!\r\n", "no user name and password were given"),
        (b"Proxy-Authorization: Basic \xff\r\n", "no user name and password were given"),
        (b"Proxy-Authorization: Basic QQ==\r\n", "no user name and password were given"),
        (b"Proxy-Authorization: basic  QTpC\r\n", "the user name and password were refused"),
    ],
)
def test_wrong_credentials(field: bytes, text: str) -> None:
    """The client is told that Basic is wanted."""
    outcome = play(httpconnect.read_request(refuse), b"CONNECT a:1 HTTP/1.0\r\n" + field + b"\r\n")
    assert outcome.sent == (
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n"
        b'Proxy-Authenticate: Basic realm="proxywrap"\r\n\r\n'
    )
    with pytest.raises(ProxyRefused, match=text) as caught:
        outcome.result()
    assert caught.value.errno == errno.EACCES


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (HTTPStatus.OK, OK),
        (
            HTTPStatus.BAD_GATEWAY,
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
        (
            HTTPStatus.METHOD_NOT_ALLOWED,
            (
                b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n"
                b"Allow: CONNECT\r\n\r\n"
            ),
        ),
    ],
)
def test_reply(status: HTTPStatus, reply: bytes) -> None:
    """Success has no framing fields, anything else ends the connection."""
    assert play(httpconnect.send_reply(status), b"").sent == reply


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (0, 200),
        (errno.EACCES, 403),
        (errno.EHOSTUNREACH, 502),
        (errno.ENETUNREACH, 502),
        (errno.ECONNREFUSED, 503),
        (errno.ETIMEDOUT, 504),
        (errno.EIO, 500),
    ],
)
def test_status_for_errno(error: int, status: int) -> None:
    """The server's table is the inverse of the client's."""
    assert httpconnect.status_for_errno(error) == status


@given(
    st.binary(),
    st.sampled_from([b"", b"H", b"HTTP/1.1 200 ", b"HTTP/1.1 407 x\r\n", b"CONNECT a:1 HTTP/1.0\r\n"]),
)
def test_arbitrary_bytes(data: bytes, start: bytes) -> None:
    """Whatever arrives, only proxywrap's own errors come out."""
    for end in (b"", b"\r\n\r\n"):
        for flow in (httpconnect.connect(NAME), httpconnect.read_request(), httpconnect.read_request(refuse)):
            error = play(flow, start + data + end).error
            assert error is None or isinstance(error, ProtocolError | ProxyRefused)


def test_squid_says_which_name_it_does_not_know() -> None:
    """By a field of its own: 503 alone says that the destination refuses."""
    for field, seen in (
        (b"ERR_DNS_FAIL 0", errno.EHOSTUNREACH),
        (b"ERR_CONNECT_FAIL 111", errno.ECONNREFUSED),
    ):
        head = b"HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: " + field + b"\r\n\r\n"
        error = play(httpconnect.connect(Endpoint("typo.test", 80)), head).error
        assert isinstance(error, ProxyRefused)
        assert (error.errno, error.is_about_name) == (seen, seen == errno.EHOSTUNREACH)
        assert error.is_destination_fault
