"""RFC 1929: the user name/password sub-negotiation of SOCKS5, for both roles.

Knows nothing of sockets. It runs between the method negotiation and the
request::

    client                                        server
      VER=1 ULEN UNAME PLEN PASSWD          -->
                                            <--   VER=1 STATUS (0: success)

The RFC asks for one octet at least of each; an empty password is common enough
that both roles allow it.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from proxywrap.errors import LocalProtocolError, ProxyRefused
from proxywrap.protocol.diagnosis import mismatch
from proxywrap.protocol.effects import Flow, ReadExactly, Send

if TYPE_CHECKING:
    from proxywrap.protocol.request import Check  # of the server's role, which the helper never plays

__all__ = ["authenticate", "check_credentials", "check_status", "pack_request", "read_status"]

VERSION = 1
SUCCESS = 0
FAILURE = 1
MAX_BYTES = 255
ADVICE = "check them in the proxy's URL"

REPLY_VERSIONS = {VERSION, 5}
"""Some servers answer with the version of SOCKS itself; proxychains-ng takes both."""


def authenticate(username: bytes, password: bytes, advice: str = ADVICE) -> Flow[None]:
    """Prove to the server who we are; raises as `pack_request` and `read_status`."""
    yield Send(pack_request(username, password))
    yield from read_status(advice)


def pack_request(username: bytes, password: bytes) -> bytes:
    """Return the client's message.

    Raises:
        LocalProtocolError: one of them is longer than 255 bytes (EACCES).

    """
    for what, value in (("user name", username), ("password", password)):
        if len(value) > MAX_BYTES:
            raise LocalProtocolError(
                f"expected a {what} of at most {MAX_BYTES} bytes, found {len(value)}", errno=errno.EACCES
            )
    return bytes([VERSION, len(username)]) + username + bytes([len(password)]) + password


def read_status(advice: str = ADVICE) -> Flow[None]:
    """Read the server's answer.

    Args:
        advice: what to do where they are refused.

    Raises:
        ProxyRefused: the server refused them (EACCES).
        RemoteProtocolError: the answer is not one of RFC 1929.
        TruncatedError: the server closed in the middle.

    """
    ver, status = yield ReadExactly(2)
    check_status(ver, status, advice)


def check_status(ver: int, status: int, advice: str = ADVICE) -> None:
    """Raise what `read_status` does of the two octets that it reads."""
    if ver not in REPLY_VERSIONS:
        raise mismatch("a reply of version 1 to the user name and password", ver)
    if status != SUCCESS:
        raise _refusal(status, advice)


def check_credentials(check: Check | None) -> Flow[tuple[bytes, bytes]]:
    """Read a client's credentials, answer, and return them.

    Args:
        check: who may pass; None lets all pass.

    Raises:
        ProxyRefused: `check` said no; the client has been told.
        RemoteProtocolError: this is not RFC 1929.
        TruncatedError: the client closed in the middle.

    """
    ver, ulen = yield ReadExactly(2)
    if ver != VERSION:
        raise mismatch("version 1 of the user name and password", ver, of_client=True)
    data = yield ReadExactly(ulen + 1)
    username, plen = data[:-1], data[-1]
    password = (yield ReadExactly(plen)) if plen else b""
    if check is not None and not check(username, password):
        yield Send(bytes([VERSION, FAILURE]))
        raise _refusal(FAILURE)
    yield Send(bytes([VERSION, SUCCESS]))
    return username, password


def _refusal(status: int, advice: str = ADVICE) -> ProxyRefused:
    return ProxyRefused(
        f"the user name and password were refused (status {status}): {advice}",
        errno=errno.EACCES,
        is_destination_fault=False,
        is_authentication=True,
    )
