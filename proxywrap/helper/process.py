"""The helper process: COMMAND's parent, and every wrapped process's ancestor.

It starts COMMAND first and imports what it needs for its own work afterwards:
requests wait in the backlog of the control socket meanwhile. As a child
subreaper it knows when the last descendant of COMMAND is gone, and ends then.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import NoReturn

from proxywrap.config import Config
from proxywrap.helper.family import MESSAGE, Family, Message
from proxywrap.net.native import become_subreaper

__all__ = ["Command", "Setup", "run_helper"]

@dataclass(frozen=True, slots=True)
class Command:
    """What to run: `path` is found and judged already."""

    path: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    mask: frozenset[int]


@dataclass(frozen=True, slots=True)
class Setup:
    """What the launcher has prepared; the helper owns all of it after the fork.

    `channel` leads to the launcher. `log_fd` is -1 without a log.
    """

    config: Config
    token: bytes
    directory: Path
    listeners: Sequence[socket.socket]
    channel: socket.socket
    verbosity: int
    log_fd: int


_IGNORED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)

_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores these in itself; a program expects them to be as a shell leaves them."""


def run_helper(setup: Setup, command: Command) -> NoReturn:
    """Be the helper, in a process that was just forked; never returns.

    Signals are still blocked, as they were in the launcher.
    """
    status = 1
    try:
        group = os.getpgid(0)
        os.setpgid(0, 0)
        become_subreaper()
        pid = _start(setup, command, group)
        if pid is None:
            rmtree(setup.directory, ignore_errors=True)
            status = 0
        else:
            family = Family(setup.channel, pid)
            _end_early(setup, family)
            _settle_down(setup)
            from proxywrap.helper.life import live  # COMMAND runs already; asyncio comes with this

            status = live(setup, family)
    finally:
        os._exit(status)


def _start(setup: Setup, command: Command, group: int) -> int | None:
    """Start COMMAND; return its pid, or None where exec failed."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_command(command, group, write_end)
    os.close(write_end)
    failure = os.read(read_end, 4)
    os.close(read_end)
    if failure:
        os.waitpid(pid, 0)
        setup.channel.send(MESSAGE.pack(Message.EXEC_FAILED, int.from_bytes(failure, sys.byteorder)))
        return None
    pidfd = os.pidfd_open(pid)
    socket.send_fds(setup.channel, [MESSAGE.pack(Message.STARTED, pid)], [pidfd])
    os.close(pidfd)
    return pid


def _become_command(command: Command, group: int, write_end: int) -> NoReturn:
    try:
        os.setpgid(0, group)
        for signum in _PYTHON_IGNORES:
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, command.mask)
        os.execve(command.path, list(command.argv), dict(command.environ))  # noqa: S606
    except OSError as exc:
        os.write(write_end, (exc.errno or 1).to_bytes(4, sys.byteorder))
    finally:
        os._exit(127)


def _end_early(setup: Setup, family: Family) -> None:
    """Until the event loop runs, end by a plain signal handler, even in an import."""

    def reap(*_: object) -> None:
        family.reap()
        if family.is_gone:
            os._exit(0)

    family.on_last_end = lambda: rmtree(setup.directory, ignore_errors=True)
    signal.signal(signal.SIGCHLD, reap)


def _settle_down(setup: Setup) -> None:
    """Let go of everything that was COMMAND's: descriptors, directory, signals.

    A pipe that we kept open would keep its reader waiting.
    """
    for signum in _IGNORED:
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    kept = sorted({2, setup.channel.fileno(), setup.log_fd, *(each.fileno() for each in setup.listeners)} - {-1})
    for low, high in zip(kept, [*kept[1:], 1 << 30], strict=True):
        _close_between(low + 1, high)
    os.chdir("/")
    os.umask(0o077)


def _close_between(low: int, high: int) -> None:
    os.closerange(low, high)

