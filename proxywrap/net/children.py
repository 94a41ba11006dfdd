"""Programs that work for us: started, told of when they end, and told from what the user has started.

Each has a session of its own, so that no terminal reaches it, and its own
children can be told by it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from proxywrap.lookup import PROXY_VARIABLE

__all__ = ["Child", "Children", "kill_orphan"]

MARK = "PROXYWRAP_HELPER"
"""In the environment of what we start, with our process id: a daemon that ssh leaves behind has it still."""

_DEFAULTS = (
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGCHLD,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,  # by which ssh ends its ProxyCommand
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
"""What we ignore and they must not. SIGTERM stays ignored: they are wanted for as long as we are."""


class Child:
    """A program that runs for us; made by `Children`.

    Args:
        pid: our child, the leader of its session, not reaped yet.
        on_end: called once, when it has ended.

    """

    def __init__(self, pid: int, on_end: Callable[[], None]) -> None:
        self.pid = pid
        self.has_ended = False
        self._on_end = on_end
        self._pidfd = os.pidfd_open(pid)
        from asyncio import get_running_loop  # noqa: PLC0415 - the launcher, which has none, needs the rest

        self._loop = get_running_loop()
        self._loop.add_reader(self._pidfd, self._note_end)

    def kill(self) -> None:
        """Kill it, and what it has started."""
        if not self.has_ended:
            _kill_group(self.pid)

    def _note_end(self) -> None:
        self._loop.remove_reader(self._pidfd)
        _kill_group(self.pid)
        with suppress(ChildProcessError):  # who waits for all of our children was first
            os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        os.close(self._pidfd)
        self.has_ended = True
        self._on_end()


class Children:
    """The programs that run for us.

    Args:
        environ: their environment, but for what we add, and for what is ours alone.

    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {**environ, MARK: str(os.getpid())}
        self._environ.pop(PROXY_VARIABLE, None)  # it may have passwords
        self._alive: set[int] = set()

    def owns(self, pid: int) -> bool:
        """Tell whether a process is one of them, or was started by one."""
        with suppress(OSError):
            if os.getsid(pid) in self._alive:
                return True
        return _is_marked(pid, os.getpid())

    def start(self, argv: Sequence[str], fds: tuple[int, int, int], on_end: Callable[[], None]) -> Child:
        """Start a program.

        Args:
            argv: its name, which is looked for in $PATH, and its arguments.
            fds: what becomes its stdin, stdout and stderr; they stay the caller's.
            on_end: called once, when it has ended.

        Raises:
            OSError: it cannot be started, or not be watched.

        """
        pid = os.posix_spawnp(
            argv[0],
            list(argv),
            self._environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(fds)],
            setsid=True,
            setsigdef=_DEFAULTS,
            setsigmask=(),
        )

        def end() -> None:
            self._alive.discard(pid)
            on_end()

        self._alive.add(pid)
        try:
            return Child(pid, end)
        except OSError:
            self._alive.discard(pid)
            _kill_group(pid)
            os.waitpid(pid, 0)
            raise


def kill_orphan(pid: int, helper: int) -> None:
    """Kill a process if it leads a session that worked for `helper`, which has died."""
    with suppress(OSError):
        if os.getsid(pid) == pid and _is_marked(pid, helper):
            _kill_group(pid)


def _is_marked(pid: int, helper: int) -> bool:
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        return f"{MARK}={helper}".encode() in file.read().split(b"\0")
    return False


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
