"""COMMAND started, as the child of the helper, under a filter if it is to be.

The filter is put over the child just before it executes COMMAND; the helper
takes the listener by its number, because no message with a descriptor passes
the filter unanswered.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from mmap import mmap
from typing import NamedTuple, NoReturn

from proxywrap.helper.family import CELL, MESSAGE, Message
from proxywrap.helper.handle import hold
from proxywrap.net.native import execute, release_signals

__all__ = ["Command", "Started", "start_command"]

_ACKNOWLEDGED = MESSAGE.pack(Message.STARTED, 0)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: `path` is found and judged already.

    `mask` and `dispositions` are the signal mask and the signals' dispositions
    that it must find; those not named stay as they are. `pid_variables` are
    those of `environ` that must hold its process id. `is_filtered` where a
    seccomp filter is to be over it.
    """

    path: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    mask: frozenset[int]
    dispositions: Mapping[int, signal.Handlers]
    pid_variables: Sequence[str] = ()
    is_filtered: bool = False


class Started(NamedTuple):
    """COMMAND runs: its process id, and the listener of its filter, owned, -1 without one."""

    pid: int
    listener: int


def start_command(command: Command, cell: mmap, channel: socket.socket, group: int) -> Started | None:
    """Start COMMAND; return None where that failed, and the launcher was told why.

    Args:
        command: what to run.
        cell: where it leaves its process id.
        channel: to the launcher.
        group: the process group that it belongs to.

    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid = os.fork()
    except OSError as exc:
        channel.send(MESSAGE.pack(Message.EXEC_FAILED, exc.errno))
        return None
    if pid == 0:
        ours.close()
        _become_command(command, cell, group, theirs)
    theirs.close()
    with ours:
        listener, failure = _hear(ours, pid)
    if failure:
        os.waitpid(pid, 0)
        with suppress(OSError):
            channel.send(failure)
        return None
    handle = hold(pid)
    fds = [handle.fd] if handle.fd >= 0 else []
    with suppress(OSError):  # a launcher that was killed: COMMAND's end is the event loop's first act
        socket.send_fds(channel, [MESSAGE.pack(Message.STARTED, pid)], fds)
    for fd in fds:
        os.close(fd)
    return Started(pid, listener)


def _hear(ours: socket.socket, pid: int) -> tuple[int, bytes]:
    """Return the listener, and what failed: nothing once COMMAND is executed, which closes the other end."""
    from proxywrap.net.notification import take_descriptor  # noqa: PLC0415 - most have no filter

    listener = -1
    while data := ours.recv(MESSAGE.size):
        kind, number = MESSAGE.unpack(data)
        if kind != Message.FILTERED:
            if listener >= 0:
                os.close(listener)
            return -1, data
        try:
            listener = take_descriptor(pid, number)
        except OSError as exc:
            return -1, MESSAGE.pack(Message.FILTER_FAILED, exc.errno or errno.EPERM)
        ours.send(_ACKNOWLEDGED)
    return listener, b""


def _become_command(command: Command, cell: mmap, group: int, channel: socket.socket) -> NoReturn:
    cell[: CELL.size] = CELL.pack(os.getpid())
    environ = dict(command.environ)
    for name in command.pid_variables:
        environ[name] = str(os.getpid())
    try:
        os.setpgid(0, group)
        release_signals()
        # Before the mask: a signal that waits already is COMMAND's.
        for signum, disposition in command.dispositions.items():
            signal.signal(signum, disposition)
        signal.pthread_sigmask(signal.SIG_SETMASK, command.mask)
        if command.is_filtered:
            _filter(channel)
            execute(command.path, command.argv, environ)
        os.execve(command.path, list(command.argv), environ)
    except OSError as exc:
        channel.send(MESSAGE.pack(Message.EXEC_FAILED, exc.errno or errno.ENOEXEC))
    finally:
        os._exit(127)


def _filter(channel: socket.socket) -> None:
    """Put the filter over us and wait until the helper has its listener."""
    from proxywrap.net.notification import install_filter  # noqa: PLC0415 - most have no filter

    try:
        listener = install_filter()
    except OSError as exc:
        channel.send(MESSAGE.pack(Message.FILTER_FAILED, exc.errno or errno.EPERM))
        os._exit(127)
    channel.send(MESSAGE.pack(Message.FILTERED, listener))
    if channel.recv(MESSAGE.size) != _ACKNOWLEDGED:
        os._exit(127)
