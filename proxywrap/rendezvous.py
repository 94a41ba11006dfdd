"""Where launcher, helper and shim meet: sockets, their names and the token.

All of it is there before anything forks.
"""

from __future__ import annotations

import os
import socket
from typing import Self

import proxywrap
from proxywrap.errors import ProxywrapError
from proxywrap.helper.directory import CONTROL, PREFIX, PRELOAD, RELOAD, UNFIT, abstract_reload_name
from proxywrap.protocol.wire import TOKEN_BYTES, VERSION

__all__ = ["Rendezvous"]

MAX_PRELOAD_BYTES = 255
"""The shim's own room for the path (channel.h)."""


class Rendezvous:
    """The sockets and names that COMMAND and the helper will share.

    Args:
        directory: the runtime directory, None where there is none.

    """

    def __init__(self, directory: str | None) -> None:
        self.token = os.urandom(TOKEN_BYTES)
        abstract = f"{PREFIX}{os.urandom(8).hex()}"
        self.listeners = [_listen(b"\0" + abstract.encode())]
        if directory is None:
            path = ""
            self.admin = _listen(b"\0" + abstract_reload_name(abstract).encode())
        else:
            path = f"{directory}/{CONTROL}"
            self.listeners.insert(0, _listen(os.fsencode(path)))  # the first, for no stranger gets there
            self.admin = _listen(os.fsencode(f"{directory}/{RELOAD}"), 0o600)
        self.preload = _preload_path(directory)
        self.channel_value = ":".join(
            (str(VERSION), self.token.hex(), _launcher(), abstract, path, self.preload)
        )
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close our copies of the sockets; the helper's live on."""
        for sock in (*self.listeners, self.admin, self.theirs, self.ours):
            sock.close()


def _launcher() -> str:
    """Return by what the shim knows who listens: our user and process, and where the user's id counts."""
    try:
        users = os.stat("/proc/self/ns/user")
    except OSError:  # without /proc a process under another user id asks for a proof each time
        return f"{os.geteuid()}.{os.getpid()}.0.0"
    return f"{os.geteuid()}.{os.getpid()}.{users.st_dev}.{users.st_ino}"


def _listen(address: bytes, mode: int = 0o666) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    listener.bind(address)
    if not address.startswith(b"\0"):
        # Under another uid the token is what counts; the directory keeps others out.
        os.chmod(address, mode)
    listener.listen(socket.SOMAXCONN)
    return listener


def _preload_path(directory: str | None) -> str:
    """Return the shim's path, by way of a link where LD_PRELOAD cannot hold it."""
    path = os.path.join(os.path.realpath(proxywrap.__path__[0]), "_preload.abi3.so")
    if set(path) & UNFIT or len(os.fsencode(path)) > MAX_PRELOAD_BYTES:
        if directory is None:
            raise ProxywrapError(
                f"{path}: LD_PRELOAD cannot hold this path, and there is no place for a link to it: "
                "expected a directory of our own that can be written to, found none; "
                "give one in XDG_RUNTIME_DIR"
            )
        link = f"{directory}/{PRELOAD}"
        os.symlink(path, link)
        path = link
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as exc:
        raise ProxywrapError(
            f"{path}: expected the shim there: {exc.strerror}; install proxywrap anew"
        ) from exc
    return path
