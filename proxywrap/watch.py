"""The launcher's watch: signals on to COMMAND, its stops and its end mirrored.

A single place to wait: all signals are blocked and taken by sigwaitinfo(), and
the helper's messages come with a real-time signal, which unlike SIGIO never
merges with one that somebody sends us.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from mmap import mmap
from typing import TYPE_CHECKING, NamedTuple

from proxywrap.command import exec_error, filter_error
from proxywrap.errors import ProxywrapError
from proxywrap.helper.directory import remove_directory
from proxywrap.helper.family import CELL, MESSAGE, Message, all_children
from proxywrap.helper.handle import Handle, hold
from proxywrap.helper.starting import Command
from proxywrap.lack import lack_text
from proxywrap.net.native import SENT_ON

if TYPE_CHECKING:
    from proxywrap.helper.notices import Notices  # which only a service needs

__all__ = ["Watch", "tell_by_signal"]

SI_KERNEL = 0x80
CHANNEL_SIGNAL = signal.SIGRTMAX

F_SETOWN_EX = 15  # asm-generic/fcntl.h
F_OWNER_TID = 0

ROOM_S = 0.1
"""How soon a service manager is asked again that had no room: nothing tells when it has."""

KERNEL_FOR_US = frozenset({signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF})
"""What the kernel sends to us alone: a timer that was set before we were executed."""

LEADER_FOR_US = KERNEL_FOR_US | {signal.SIGHUP, signal.SIGCONT}
"""What it sends to the leader of a session alone, when the terminal is gone."""

ENDING = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP})


def tell_by_signal(channel: socket.socket) -> None:
    """Have CHANNEL_SIGNAL come whenever there is something to hear, or the other side has gone."""
    channel.setblocking(False)
    fcntl.fcntl(channel, F_SETOWN_EX, struct.pack("=ii", F_OWNER_TID, os.getpid()))  # the first thread's
    fcntl.fcntl(channel, fcntl.F_SETSIG, CHANNEL_SIGNAL)
    flags = fcntl.fcntl(channel, fcntl.F_GETFL)
    fcntl.fcntl(channel, fcntl.F_SETFL, flags | os.O_ASYNC)


class Signal(NamedTuple):
    """A signal, and where it came from, as siginfo has it."""

    number: int
    code: int
    sender: int


def _take_next(limit_s: float | None = None) -> Signal | None:
    """Wait for a signal, whichever thread the kernel has given it to; None where none has come so long."""
    if limit_s is None:
        info = signal.sigwaitinfo(signal.valid_signals())
    elif (found := signal.sigtimedwait(signal.valid_signals(), limit_s)) is None:
        return None
    else:
        info = found
    code = info.si_errno if info.si_code == SENT_ON else info.si_code
    return Signal(info.si_signo, code, info.si_pid)


@dataclass(slots=True)
class Watch:
    """Passes signals on and mirrors COMMAND's stops and its end."""

    helper: int
    channel: socket.socket
    cell: mmap
    directory: str | None
    command: Command
    notices: Notices | None = None
    pid: int = 0
    handle: Handle | None = None
    status: int | None = None
    is_helper_gone: bool = False
    has_stopped: bool = False
    early: list[Signal] = field(default_factory=list)

    def run(self) -> int:
        """Return how COMMAND ended, as `launch` does; all signals are blocked meanwhile.

        Raises:
            CannotRun: it could not be executed.

        """
        while True:
            is_full = self.notices is not None and self.notices.is_waiting
            info = _take_next(ROOM_S if is_full else None)
            status = None if info is None else self._look(info)
            if self.notices is not None and self.pid:
                self.notices.pass_on(self.pid, self.channel)
            if status is not None:
                return status
            if info is not None and self.status is not None and info.number in ENDING:
                return self.status  # there is nobody to pass it on to, and the helper is not worth the wait
            if info is not None:
                self._take(info)

    def _look(self, info: Signal) -> int | None:
        """Look at what the signal may tell of; return the final status once it is known."""
        status = None
        if info.number in {CHANNEL_SIGNAL, signal.SIGIO, signal.SIGCHLD}:
            status = self._hear()
        if status is None and info.number == signal.SIGCHLD:
            status = self._reap()
        return status

    def _take(self, info: Signal) -> None:
        """Pass the signal on if it is COMMAND's and has not reached it already."""
        if self.handle is None:
            self.early.append(info)
            return
        for each in (*self.early, info):
            if self._is_for_command(each):
                self._pass_on(self.handle, each.number)
        self.early.clear()

    def _is_for_command(self, info: Signal) -> bool:
        if info.number == signal.SIGCONT and self.has_stopped:
            # Sent to the whole group, as `fg` does, or to us alone?
            self.has_stopped = False
            return _is_stopped(self.pid)
        if info.code <= 0:  # from a process; SI_USER and its like
            return info.sender != self.helper
        if info.code == SI_KERNEL:  # what the terminal sends goes to the whole foreground group
            return info.number in (LEADER_FOR_US if os.getsid(0) == os.getpid() else KERNEL_FOR_US)
        return False

    def _pass_on(self, handle: Handle, signum: int) -> None:
        try:
            handle.send(signum)
        except ProcessLookupError:
            return  # it has ended; the helper is about to say so
        except PermissionError:
            self._say(f"may not pass signal {signum} on to {self.command.path}")

    def _stop(self) -> None:
        """Stop as COMMAND has; the signal that ends this is the next one taken."""
        if _is_stopped(self.pid):
            self.has_stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)

    # -- the helper ----------------------------------------------------------------

    def _hear(self) -> int | None:
        """Take what the helper has said; return the final status once it is known."""
        while True:
            try:
                data, fds, _flags, _address = socket.recv_fds(self.channel, MESSAGE.size, 1)
            except BlockingIOError:
                return None
            if not data:
                return None  # it is gone; SIGCHLD says so
            kind, number = MESSAGE.unpack(data)
            if kind == Message.STARTED:
                self.pid, self.handle = number, Handle(number, fds[0] if fds else -1)
            elif kind in {Message.EXEC_FAILED, Message.FILTER_FAILED}:
                os.waitpid(self.helper, 0)
                explain = exec_error if kind == Message.EXEC_FAILED else filter_error
                raise explain(self.command.path, number)
            elif kind == Message.STOPPED:
                self._stop()
            elif kind == Message.ENDED:
                return _as_status(number)
            elif kind == Message.LAST_ENDED:
                self.status = _as_status(number)  # what is left of the helper is a moment
            elif kind == Message.LINGERS:
                return self.status

    def _reap(self) -> int | None:
        """See whether the helper has died; if so, be COMMAND's parent in its place."""
        if not self.is_helper_gone:
            pid, how = os.waitpid(self.helper, os.WNOHANG)
            if pid == 0:
                return None
            self.is_helper_gone = True
            status = self._hear()
            if status is not None or self.status is not None:
                return self.status if status is None else status
            remove_directory(self.directory)
            cause = lack_text(os.WEXITSTATUS(how)) if os.WIFEXITED(how) else ""
            self._say(f"the helper has died{cause}; every further connection will be refused")
            self._kill_orphans()
            if self.handle is None:
                self._find_command()
        return self._reap_command()

    def _reap_command(self) -> int | None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return ProxywrapError.exit_status  # COMMAND has never started
            if pid == 0:
                return None
            if pid != self.pid:
                continue
            if not os.WIFSTOPPED(status):
                return _as_status(status)
            self._stop()

    def _kill_orphans(self) -> None:
        """End what worked for the helper: it has become our child."""
        from proxywrap.net.children import kill_orphan  # noqa: PLC0415 - a helper dies rarely

        for pid in all_children():
            kill_orphan(pid, self.helper)

    def _find_command(self) -> None:
        """Learn from COMMAND itself what the helper has not come to say."""
        (self.pid,) = CELL.unpack(self.cell[: CELL.size])
        with suppress(ProcessLookupError):  # it has ended: waitpid() tells
            self.handle = hold(self.pid) if self.pid else None

    @staticmethod
    def _say(text: str) -> None:
        os.write(2, f"proxywrap: {text}\n".encode())


def _is_stopped(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            stat = file.read()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "T"


def _as_status(status: int) -> int:
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
