"""What a client asked of a server, whichever protocol it was asked in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proxywrap.address import Endpoint
from proxywrap.protocol.command import Command
from proxywrap.scheme import Scheme

__all__ = ["Check", "Request"]

Check = Callable[[bytes, bytes], bool]
"""Tells whether a user name and password are right; SOCKS4 passes an empty password."""


@dataclass(frozen=True)
class Request:
    """A request, parsed and with its credentials found right.

    `destination` is as the client asked: a name stays a name. `username` is
    None where none was given, `password` where none was read.
    """

    scheme: Scheme
    cmd: Command
    destination: Endpoint
    username: bytes | None = None
    password: bytes | None = field(default=None, repr=False, compare=False)
