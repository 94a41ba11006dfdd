"""What COMMAND tells the service manager by sd_notify(3), passed on.

A manager believes the main process of a service, which is the launcher, and
drops what COMMAND says (NotifyAccess=main). So COMMAND is given a socket of the
launcher's in $NOTIFY_SOCKET. What COMMAND itself says goes on from the launcher;
what another wrapped process says goes on from the helper, for the manager
to judge as it would judge that process (NotifyAccess=all). Others are not heard.
"""

from __future__ import annotations

import array
import os
import socket
import struct
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from proxywrap.helper.directory import places
from proxywrap.helper.family import descends

__all__ = [
    "DIRECTORY_PREFIX",
    "MAX_DESCRIPTORS",
    "MAX_MESSAGE_BYTES",
    "NAME",
    "Notices",
    "close_all",
    "open_notices",
    "remove_notices",
    "send_notice",
]

VARIABLE = "NOTIFY_SOCKET"

DIRECTORY_PREFIX = "proxywrap.notify-"
"""How the name of a directory begins, and an abstract one."""

NAME = "notify"
"""The socket's name in the directory."""

MAX_MESSAGE_BYTES = 1 << 16

MAX_DESCRIPTORS = 253
"""The kernel's SCM_MAX_FD: a file descriptor store may be given so many at once."""

_CREDENTIALS = struct.Struct("=3i")
_DESCRIPTOR_BYTES = array.array("i").itemsize


class _Notice(NamedTuple):
    """What was said, and by whom; the descriptors are owned."""

    sender: int
    text: bytes
    fds: Sequence[int]


class Notices:
    """The launcher's socket for COMMAND's notifications.

    Args:
        manager: where they go on to, as AF_UNIX takes it.
        directory: a new one, which `close` removes; None for a socket with an abstract name only.

    """

    def __init__(self, manager: bytes, directory: str | None) -> None:
        self.manager = manager
        self.inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._outbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._directory = directory
        self._name = (
            f"\0{DIRECTORY_PREFIX}{os.urandom(8).hex()}" if directory is None else f"{directory}/{NAME}"
        )
        self._waiting: _Notice | None = None
        self.inbox.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.inbox.bind(self._name)
        if directory is not None:
            os.chmod(self._name, 0o666)  # noqa: S103 - whoever COMMAND becomes; the sender's id is what counts

    @property
    def is_waiting(self) -> bool:
        """Whether the manager has no room for what is next."""
        return self._waiting is not None

    def put_into(self, environ: MutableMapping[str, str]) -> None:
        """Have COMMAND notify us."""
        environ[VARIABLE] = self._name.replace("\0", "@")

    def close(self) -> None:
        """Close the sockets and remove the directory; never raises."""
        self.inbox.close()
        self._outbox.close()
        if self._directory is not None:
            remove_notices(self._directory)

    def pass_on(self, command: int, helper: socket.socket) -> None:
        """Pass on what has come, as far as there is room for it.

        Args:
            command: COMMAND's process id.
            helper: what other processes say is sent there.

        """
        while (notice := self._waiting or self._take_next(command)) is not None:
            self._waiting = notice
            try:
                if notice.sender == command:
                    send_notice(self._outbox, _in_our_name(notice.text, command), notice.fds, self.manager)
                else:
                    send_notice(helper, notice.text, notice.fds)
            except BlockingIOError:
                return
            self._waiting = None

    def _take_next(self, command: int) -> _Notice | None:
        """Return what COMMAND or another wrapped process has said next."""
        while (notice := _receive(self.inbox)) is not None:
            if notice.sender == command or descends(notice.sender, os.getpid()):
                return notice
            close_all(notice.fds)
        return None


def open_notices(environ: Mapping[str, str]) -> Notices | None:
    """Return a socket for COMMAND's notifications where a manager waits for any."""
    value = os.fsencode(environ.get(VARIABLE, ""))
    if value[:1] not in {b"/", b"@"}:  # nobody; or a manager outside of a virtual machine, who knows no pids
        return None
    manager = b"\0" + value[1:] if value[:1] == b"@" else value
    for place in places():
        path = f"{place}/{DIRECTORY_PREFIX}{os.urandom(6).hex()}"
        with suppress(OSError):
            os.mkdir(path, 0o700)
            os.chmod(path, 0o711 if os.geteuid() == 0 else 0o700)  # root may become somebody else
            return Notices(manager, path)
    return Notices(manager, None)


def remove_notices(directory: str) -> None:
    """Remove a directory and the socket in it; never raises."""
    with suppress(OSError):
        os.unlink(f"{directory}/{NAME}")
    with suppress(OSError):
        os.rmdir(directory)


def send_notice(sock: socket.socket, text: bytes, fds: Sequence[int], manager: bytes | None = None) -> None:
    """Send a notification to the manager, or to whom `sock` is connected; the descriptors are closed.

    Who is not there any more is told nothing.

    Raises:
        BlockingIOError: there is no room for it; nothing was closed.

    """
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
    try:
        sock.sendmsg([text], rights, flags, *([] if manager is None else [manager]))
    except BlockingIOError:
        raise
    except OSError:
        pass
    close_all(fds)


def close_all(fds: Sequence[int]) -> None:
    """Close descriptors."""
    for fd in fds:
        os.close(fd)


def _receive(inbox: socket.socket) -> _Notice | None:
    """Return the next notification, None where there is none."""
    size = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(MAX_DESCRIPTORS * _DESCRIPTOR_BYTES)
    try:
        text, ancillary, _flags, _address = inbox.recvmsg(
            MAX_MESSAGE_BYTES, size, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        )
    except OSError:
        return None
    sender, fds = 0, array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            sender = _CREDENTIALS.unpack(data)[0]
        elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % _DESCRIPTOR_BYTES])
    return _Notice(sender, text, fds.tolist())


def _in_our_name(text: bytes, command: int) -> bytes:
    """Return what COMMAND says with our process id in the place of its own."""
    lines = text.split(b"\n")
    own = b"MAINPID=%d" % command
    if own not in lines:
        return text
    ours = [b"MAINPID=%d" % os.getpid() if line == own else line for line in lines]
    return b"\n".join(line for line in ours if not line.startswith(b"MAINPIDFDID="))
