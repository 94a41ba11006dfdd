"""HTTP CONNECT (RFC 9110, section 9.3.6), for both roles.

Knows nothing of sockets. Heads are parsed and serialised by h11; what this
module adds is where a head ends and what its status means for a connect()::

    client                                              server
      CONNECT host:port HTTP/1.1, Host,
      [Proxy-Authorization: Basic]                -->
                                      [1xx heads] <--
                                                  <--   2xx: the tunnel begins
                                                        right after the blank line

The first byte of a head is read alone, because a server of another protocol may
answer with two bytes and wait; the rest up to the blank line and no further.
Bodies are never read: a 2xx to CONNECT has none whatever its fields say, and
after any other status the connection is of no use.
"""

from __future__ import annotations

import errno
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from http import HTTPStatus

import h11

from proxywrap.address import Endpoint, parse_host, parse_port, unmapped
from proxywrap.errors import LocalProtocolError, ProxyRefused, RemoteProtocolError
from proxywrap.protocol.command import Command, encode_name
from proxywrap.protocol.diagnosis import mismatch, read_answer
from proxywrap.protocol.effects import Flow, ReadUntil, Send
from proxywrap.protocol.request import Check, Request
from proxywrap.scheme import Scheme

__all__ = ["MAX_HEAD_BYTES", "STATUS_ERRNO", "connect", "read_request", "send_reply", "status_for_errno"]

END_OF_HEAD = b"\r\n\r\n"

MAX_HEAD_BYTES = 16 * 1024
"""Most bytes of a request head, and of all response heads together: a security limit, and h11's own."""

STATUS_ERRNO = {
    HTTPStatus.UNAUTHORIZED: errno.EACCES,  # tinyproxy's answer to a wrong password, in place of 407
    HTTPStatus.FORBIDDEN: errno.EACCES,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: errno.EACCES,
    HTTPStatus.BAD_GATEWAY: errno.EHOSTUNREACH,
    HTTPStatus.SERVICE_UNAVAILABLE: errno.ECONNREFUSED,
    HTTPStatus.GATEWAY_TIMEOUT: errno.ETIMEDOUT,
}
"""What the application sees for a status; EHOSTUNREACH for any other."""

_ABOUT_DESTINATION = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}

_ABOUT_CREDENTIALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}

_ERRNO_STATUS = {
    0: HTTPStatus.OK,
    errno.EACCES: HTTPStatus.FORBIDDEN,
    errno.ENETUNREACH: HTTPStatus.BAD_GATEWAY,
    **{STATUS_ERRNO[status]: status for status in _ABOUT_DESTINATION},
}

_NO_NAME_OF_SQUID = b"ERR_DNS_FAIL"

_OF_TINYPROXY = "HTTP 500 Unable to connect"
"""Its answer for a destination that refuses, or that nobody knows."""

# RFC 3986, section 3.2.2: what a reg-name may be made of. Anything else could
# end the authority early and name another destination.
_REG_NAME = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%-]+")

# RFC 9110, section 9.3.6: "A client MUST ignore any Content-Length or
# Transfer-Encoding header fields received in a successful response to CONNECT."
# h11 would refuse a malformed one, and no body is read after a failure either.
_FRAMING_FIELDS = re.compile(rb"(?im)^(?:content-length|transfer-encoding):.*\r\n(?:[ \t].*\r\n)*")


def status_for_errno(error: int) -> HTTPStatus:
    """Return the status for a destination that failed with `error`, 0 meaning success."""
    return _ERRNO_STATUS.get(error, HTTPStatus.INTERNAL_SERVER_ERROR)


def _is_success(status: int) -> bool:
    return 200 <= status < 300


# ---
# Client


def connect(
    destination: Endpoint, username: bytes | None = None, password: bytes | None = None
) -> Flow[None]:
    """Ask an HTTP proxy for a tunnel to `destination`; any 2xx is success.

    Args:
        destination: where to; a name is resolved by the proxy.
        username: sent with Basic authentication (RFC 7617), unless None.
        password: None counts as an empty one.

    Raises:
        ProxyRefused: the final status is not 2xx.
        RemoteProtocolError: the answer is not one of HTTP.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: a name that cannot stand in an authority
            (EHOSTUNREACH), or a user name that Basic cannot carry (EACCES).

    """
    authority = _pack_authority(destination)
    headers = [(b"Host", authority)]
    if username is not None:
        headers.append((b"Proxy-Authorization", _pack_basic(username, password or b"")))
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
    yield Send(connection.send(h11.Request(method=b"CONNECT", target=authority, headers=headers)) or b"")
    connection.send(h11.EndOfMessage())
    response = yield from _read_response(connection)
    if not _is_success(response.status_code):
        raise _refusal(response, has_credentials=username is not None)


def _read_response(connection: h11.Connection) -> Flow[h11.Response]:
    """Read the final response head, interim ones skipped (RFC 9110, section 15.2)."""
    left = MAX_HEAD_BYTES
    while left > len(END_OF_HEAD):
        first = yield from read_answer(1, "an HTTP response")
        if first != b"H":
            raise mismatch("an HTTP response", first[0])
        head = first + (yield ReadUntil(END_OF_HEAD, left - 1))
        left -= len(head)
        event = _parse_head(connection, _FRAMING_FIELDS.sub(b"", head))
        if isinstance(event, h11.Response):
            return event
    raise RemoteProtocolError(f"expected response heads of at most {MAX_HEAD_BYTES} bytes, got more")


def _parse_head(connection: h11.Connection, head: bytes) -> object:
    try:
        connection.receive_data(head)
        event = connection.next_event()
    except h11.RemoteProtocolError as exc:
        raise RemoteProtocolError(f"expected an HTTP head, got a malformed one: {exc}") from exc
    trailing, _closed = connection.trailing_data
    if event is h11.NEED_DATA or trailing:
        # h11 takes a bare LF for a line end, so its head may be shorter than ours.
        raise RemoteProtocolError("expected an HTTP head with lines that end in CRLF")
    return event


def _pack_authority(destination: Endpoint) -> bytes:
    host = unmapped(destination.host)
    if isinstance(host, str):
        name = encode_name(host)
        if not _REG_NAME.fullmatch(name):
            raise LocalProtocolError(f"HTTP cannot carry the host name {host!a}", errno=errno.EHOSTUNREACH)
        return b"%s:%d" % (name, destination.port)
    return str(Endpoint(host, destination.port)).encode("ascii")


def _pack_basic(username: bytes, password: bytes) -> bytes:
    if b":" in username:
        # RFC 7617, section 2: "a user-id containing a colon character is invalid".
        raise LocalProtocolError(
            "Basic authentication cannot carry a user name with a colon", errno=errno.EACCES
        )
    return b"Basic " + b64encode(username + b":" + password)


def _refusal(response: h11.Response, *, has_credentials: bool) -> ProxyRefused:
    code = response.status_code
    # The phrase is the proxy's; what it may hold beyond ASCII could steer a terminal.
    phrase = bytes(response.reason).decode("ascii", "backslashreplace")
    reason = f"HTTP {code} {phrase}".rstrip()
    is_about_destination = code in _ABOUT_DESTINATION or reason == _OF_TINYPROXY
    if code in _ABOUT_CREDENTIALS:
        schemes = [
            bytes(value).split(b" ")[0].lower()
            for name, value in response.headers
            if name in {b"proxy-authenticate", b"www-authenticate"}
        ]
        if schemes and b"basic" not in schemes:
            wanted = b", ".join(schemes).decode("ascii", "backslashreplace")
            reason += f": the proxy wants {wanted} authentication, only basic is known: ask whoever runs it"
        elif has_credentials:
            reason += ": the user name and password were refused: check them in the proxy's URL"
        else:
            reason += ": the proxy wants a user name and password: write http://USER:PASSWORD@HOST:PORT"
    elif code == HTTPStatus.FORBIDDEN:
        reason += ": whoever runs it can change its rules; many let only port 443 pass"
    elif not is_about_destination:
        reason += ": does it carry CONNECT? A web server does not; a proxy's own log says why"
    known = next((status for status in STATUS_ERRNO if status == code), None)
    otherwise = errno.ECONNREFUSED if is_about_destination else errno.EHOSTUNREACH
    error = otherwise if known is None else STATUS_ERRNO[known]
    is_unknown_name = any(
        name == b"x-squid-error" and bytes(value).startswith(_NO_NAME_OF_SQUID)
        for name, value in response.headers
    )
    return ProxyRefused(
        reason,
        errno=errno.EHOSTUNREACH if is_unknown_name else error,
        is_destination_fault=is_about_destination,
        is_authentication=code in _ABOUT_CREDENTIALS,
        is_about_name=is_unknown_name or code == HTTPStatus.BAD_GATEWAY,
    )


# ---
# Server


def read_request(check: Check | None = None, first: bytes = b"") -> Flow[Request]:
    """Read a CONNECT request; its reply is still to be sent.

    Args:
        check: who may pass; None lets all pass.
        first: what has been read of the head already.

    Raises:
        ProxyRefused: `check` said no, or there was nothing to check; the
            client has been told.
        RemoteProtocolError: this is not HTTP, or not CONNECT; the client has
            been told of the latter.
        TruncatedError: the client closed in the middle.

    """
    head = first + (yield ReadUntil(END_OF_HEAD, MAX_HEAD_BYTES - len(first)))
    try:
        event = _parse_head(h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES), head)
        request = _parse_request(event)
    except RemoteProtocolError as exc:
        is_other_method = isinstance(exc, _NotConnectError)
        yield from send_reply(HTTPStatus.METHOD_NOT_ALLOWED if is_other_method else HTTPStatus.BAD_REQUEST)
        raise
    if check is None:
        return request
    headers = dict(event.headers) if isinstance(event, h11.Request) else {}
    credentials = _parse_basic(headers.get(b"proxy-authorization", b""))
    if credentials is None or not check(*credentials):
        yield from send_reply(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)
        raise ProxyRefused(
            "the user name and password were refused"
            if credentials
            else "no user name and password were given",
            errno=errno.EACCES,
            is_destination_fault=False,
        )
    return Request(request.scheme, request.cmd, request.destination, credentials[0])


class _NotConnectError(RemoteProtocolError):
    """A request with another method than CONNECT."""


def _parse_request(event: object) -> Request:
    if not isinstance(event, h11.Request) or event.method != b"CONNECT":
        method = bytes(event.method).decode("ascii") if isinstance(event, h11.Request) else "nothing"
        raise _NotConnectError(f"expected the method CONNECT, got {method}")
    target = bytes(event.target).decode("ascii")
    host, _colon, port = target.rpartition(":")
    try:
        return Request(Scheme.HTTP, Command.CONNECT, Endpoint(parse_host(host), parse_port(port)))
    except ValueError as exc:
        raise RemoteProtocolError(f"expected HOST:PORT after CONNECT, got {target!r}") from exc


def _parse_basic(value: bytes) -> tuple[bytes, bytes] | None:
    scheme, _blank, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        username, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
    except (Base64Error, ValueError):
        return None
    return (username, password) if colon else None


def send_reply(status: HTTPStatus) -> Flow[None]:
    """Send the reply to a request: after 2xx the tunnel, after any other the end of the connection."""
    headers = []
    if not _is_success(status):
        headers = [(b"Content-Length", b"0"), (b"Connection", b"close")]
    if status is HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        headers.append((b"Proxy-Authenticate", b'Basic realm="proxywrap"'))
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"Allow", b"CONNECT"))
    phrase = "Connection established" if status is HTTPStatus.OK else status.phrase
    connection = h11.Connection(h11.SERVER)
    # A 2xx may go without framing fields only as the answer to CONNECT, and h11
    # must have seen one to know.
    connection.receive_data(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    connection.next_event()
    response = h11.Response(status_code=status, headers=headers, reason=phrase.encode("ascii"))
    yield Send(connection.send(response) or b"")
