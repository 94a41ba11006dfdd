"""SOCKS5 (RFC 1928), the client's role; `socks5` shows the dialogue."""

from __future__ import annotations

import errno
from typing import NamedTuple

from proxywrap.address import Endpoint
from proxywrap.errors import ProtocolError, ProxyRefused, ProxyUnreachable, RemoteProtocolError
from proxywrap.protocol import userpass
from proxywrap.protocol.command import TOR_COMMANDS, Command
from proxywrap.protocol.diagnosis import mismatch, read_answer, wordless_refusal
from proxywrap.protocol.effects import Flow, ReadExactly, Send
from proxywrap.protocol.socks5 import (
    ABOUT_DESTINATION,
    REP_ERRNO,
    RSV,
    VERSION,
    Atyp,
    Method,
    Rep,
    pack_address,
    parse_number,
    read_address,
)

__all__ = ["Login", "converse", "negotiate", "request"]

_ATYPS = frozenset(Atyp)

_METHOD_ANSWER = "the answer of a SOCKS5 proxy to the methods offered"

_REASONS = {
    Rep.GENERAL_FAILURE: "general failure of the proxy{code}: its own log says why",
    Rep.NOT_ALLOWED: "not allowed by the proxy's rules{code}: whoever runs it can change them",
    Rep.NETWORK_UNREACHABLE: "network unreachable{code}",
    Rep.HOST_UNREACHABLE: "host unreachable{code}",
    Rep.CONNECTION_REFUSED: "connection refused by the destination{code}",
    Rep.TTL_EXPIRED: "TTL expired{code}",
    Rep.COMMAND_NOT_SUPPORTED: "the proxy does not carry CONNECT{code}: its configuration has to allow it",
    Rep.ADDRESS_TYPE_NOT_SUPPORTED: "the proxy knows no such type of address{code}: IPv6, or names?",
}


class Login(NamedTuple):
    """Who we are to a proxy.

    `is_needed` where a proxy that lets everybody in must hear it too.
    """

    username: bytes | None = None
    password: bytes | None = None
    is_needed: bool = False

    def __repr__(self) -> str:
        """Show neither user name nor password."""
        return f"Login(is_needed={self.is_needed})"

    @property
    def credentials(self) -> tuple[bytes, bytes] | None:
        """The user name and the password, where there are any; None for a password counts as an empty one."""
        return None if self.username is None else (self.username, self.password or b"")

    @property
    def advice(self) -> str:
        """What to do where they are refused."""
        return "isolate= has made them up: write yours in its place" if self.is_needed else userpass.ADVICE


def converse(cmd: Command, about: Endpoint, login: Login, *, in_one_flight: bool = False) -> Flow[Endpoint]:
    """Hold the whole dialogue with a SOCKS5 proxy.

    In one flight it takes two round trips fewer, of which RFC 1928 knows
    nothing: what the proxy says to each part is read when all is sent, and one
    that forgets what it has read beyond the part it is at will not answer. One
    method is offered, for what follows depends on which it is.

    Args:
        cmd: what is asked for.
        about: what it is asked about.
        login: who we are.
        in_one_flight: send all of it at once.

    Returns:
        BND.ADDR and BND.PORT. A name among them is not checked in any way.

    Raises:
        ProxyRefused: the proxy said no, with the errno of `REP_ERRNO`, or has let us in and closes
            or is silent when it is asked.
        RemoteProtocolError: the answer is not one of SOCKS5.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: a name, user name or password that is too long.

    """
    packed = pack_address(about)  # a name too long is known before the first byte goes out
    if in_one_flight:
        return (yield from _converse_in_one_flight(cmd, packed, login))
    yield from negotiate(login)
    return (yield from _request(cmd, packed))


def _converse_in_one_flight(cmd: Command, packed: bytes, login: Login) -> Flow[Endpoint]:
    credentials = login.credentials
    method = Method.NO_AUTHENTICATION if credentials is None else Method.USERNAME_PASSWORD
    flight = bytes([VERSION, 1, method])
    if credentials is not None:
        flight += userpass.pack_request(*credentials)
    yield Send(flight + _pack_request(cmd, packed))
    if credentials is None:
        yield from _read_method([method], login)
    else:
        yield from _read_method_and_status(login)
    return (yield from _read_reply(cmd))


def _read_method_and_status(login: Login) -> Flow[None]:
    """Read two answers, or the second one alone.

    Tor, which got both parts at once, says nothing to the first of them.
    """
    ver, code = yield from read_answer(2, _METHOD_ANSWER)
    if ver == userpass.VERSION:
        userpass.check_status(ver, code, login.advice)
        return
    _check_method(ver, code, [Method.USERNAME_PASSWORD], login)
    yield from userpass.read_status(login.advice)


def request(cmd: Command, destination: Endpoint) -> Flow[Endpoint]:
    """Send a request and read its reply (sections 4 and 6).

    Returns:
        BND.ADDR and BND.PORT. A name among them is not checked in any way.

    Raises:
        ProxyRefused: the reply is not SUCCEEDED, or there is none.
        RemoteProtocolError: the answer is not one of SOCKS5.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: a name that is too long.

    """
    return (yield from _request(cmd, pack_address(destination)))


def negotiate(login: Login) -> Flow[None]:
    """Agree on a method, and give a password where that is it (sections 3 and 7).

    Raises:
        ProxyRefused: the proxy does not let us in.
        RemoteProtocolError: the answer is not one of SOCKS5.
        TruncatedError: the proxy closed in the middle.

    """
    methods = [] if login.is_needed else [Method.NO_AUTHENTICATION]
    methods += [Method.USERNAME_PASSWORD] * (login.credentials is not None)
    yield Send(bytes([VERSION, len(methods), *methods]))
    method = yield from _read_method(methods, login)
    if method == Method.USERNAME_PASSWORD and login.credentials is not None:
        yield from userpass.authenticate(*login.credentials, login.advice)


def _read_method(methods: list[Method], login: Login) -> Flow[int]:
    ver, method = yield from read_answer(2, _METHOD_ANSWER)
    _check_method(ver, method, methods, login)
    return method


def _check_method(ver: int, method: int, methods: list[Method], login: Login) -> None:
    if ver != VERSION:
        raise mismatch("SOCKS version 5", ver)
    if method == Method.NO_ACCEPTABLE:
        raise _no_acceptable(login)
    if method not in methods:
        raise RemoteProtocolError(f"expected one of the methods {[int(m) for m in methods]}, got {method}")


def _request(cmd: Command, packed: bytes) -> Flow[Endpoint]:
    yield Send(_pack_request(cmd, packed))
    return (yield from _read_reply(cmd))


def _pack_request(cmd: Command, packed: bytes) -> bytes:
    return bytes([VERSION, cmd, RSV]) + packed


def _read_reply(cmd: Command) -> Flow[Endpoint]:
    ver, rep = yield from _read_verdict()
    if ver != VERSION:
        raise mismatch("a SOCKS5 reply of version 5", ver)
    if rep != Rep.SUCCEEDED:
        raise _refusal(cmd, rep)
    _rsv, atyp = yield ReadExactly(2)
    if atyp not in _ATYPS:
        raise RemoteProtocolError(f"expected an address type 1, 3 or 4 in the SOCKS5 reply, got {atyp}")
    data, port = yield from read_address(Atyp(atyp))
    if atyp == Atyp.DOMAINNAME:
        return Endpoint(data.decode("utf-8", "surrogateescape"), port)
    return Endpoint(parse_number(atyp, data), port)


def _read_verdict() -> Flow[bytes]:
    """Read VER and REP; the proxy has let us in, so closing and silence are its answer as well."""
    try:
        return (yield ReadExactly(2))
    except (ProtocolError, ProxyUnreachable, OSError) as exc:
        refusal = wordless_refusal(exc)
        if refusal is None:
            raise
        raise refusal from exc


def _no_acceptable(login: Login) -> ProxyRefused:
    if login.is_needed:
        reason = "the proxy takes no user name and password, by which it would tell us apart: remove isolate="
    elif login.credentials is not None:
        reason = "the proxy takes neither user name and password nor none: GSSAPI cannot be carried"
    else:
        reason = "the proxy wants a user name and password: write socks5://USER:PASSWORD@HOST:PORT"
    return ProxyRefused(reason, errno=errno.EACCES, is_destination_fault=False, is_authentication=True)


def _refusal(cmd: Command, code: int) -> ProxyRefused:
    if code not in Rep.__members__.values():
        return ProxyRefused(
            f"unassigned reply (REP {code}): its own log may say why",
            errno=errno.EHOSTUNREACH,
            is_destination_fault=False,
        )
    rep = Rep(code)
    reason = _REASONS[rep]
    if rep is Rep.COMMAND_NOT_SUPPORTED and cmd in TOR_COMMANDS:
        reason = f"the proxy knows no {cmd.name}{{code}}: is it Tor? If not, remove tor=1"
    return ProxyRefused(
        reason.format(code=f" (REP {code})"),
        errno=REP_ERRNO[rep],
        is_destination_fault=rep in ABOUT_DESTINATION,
        is_about_name=rep in {Rep.GENERAL_FAILURE, Rep.HOST_UNREACHABLE},
    )
