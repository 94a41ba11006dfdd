"""How OpenSSH's client is called: with the user's own configuration, and never to ask a question."""

from __future__ import annotations

import os
import sys

from proxywrap.address import Endpoint
from proxywrap.errors import LocalProtocolError
from proxywrap.uri import ProxyURI

__all__ = ["forwarding", "place_query"]

_PASSER = "from socket import*;send_fds(socket(fileno=1),[bytes(1)],recv_fds(socket(fileno=2),1,1)[1])"
"""Passes on a socket, from whom stderr leads to, to ssh: the one thing beside its own that ssh leaves open.

Whatever shell runs it: there is nothing in it that means something to one in single quotes.
"""

_SPECIAL = frozenset("\\[]/")
"""What ssh takes for something else in the host of -W."""


def forwarding(hop: ProxyURI, target: Endpoint, version: int | None, *, is_passed: bool) -> list[str]:
    """Return what connects stdin and stdout to `target`, by way of the SSH server `hop`.

    LocalCommand would write to stdout. A ControlMaster would stay when we end; one that is there
    already is used, but not behind other hops, past which it leads.

    Args:
        hop: the server.
        target: as the server is to be asked for it.
        version: of IP, by which alone the server is reached; None for either.
        is_passed: whether ssh gets its connection from `_PASSER`.

    Raises:
        LocalProtocolError: ssh cannot be asked for that.

    """
    if isinstance(target.host, str) and _SPECIAL & set(target.host):
        raise LocalProtocolError("expected a name of letters, digits, '-', '_' and '.', which ssh takes")
    options = ["LogLevel=DEBUG2", "BatchMode=yes", "PermitLocalCommand=no", "ControlMaster=no"]
    if is_passed:
        python = sys.executable.replace("%", "%%")
        options += [
            "ControlPath=none",
            "ProxyUseFdpass=yes",
            f"ProxyCommand='{python}' -I -S -c '{_PASSER}'",
        ]
    words = [word for option in options for word in ("-o", option)]
    if version is not None and not is_passed:
        words.append(f"-{version}")
    return ["ssh", *words, "-W", str(target), *_login(hop)]


def place_query(hop: ProxyURI) -> list[str]:
    """Return what prints where ssh would connect to for `hop`, among the rest of its configuration."""
    return ["ssh", "-G", *_login(hop)]


def _login(hop: ProxyURI) -> list[str]:
    port = ["-p", str(hop.port)] if hop.port else []
    user = ["-l", os.fsdecode(hop.username)] if hop.username is not None else []
    return [*port, *user, "--", str(hop.host)]
