"""O_NONBLOCK is shared with the application: nothing here may touch it on a socket of somebody else's.

Python keeps a time-out for each socket object and sets the descriptor's flags
to match: `sock.dup()`, which calls `settimeout()` on the copy, makes the
application's own socket blocking. `os.dup()` and `socket.socket(fileno=…)` do not.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from .shim_object import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = ROOT / "proxywrap"

TOUCHING = {
    "F_SETFL",
    "FIONBIO",
    "accept",
    "connect_accepted_socket",
    "connect_read_pipe",
    "connect_write_pipe",
    "create_connection",
    "create_server",
    "dup",
    "fromfd",
    "makefile",
    "open_connection",
    "sendfile",
    "set_blocking",
    "setblocking",
    "setdefaulttimeout",
    "settimeout",
    "sock_accept",
}
"""What sets the flags of a descriptor, or makes an object that will."""

HARMLESS = {"os.dup"}

OURS = {
    "helper/admin.py": {"self._listener.accept": "connections of the socket `reload`"},
    "helper/early.py": {"listener.accept": "connections of the control socket"},
    "helper/life.py": {"self._setup.channel.setblocking": "the channel to the launcher"},
    "helper/server.py": {"listener.accept": "connections of the control socket"},
    "net/dnsserver.py": {"loop.create_server": "our name server's listener"},
    "net/landing.py": {
        "socket.create_server": "our listener",
        "listener.setblocking": "our listener",
        "listener.accept": "the partner of a lent socket, not that socket",
        "sock.setblocking": "the partner",
    },
    "net/probe.py": {"asyncio.open_connection": "a new socket"},
    "net/probessh.py": {"asyncio.open_connection": "the way to a server that is tried, a new socket"},
    "net/tunnel.py": {
        "self.sock.setblocking": "our end of ssh's stdin and stdout",
        "ours.setblocking": "our end of a new socketpair",
        "os.set_blocking": "our end of ssh's stderr",
    },
    "net/tunnels.py": {"os.set_blocking": "our copy of ssh's stdin"},
    "net/unix.py": {"sock.setblocking": "a new socket"},
    "net/waymaking.py": {"ours.setblocking": "our end of a new socketpair"},
}
"""Whose socket it is, where one of them is used beside applications' sockets."""


def _uses(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in TOUCHING:
            name = ast.unparse(node)
            if name not in HARMLESS:
                yield name


@pytest.mark.parametrize("folder", ["helper", "net"])
def test_only_our_own_sockets_are_touched(folder: str) -> None:
    """Whoever adds a use says whose socket it is; one that is gone is taken off the list."""
    found = {}
    for path in sorted((PACKAGE / folder).glob("*.py")):
        if uses := set(_uses(ast.parse(path.read_text()))):
            found[f"{folder}/{path.name}"] = uses
    assert found == {name: set(uses) for name, uses in OURS.items() if name.startswith(folder)}


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("copy = sock.dup()", ["sock.dup"]),
        ("os.dup(sock.fileno())", []),
        ("self._sock.settimeout(1)", ["self._sock.settimeout"]),
        ("fcntl.fcntl(sock, fcntl.F_SETFL, 0)", ["fcntl.F_SETFL"]),
    ],
)
def test_a_use_is_seen(text: str, uses: list[str]) -> None:
    """A method of the socket, a flag that is set, and not os.dup."""
    assert list(_uses(ast.parse(text))) == uses
