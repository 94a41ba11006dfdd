"""Tor's look-ups by SOCKS5 (spec.torproject.org, socks-extensions, "Name lookup"): the client's role.

Knows nothing of sockets. Behind the method negotiation of RFC 1928::

    client                                              Tor
      VER=5 CMD=F0 (RESOLVE) RSV ATYP=3 name 0      -->
                                                    <--   VER=5 REP=0 RSV ATYP=1 or 4 address 0
      VER=5 CMD=F1 (RESOLVE_PTR) RSV ATYP=1 or 4 address 0  -->
                                                    <--   VER=5 REP=0 RSV ATYP=3 name 0

Tor says REP 4, host unreachable, of what nobody has an answer to, and closes
the connection after each answer.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from proxywrap.address import Endpoint, Host, normalise_name
from proxywrap.errors import ProxyRefused, RemoteProtocolError
from proxywrap.protocol.command import Command
from proxywrap.protocol.effects import Flow
from proxywrap.protocol.socks5 import REP_ERRNO, Rep
from proxywrap.protocol.socks5client import Login, converse

__all__ = ["Answer", "look_up"]

Answer = IPv4Address | IPv6Address | str | None
"""An address, where a name was asked about, or a name where an address was; None: there is none."""


def look_up(question: Host, login: Login, *, in_one_flight: bool = False) -> Flow[Answer]:
    """Ask Tor for the address of a name, or for the name of an address.

    Returns:
        The answer; a name is one that a host can have.

    Raises:
        ProxyRefused: the proxy does not let us in, or does not look names up.
        RemoteProtocolError: the answer is not one of SOCKS5, or to another question.
        TruncatedError: the proxy closed in the middle.
        LocalProtocolError: a name, user name or password that is too long.

    """
    cmd = Command.RESOLVE if isinstance(question, str) else Command.RESOLVE_PTR
    try:
        answer = (yield from converse(cmd, Endpoint(question, 0), login, in_one_flight=in_one_flight)).host
    except ProxyRefused as exc:
        if exc.is_destination_fault and exc.errno == REP_ERRNO[Rep.HOST_UNREACHABLE]:
            return None
        raise
    if isinstance(question, str) == isinstance(answer, str):
        what = "an address" if isinstance(question, str) else "a name"
        raise RemoteProtocolError(f"expected {what} in the answer to {cmd.name}, got another type of address")
    return _checked(answer) if isinstance(answer, str) else answer


def _checked(name: str) -> str | None:
    """Return a name as `normalise_name` does; None for what no host is called, as resolvers have it.

    It comes from whoever has the address, and programs print it and compare it.
    """
    if not name.isascii() or name.startswith("-"):
        return None
    if not name.replace("-", "").replace(".", "").replace("_", "").isalnum():
        return None
    try:
        return normalise_name(name)
    except ValueError:
        return None
