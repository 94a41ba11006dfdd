"""What OpenSSH's client says on stderr at LogLevel DEBUG2, and what it means for a hop.

Nothing else tells whether `ssh -W` has come to its destination: it goes on in
silence. A line is known by its beginning, as the server can have it print
others. Knows nothing of processes.
"""

from __future__ import annotations

import errno
import os
import re

from proxywrap.errors import ProxyRefused, ProxyUnreachable, ProxywrapError, TruncatedError
from proxywrap.net.blame import ADVICE

__all__ = ["HostKeyRefused", "NameUnknown", "NoConnection", "SshLog"]

MAX_LINES = 20
"""Lines that are kept: the last one says why ssh has ended."""

MAX_LINE_CHARS = 200
"""What is shown of a line that means nothing to us."""

_SIGNS = (
    (r"debug1: Connection established\.", ("is_connected",)),
    (r"debug1: Remote protocol version ", ("is_connected",)),
    (r"debug2: mux_client_hello_exchange: ", ("is_connected", "is_authenticated", "is_shared")),
    (r"(?:debug1: Authentication succeeded|Authenticated to) ", ("is_authenticated",)),
    (r"debug\d: mux_client_request_stdio_fwd: master session id", ("is_open",)),
    (r"debug2: channel \d+: open confirm ", ("is_open",)),
    (r"debug2: channel \d+: input \w+ -> closed", ("has_sent_all",)),
    (r"debug2: channel \d+: output \w+ -> closed", ("has_received_all",)),
)

_REFUSAL = r"(?:channel \d+: open failed|Stdio forwarding request failed): (.*)"

_DESTINATION = {
    "Connection refused": errno.ECONNREFUSED,
    "No route to host": errno.EHOSTUNREACH,
    "Host is unreachable": errno.EHOSTUNREACH,
    "Network is unreachable": errno.ENETUNREACH,
    "Connection timed out": errno.ETIMEDOUT,
    "Operation timed out": errno.ETIMEDOUT,
    "Name or service not known": errno.EHOSTUNREACH,
    "nodename nor servname provided, or not known": errno.EHOSTUNREACH,
    "No address associated with hostname": errno.EHOSTUNREACH,
    "Temporary failure in name resolution": errno.EHOSTUNREACH,
}
"""What an SSH server says of a destination, as its system does (RFC 4254, section 5.1: connect failed)."""

_NO_NAME = {
    "Name or service not known",
    "nodename nor servname provided, or not known",
    "No address associated with hostname",
    "Temporary failure in name resolution",
}

_PROHIBITED = "do AllowTcpForwarding and PermitOpen in its sshd_config allow that?"

_KEYS = "give it the right one, by ssh-add or as IdentityFile in ssh's configuration"


class NameUnknown(ProxyUnreachable):
    """The server's name is unknown here."""


class NoConnection(ProxyUnreachable):
    """The server cannot be connected to."""


class HostKeyRefused(ProxyUnreachable):
    """The server is not known to be the one that it should be."""


class SshLog:
    """What one ssh has said so far.

    `is_connected` to the server, `is_authenticated`, `is_open` when the
    destination is connected to; `has_sent_all` and `has_received_all` when the
    directions have ended; `is_shared` where another ssh has the connection.
    `refusal` is the server's answer about the destination.
    """

    def __init__(self) -> None:
        self.is_connected = False
        self.is_authenticated = False
        self.is_open = False
        self.has_sent_all = False
        self.has_received_all = False
        self.is_shared = False
        self.refusal: ProxyRefused | None = None
        self._lines: list[str] = []

    def take(self, line: str) -> None:
        """Take note of a line."""
        line = line.rstrip()
        for sign, fields in _SIGNS:
            if re.match(sign, line):
                for field in fields:
                    setattr(self, field, True)
                return
        refused = re.match(_REFUSAL, line)
        if refused is not None:
            self.refusal = _refusal(refused[1])
        elif line and not re.match(r"debug\d: ", line):
            self._lines = [*self._lines, line][-MAX_LINES:]

    def fault(self) -> ProxywrapError:
        """Return why ssh has ended before the destination was connected to."""
        for pattern, explain in _FAULTS:
            for line in reversed(self._lines):
                found = re.match(pattern, line)
                if found is not None:
                    return explain(found[found.lastindex or 0])
        if self.is_connected and not self.is_authenticated and not self._lines:
            return _closed("")
        last = self._lines[-1] if self._lines else "it said nothing"
        shown = "".join(ch if ch.isprintable() else "?" for ch in last)[:MAX_LINE_CHARS]
        reason = f"ssh has ended: {shown}: does `ssh -v` to that host say more?"
        return ProxyUnreachable(reason, errno=errno.ECONNREFUSED)


def _refusal(text: str) -> ProxyRefused:
    kind, _, what = text.partition(": ")
    if kind == "administratively prohibited":
        return ProxyRefused(f"{text}: {_PROHIBITED}", errno=errno.EACCES, is_destination_fault=False)
    if kind == "connect failed":
        error = _DESTINATION.get(what, errno.ECONNREFUSED)
        return ProxyRefused(text, errno=error, is_destination_fault=True, is_about_name=what in _NO_NAME)
    # By way of another ssh no reason is told, and a destination's is the likeliest.
    is_unknown = kind == "Session open refused by peer"
    return ProxyRefused(text, errno=errno.ECONNREFUSED, is_destination_fault=is_unknown)


def _no_name(what: str) -> ProxywrapError:
    reason = f"its name cannot be resolved: {what}: is it spelt right?"
    return NameUnknown(reason, errno=errno.EHOSTUNREACH)


def _no_connection(what: str) -> ProxywrapError:
    errors = {os.strerror(error): error for error in ADVICE}
    error = errors.get(what, errno.ECONNREFUSED)
    advice = ADVICE[error] if what in errors else "is its address right?"
    return NoConnection(f"cannot be connected to: {what}: {advice}", errno=error)


def _changed_key(_what: str) -> ProxywrapError:
    reason = (
        "its host key is another one than known_hosts has: find out why before you trust it; "
        "`ssh-keygen -R` with its name removes the old one"
    )
    return HostKeyRefused(reason, errno=errno.ECONNREFUSED)


def _unknown_key(_what: str) -> ProxywrapError:
    reason = (
        "its host key is not known here: connect to it once by ssh, and accept the key if it is the right one"
    )
    return HostKeyRefused(reason, errno=errno.ECONNREFUSED)


def _not_let_in(what: str) -> ProxywrapError:
    reason = f"lets us in with no key that ssh has ({what}): {_KEYS}"
    return ProxyRefused(reason, errno=errno.EACCES, is_destination_fault=False, is_authentication=True)


def _closed(_what: str) -> ProxywrapError:
    return TruncatedError("expected an SSH server, but the connection was closed")


_FAULTS = (
    (r"ssh: Could not resolve hostname [^:]*: (.*)", _no_name),
    (r"ssh: connect to host .* port \d+: (.*)", _no_connection),
    (r"@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", _changed_key),
    (r"Host key verification failed\.", _unknown_key),
    (r".*: Permission denied \((.*)\)\.$", _not_let_in),
    (r"Received disconnect from .*: (Too many authentication failures)", _not_let_in),
    (r"(?:kex|ssh)_exchange_identification: |Connection (?:closed|reset) by ", _closed),
    (r"client_loop: |Connection to .* closed by remote host", _closed),
)
"""How the lines begin that tell why ssh has ended, the likeliest cause first."""
