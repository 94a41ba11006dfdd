"""The errors of proxywrap, each knowing the errno that the application must see.

::

    ProxywrapError
      ConfigError               the configuration is wrong; names FILE:LINE
      ProtocolError             a dialogue broke its protocol
        LocalProtocolError      we misused it
        RemoteProtocolError     the peer broke it
        TruncatedError          the peer closed in the middle of a message
      ProxyRefused              a hop answered, properly, that it will not
      ProxyUnreachable          a hop could not be connected to
        TimedOut                it fell silent
      HelperGone                the helper does not answer any more

The table of `Rep` and status codes to errno stands beside each protocol.
"""

from __future__ import annotations

import errno

from proxywrap.masking import masked

__all__ = [
    "ConfigError",
    "HelperGone",
    "LocalProtocolError",
    "ProtocolError",
    "ProxyRefused",
    "ProxyUnreachable",
    "ProxywrapError",
    "RemoteProtocolError",
    "TimedOut",
    "TruncatedError",
]


class ProxywrapError(Exception):
    """Base of everything that proxywrap raises on purpose."""

    errno: int = errno.ECONNREFUSED
    """What the application's connect() fails with."""

    exit_status: int = 125
    """What the command ends with: proxywrap's own error, as env(1) and timeout(1) say it."""


class ConfigError(ProxywrapError):
    """The configuration cannot be used.

    Args:
        reason: what was expected, what was found and what to do; credentials of URLs in it are masked.
        file: name of the file (or `-x`, `$PROXYWRAP_PROXY`), or None.
        line: line number from 1, or None where there are no lines.

    """

    def __init__(self, reason: str, file: str | None = None, line: int | None = None) -> None:
        self.reason = masked(reason)
        self.file = file
        self.line = line
        place = masked(":".join(str(part) for part in (file, line) if part is not None))
        super().__init__(f"{place}: {self.reason}" if place else self.reason)


class ProtocolError(ProxywrapError):
    """A dialogue with a proxy or a client broke its protocol."""


class LocalProtocolError(ProtocolError):
    """We were asked to send what the protocol cannot carry.

    Args:
        reason: what cannot be carried, and why.
        errno: what the application must see. ENETUNREACH, the default, is what
            a host without a route of that family says, so that a program with
            several addresses goes on to the next one.

    """

    def __init__(self, reason: str, *, errno: int = errno.ENETUNREACH) -> None:
        super().__init__(reason)
        self.reason = reason
        self.errno = errno


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow."""


class TruncatedError(RemoteProtocolError, EOFError):
    """The peer closed the connection in the middle of a message.

    Args:
        reason: what was expected.
        received: how many bytes of the message had come.

    """

    def __init__(self, reason: str, *, received: int = 0) -> None:
        super().__init__(reason)
        self.received = received


class ProxyRefused(ProxywrapError):
    """A hop answered that it will not do what it was asked.

    Args:
        reason: the hop's answer in words, without its name.
        errno: what the application must see.
        is_destination_fault: the answer is about the destination (refused,
            unreachable), so that it is the application's business alone; False
            where the chain itself is at fault (password, ruleset).
        is_authentication: the hop did not let us in, whatever it was asked for.
        is_about_name: the hop could not resolve a name, if it was asked for one.

    """

    def __init__(
        self,
        reason: str,
        *,
        errno: int,
        is_destination_fault: bool,
        is_authentication: bool = False,
        is_about_name: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.errno = errno
        self.is_destination_fault = is_destination_fault
        self.is_authentication = is_authentication
        self.is_about_name = is_about_name


class ProxyUnreachable(ProxywrapError):
    """A hop could not be connected to or did not answer in time.

    Args:
        reason: what happened in words, without the hop's name.
        errno: as the kernel said, or ETIMEDOUT.

    """

    def __init__(self, reason: str, *, errno: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.errno = errno


class TimedOut(ProxyUnreachable):
    """A hop that is connected to did not answer within `limit_s`."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"did not answer within {limit_s:g} s", errno=errno.ETIMEDOUT)
        self.limit_s = limit_s


class HelperGone(ProxywrapError):
    """The helper process ended or cannot be reached."""
