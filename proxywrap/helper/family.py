"""COMMAND and its descendants: reaped as they end, and the launcher told.

Works from the moment when COMMAND runs, before anything else is imported: a
command that ends at once need not wait for what it never used.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress

__all__ = ["CELL", "MESSAGE", "Family", "Message", "all_children", "descends", "parent_of"]

MESSAGE = struct.Struct("=ci")
"""What the helper tells the launcher: a kind (`Message`) and a number."""


CELL = struct.Struct("=i")
"""A process id, 0 as long as there is none."""


class Message:
    """Kinds of messages; the number is given in brackets."""

    STARTED = b"P"  # [pid], with the descriptor of a `Handle` as SCM_RIGHTS
    EXEC_FAILED = b"E"  # [errno]
    FILTER_FAILED = b"F"  # [errno]
    FILTERED = b"L"  # [descriptor], from the process that becomes COMMAND
    STOPPED = b"S"  # [signal]
    ENDED = b"X"  # [wait status]
    LAST_ENDED = b"Z"  # [wait status]: and with it the helper
    LINGERS = b"W"  # [0], after the one before: not yet, for there is something to be sent


class Family:
    """The processes below the helper, a child subreaper.

    Args:
        channel: to the launcher, our parent; stays its owner's.
        pid: COMMAND, our child, not reaped yet.

    `command` is COMMAND's process id, `launcher` the launcher's. `is_ours` tells of a child
    whether it works for the helper, which need not wait for it. `on_command_end` is called
    once, before the launcher is told, when others live on; `on_last_end` once, when all are
    gone, before the launcher is told.

    """

    def __init__(self, channel: socket.socket, pid: int) -> None:
        self.on_command_end: Callable[[], None] = _nothing
        self.on_last_end: Callable[[], None] = _nothing
        self.is_ours: Callable[[int], bool] | None = None
        self.has_command_ended = False
        self.is_gone = False
        self._channel = channel
        self.command = pid
        self.launcher = os.getppid()
        self._is_reaping = False
        self._is_due = False

    def reap(self) -> None:
        """Take note of every descendant that has ended, stopped or gone on since.

        May be called by a signal handler, in the middle of itself.
        """
        self._is_due = True
        while self._is_due and not self._is_reaping:
            self._is_reaping = True
            self._is_due = False
            try:
                self._reap_all()
            finally:
                self._is_reaping = False

    def _reap_all(self) -> None:
        status = None
        while not self.is_gone:
            try:
                pid, result = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            except ChildProcessError:
                self._last_ended(status)
                return
            if pid == 0:
                if (self.has_command_ended or status is not None) and self._are_ours_left_alone():
                    self._last_ended(status)
                    return
                break
            if pid != self.command:
                continue
            if os.WIFSTOPPED(result):
                self._tell(Message.STOPPED, os.WSTOPSIG(result))
            elif os.WIFCONTINUED(result):
                self._continue_launcher()
            else:
                status = result
        if status is not None:
            self.has_command_ended = True
            self.on_command_end()
            self._tell(Message.ENDED, status)

    def _are_ours_left_alone(self) -> bool:
        """Tell whether nobody is left but who works for us."""
        if self.is_ours is None or not all(map(self.is_ours, _children())):
            return False
        # A child that ended meanwhile may have kept the kernel from listing all others (proc(5)).
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def kill_command(self) -> None:
        """Kill COMMAND, unless it has ended; what it has started lives on."""
        if not self.has_command_ended and not self.is_gone:
            with suppress(ProcessLookupError):
                os.kill(self.command, signal.SIGKILL)

    def _continue_launcher(self) -> None:
        """Have the launcher go on as COMMAND does: it cannot hear us where it has stopped."""
        if os.getppid() == self.launcher:
            os.kill(self.launcher, signal.SIGCONT)

    def _last_ended(self, status: int | None) -> None:
        self.on_last_end()
        if status is not None:
            self._tell(Message.LAST_ENDED, status)
        self.is_gone = True  # not before: a signal handler may end us at the sight of it

    def tell_lingering(self) -> None:
        """Tell the launcher not to wait for the helper's own end, after all have ended."""
        self._tell(Message.LINGERS, 0)

    def _tell(self, kind: bytes, number: int) -> None:
        with suppress(OSError):  # the launcher was killed
            self._channel.send(MESSAGE.pack(kind, number), socket.MSG_NOSIGNAL)


def _children() -> Iterator[int]:
    """Yield our children, all of them where none ends meanwhile."""
    tasks = "/proc/self/task"
    try:
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/children") as file:
                yield from map(int, file.read().split())
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN, or a thread that has ended
        yield from all_children()


def all_children() -> Iterator[int]:
    """Yield our children, whatever else happens; every process of this host is looked at."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            if parent_of(int(pid)) == os.getpid():
                yield int(pid)


def parent_of(pid: int) -> int:
    """Return the parent of a process.

    Raises:
        OSError: there is no such process.

    """
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def _nothing() -> None:
    """Until someone cares."""


def descends(pid: int, ancestor: int) -> bool:
    """Tell whether a process descends from another one."""
    with suppress(OSError):
        while pid > 1:
            pid = parent_of(pid)
            if pid == ancestor:
                return True
    return False
