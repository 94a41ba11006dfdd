"""A helper process with a COMMAND of the test's, and the launcher's end of its channel."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import ExitStack, contextmanager
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Self

from proxywrap.config import Config, Options
from proxywrap.helper.family import CELL, MESSAGE
from proxywrap.helper.process import Setup, Voice, run_helper
from proxywrap.helper.starting import Command

from .asking import DEADLINE_S, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from proxywrap.events import Event

__all__ = ["Helper", "Teller", "is_alive", "python", "running"]


class Teller:
    """A `Voice` that writes what it hears to a file, a line each."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _write(self, text: str) -> None:
        with self.path.open("a") as file:
            file.write(f"{text}\n")

    def report(self, event: Event) -> None:
        """Write the event's kind."""
        self._write(type(event).__name__)

    def detach(self) -> None:
        """Write it."""
        self._write("detach")

    def close(self) -> None:
        """Write it."""
        self._write("close")


class Helper:
    """The process, as its parent sees it."""

    def __init__(self, pid: int, channel: socket.socket, directory: Path, address: bytes) -> None:
        self.pid = pid
        self.channel = channel
        self.directory = directory
        self.address = address
        self._is_reaped = False

    def hear(self) -> tuple[bytes, int]:
        """Return its next message; (b"", 0) at the end."""
        data, fds, _, _ = socket.recv_fds(self.channel, MESSAGE.size, 1)
        for fd in fds:
            os.close(fd)
        if not data:
            return b"", 0
        kind, number = MESSAGE.unpack(data)
        return kind, number

    def wait(self) -> int:
        """Return its exit status."""
        _, status = os.waitpid(self.pid, 0)
        self._is_reaped = True
        return os.waitstatus_to_exitcode(status)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take it down, if the test has not seen its end."""
        self.channel.close()
        if not self._is_reaped:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()


def python(text: str) -> list[str]:
    """Return a COMMAND that runs a Python program."""
    return [sys.executable, "-S", "-c", text]


@contextmanager
def running(
    directory: Path,
    argv: list[str],
    *,
    mask: frozenset[int] = frozenset(),
    dispositions: Mapping[int, signal.Handlers] | None = None,
    environ: Mapping[str, str] | None = None,
    open_report: Callable[[], Voice] | None = None,
) -> Iterator[Helper]:
    """Fork a helper that runs `argv`; what it tells of is in `directory`/told."""
    work = directory / "work"
    work.mkdir()
    told = directory / "told"
    with ExitStack() as stack:
        listener = stack.enter_context(
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        )
        listener.bind(b"")
        listener.listen()
        address = listener.getsockname()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            pid = os.fork()
            if pid == 0:
                ours.close()
                setup = Setup(
                    config=Config(Options(), (), "test"),
                    token=TOKEN,
                    directory=str(work),
                    listeners=[listener],
                    channel=theirs,
                    cell=mmap(-1, CELL.size),
                    log_fd=-1,
                    open_report=open_report or (lambda: Teller(told)),
                )
                command = Command(argv[0], argv, environ or {}, mask, dispositions or {})
                run_helper(setup, command)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        listener.close()
        ours.settimeout(DEADLINE_S)
        with Helper(pid, ours, work, address) as helper:
            yield helper


def is_alive(pid: int) -> bool:
    """Tell whether there is such a process, a dead but unburied one not counted."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def becomes_true(condition: Callable[[], bool]) -> bool:
    """Wait until `condition` holds; return whether it did before the deadline."""
    until_s = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.01)
    return True
