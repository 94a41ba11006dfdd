"""A hold on a process, by which it is signalled and no other one that is given its id later.

A pidfd where pidfd_open(2) is permitted, else its directory in /proc, which
pidfd_send_signal(2) takes too, and by which one sees that it has gone.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from typing import NamedTuple

__all__ = ["Handle", "hold"]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Handle(NamedTuple):
    """A process id, and the descriptor that stands for that process: -1 where there is no way to have one."""

    pid: int
    fd: int

    def send(self, signum: int) -> None:
        """Send it a signal.

        Raises:
            ProcessLookupError: it has ended.
            PermissionError: it is another user's.

        """
        try:
            if self.fd >= 0:
                signal.pidfd_send_signal(self.fd, signum)
                return
        except OSError as exc:
            # A filter's EPERM looks like that of another user's process.
            if exc.errno not in {errno.EPERM, errno.ENOSYS}:
                raise
        if self._has_ended():
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        os.kill(self.pid, signum)

    def _has_ended(self) -> bool:
        """Tell whether its id may be another process's by now; of a zombie, it is not."""
        if self.fd < 0:
            return False
        try:
            os.close(os.open("stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.fd))
        except NotADirectoryError:
            poll = select.poll()
            poll.register(self.fd, select.POLLIN)
            return bool(poll.poll(0))
        except OSError:
            return True
        return False


def hold(pid: int) -> Handle:
    """Return a hold on a process that nobody reaps meanwhile.

    Raises:
        ProcessLookupError: it has ended.

    """
    for take in (os.pidfd_open, _open_directory):
        try:
            return Handle(pid, take(pid))
        except ProcessLookupError:
            raise
        except OSError:
            continue
    return Handle(pid, -1)


def _open_directory(pid: int) -> int:
    return os.open(f"/proc/{pid}", _DIRECTORY)
