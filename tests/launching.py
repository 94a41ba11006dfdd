"""The installed command, and a COMMAND that tells which signals reach it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "DEADLINE_S",
    "NOWHERE",
    "PROXYWRAP",
    "Listener",
    "clean_runtime",
    "deserted",
    "listener_argv",
    "listening",
    "run",
    "start",
    "state",
]

PROXYWRAP = str(Path(sys.executable).parent / "proxywrap")
NOWHERE = "socks5://127.0.0.1:9"
DEADLINE_S = 20.0 * float(os.environ.get("PROXYWRAP_TEST_FACTOR", "1"))

_LISTENER = """\
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
with open(sys.argv[1], "w", buffering=1) as out:
    print(os.getpid(), os.getppid(), file=out)
    while True:
        number = signal.sigwaitinfo(signal.valid_signals()).si_signo
        print(number, file=out)
        if number == signal.SIGTERM:
            sys.exit(7)
"""


def run(
    argv: Sequence[str | Path], *, environ: Mapping[str, str] | None = None, status: int | None = 0
) -> subprocess.CompletedProcess[str]:
    """Run COMMAND wrapped to its end; check the status."""
    done = subprocess.run(
        [PROXYWRAP, "-x", NOWHERE, *argv],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env=environ,
        check=False,
    )
    assert status is None or done.returncode == status, done.stderr
    return done


@contextmanager
def start(
    argv: Sequence[str | Path],
    *,
    before: Callable[[], object] | None = None,
    environ: Mapping[str, str] | None = None,
    is_leader: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start COMMAND wrapped; `before` runs in the launcher just before it is executed."""
    process = subprocess.Popen(
        [PROXYWRAP, "-x", NOWHERE, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=before,  # noqa: PLW1509 - no threads here
        env=environ,
        start_new_session=is_leader,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def listener_argv(fifo: Path) -> list[str]:
    """Return a COMMAND that writes the number of every signal it gets; SIGTERM ends it, with 7."""
    return [sys.executable, "-S", "-c", _LISTENER, str(fifo)]


def clean_runtime() -> Iterator[Path]:
    """Lend a place for runtime directories where nothing else is, and see that nothing is left there."""
    with TemporaryDirectory(prefix="pw-", dir="/tmp") as name:  # short, for the path of a socket
        yield Path(name)
        assert os.listdir(name) == []


class Listener:
    """The reader of what `listener_argv` writes."""

    def __init__(self, fifo: IO[str]) -> None:
        self._fifo = fifo
        self.pid, self.helper = map(int, fifo.readline().split())

    def hear(self) -> int:
        """Return the number of the next signal, 0 at the end."""
        return int(self._fifo.readline() or "0")

    def hear_until(self, last: int) -> list[int]:
        """Return the numbers up to `last`."""
        heard = [self.hear()]
        while heard[-1] not in {last, 0}:
            heard.append(self.hear())
        return heard


@contextmanager
def listening(
    tmp_path: Path,
    *,
    before: Callable[[], object] | None = None,
    environ: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    is_leader: bool = False,
) -> Iterator[tuple[subprocess.Popen[bytes], Listener]]:
    """Start a listening COMMAND, which `prefix` executes, and wait until it listens."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with (
        start(
            [*prefix, *listener_argv(fifo)], before=before, environ=environ, is_leader=is_leader
        ) as process,
        fifo.open() as heard,
    ):
        yield process, Listener(heard)


def state(pid: int) -> str:
    """Return the state of a process as ps(1) shows it, "" where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def deserted(pids: Sequence[int]) -> bool:
    """Wait for the end of processes; return whether they all do end."""
    return all(_ends(pid) for pid in pids)


def _ends(pid: int) -> bool:
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], DEADLINE_S)[0])
    finally:
        os.close(fd)
