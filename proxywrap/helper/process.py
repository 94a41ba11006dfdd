"""The helper process: COMMAND's parent, and every wrapped process's ancestor.

It starts COMMAND first and imports what it needs for its own work afterwards:
requests wait in the backlog of the control socket meanwhile. As a child
subreaper it knows when the last descendant of COMMAND is gone, and ends then.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from mmap import mmap
from typing import TYPE_CHECKING, NoReturn, Protocol

from proxywrap.config import Config
from proxywrap.helper.backlog import has_backlog
from proxywrap.helper.directory import remove_directory
from proxywrap.helper.family import Family
from proxywrap.helper.starting import Command, start_command
from proxywrap.lack import lack_of
from proxywrap.net.native import become_subreaper, release_signals

if TYPE_CHECKING:
    from proxywrap.events import Event  # which COMMAND need not wait for

__all__ = ["Setup", "Voice", "run_helper", "was_hung_up"]


class Voice(Protocol):
    """Who tells the user of events."""

    def report(self, event: Event) -> None:
        """Tell of `event`; never raises."""

    def detach(self) -> None:
        """Write to stderr no more."""

    def close(self) -> None:
        """Tell what was held back."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the launcher has prepared; the helper owns all of it after the fork.

    `channel` leads to the launcher; `cell` is memory shared with it, where
    COMMAND leaves its process id (`CELL`): it may kill the helper before that
    has said a word. `log_fd` is -1 without a log; `open_report`
    is called once, after COMMAND has started. `remark` is to be told then.
    `admin` listens where one asks for the configuration to be read anew.
    `manager` is where the service manager is notified, if there is one.
    `program` is COMMAND's path.
    """

    config: Config
    token: bytes
    directory: str | None
    listeners: Sequence[socket.socket]
    channel: socket.socket
    cell: mmap
    log_fd: int
    open_report: Callable[[], Voice]
    remark: str | None = None
    admin: socket.socket | None = None
    manager: bytes | None = None
    program: str = ""


_IGNORED = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGTERM,  # a supervisor sends it to all; what then winds up may need its network for that
)
"""The helper ends when the last wrapped process has, and not before."""


_hangups: list[int] = []
"""Each SIGHUP before there is an event loop: then it asks for the configuration to be read anew."""


_IN_PIECES = (
    "logging",
    "subprocess",
    "concurrent.futures",
    "asyncio",
    "proxywrap.protocol.socks5client",
    "proxywrap.net.connector",
    "proxywrap.helper.life",
)
"""What is imported while requests come already: none takes longer than 10 ms, so none waits longer."""


def run_helper(setup: Setup, command: Command) -> NoReturn:
    """Be the helper, in a process that was just forked; never returns.

    Signals are still blocked, as they were in the launcher.
    """
    status = 1
    try:
        group = os.getpgid(0)
        os.setpgid(0, 0)
        become_subreaper()
        started = start_command(command, setup.cell, setup.channel, group)
        if started is None:
            remove_directory(setup.directory)
            status = 0
        else:
            family = Family(setup.channel, started.pid)
            family.on_last_end = lambda: remove_directory(setup.directory)
            _end_early(family, lambda: setup.remark is not None or has_backlog(setup.listeners))
            _settle_down(setup, started.listener)
            gc.disable()  # nothing of what is imported now will ever be garbage
            _serve(setup, family, started.listener)
            status = 0
    except BaseException as exc:  # noqa: BLE001 - there is nobody above who could tell of it
        status = errno.ENOMEM  # which is what it is if there is no memory to tell
        lack = lack_of(exc)
        if not lack:
            sys.excepthook(*sys.exc_info())
        status = lack or 1
    finally:
        os._exit(status)


def _serve(setup: Setup, family: Family, listener: int) -> None:
    """Import what serves requests, in an order in which the first ones need not wait for the last module."""
    from proxywrap.events import Note  # noqa: PLC0415 - COMMAND runs already
    from proxywrap.helper.early import Early  # noqa: PLC0415
    from proxywrap.helper.outside import handed_over  # noqa: PLC0415
    from proxywrap.helper.room import raise_descriptor_limit  # noqa: PLC0415
    from proxywrap.helper.session import Filtered  # noqa: PLC0415

    raise_descriptor_limit()
    early = Early(setup.config, setup.token, setup.listeners)
    if listener >= 0:
        early.work.append(Filtered(listener))
    if setup.remark is not None:
        early.held += [Note(setup.remark), *handed_over(family.command, setup.program)]
    _end_early(family, early.is_wanted)
    with _without_ssl():
        for name in _IN_PIECES:
            early.serve()
            import_module(name)
    early.serve()
    from proxywrap.helper.life import live  # noqa: PLC0415 - asyncio comes with it

    live(setup, family, early)


@contextmanager
def _without_ssl() -> Iterator[None]:
    """Have asyncio do without ssl, which it does where Python was built without it.

    It takes a seventh of the time until requests are served, and asyncio's
    use of it none of ours.
    """
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["ssl"]


def was_hung_up() -> bool:
    """Tell whether SIGHUP came while nobody could heed it."""
    return bool(_hangups)


def _end_early(family: Family, is_wanted: Callable[[], bool]) -> None:
    """Until the event loop runs, end by a plain signal handler, even in an import.

    Not if something was asked or told of: the event loop will hear it first.
    """

    def reap(*_: object) -> None:
        if is_wanted():
            return
        family.reap()
        if family.is_gone:
            os._exit(0)

    signal.signal(signal.SIGCHLD, reap)


def _settle_down(setup: Setup, listener: int) -> None:
    """Let go of everything that was COMMAND's: descriptors, directory, signals.

    A pipe that we kept open would keep its reader waiting.
    """
    for signum in _IGNORED:
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, lambda signum, _frame: _hangups.append(signum))
    release_signals()
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    kept = {
        0,
        1,
        2,
        setup.channel.fileno(),
        setup.log_fd,
        listener,
        *(each.fileno() for each in (*setup.listeners, setup.admin) if each is not None),
    }
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd not in kept:
            with suppress(OSError):  # the listing's own
                os.close(fd)
    os.chdir("/")
    os.umask(0o077)
