"""The helper's life after COMMAND has started: serve, reap, tell the launcher, end.

Everything here ends when the last descendant of COMMAND is gone.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from proxywrap.helper.process import MESSAGE, Message, Setup
from proxywrap.helper.router import Router
from proxywrap.helper.server import ControlServer
from proxywrap.helper.session import Context
from proxywrap.hosts import HostsTable, parse_hosts
from proxywrap.net.connector import Deadlines
from proxywrap.report import Report

__all__ = ["live"]

HOSTS_FILE = Path("/etc/hosts")


def live(setup: Setup, pid: int) -> int:
    """Serve until COMMAND (`pid`, our child) and all its descendants are gone.

    Returns:
        The helper's own exit status.

    """
    _raise_descriptor_limit()
    stderr = os.fdopen(2, "w", closefd=False)
    log = os.fdopen(setup.log_fd, "w") if setup.log_fd >= 0 else None
    report = Report(stderr, verbosity=setup.verbosity, log=log)
    asyncio.run(_Life(setup, pid, report).run())
    return 0


class _Life:
    def __init__(self, setup: Setup, pid: int, report: Report) -> None:
        self._setup = setup
        self._pid = pid
        self._report = report
        self._has_command_ended = False
        self._is_over = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        # Kept for as long as we live: bound, so that nobody listens there.
        refusing = _bind_refusing()
        options = self._setup.config.options
        context = Context(
            token=self._setup.token,
            router=Router(self._setup.config, _read_hosts(), _own_names()),
            deadlines=Deadlines(options.tcp_connect_time_out_ms / 1000, options.tcp_read_time_out_ms / 1000),
            report=self._report.report,
            refusing={sock.family: sock.getsockname()[:2] for sock in refusing},
        )
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        self._setup.channel.setblocking(False)
        loop.add_reader(self._setup.channel, self._launcher_stirred)
        async with asyncio.TaskGroup() as tasks:
            server = ControlServer(self._setup.listeners, context, tasks)
            server.start()
            self._reap()
            await self._is_over.wait()
            server.stop()
            for task in context.lent.values():
                task.cancel()
        for sock in refusing:
            sock.close()

    # -- descendants ---------------------------------------------------------

    def _reap(self) -> None:
        """Take note of every descendant that has ended or stopped."""
        status = None
        while True:
            try:
                pid, result = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                self._last_is_gone(status)
                return
            if pid == 0:
                break
            if pid == self._pid and os.WIFSTOPPED(result):
                self._tell(Message.STOPPED, os.WSTOPSIG(result))
            elif pid == self._pid:
                status = result
        if status is not None:
            self._command_ended(status)

    def _command_ended(self, status: int) -> None:
        """COMMAND has ended, others live on: what is theirs to hear goes to the log."""
        self._has_command_ended = True
        self._report.close()
        self._report.detach()
        _release_stderr()
        self._tell(Message.ENDED, status)

    def _last_is_gone(self, status: int | None) -> None:
        if not self._is_over.is_set():
            self._report.close()
            rmtree(self._setup.directory, ignore_errors=True)
            if status is not None:
                self._tell(Message.LAST_ENDED, status)
            self._is_over.set()

    # -- launcher --------------------------------------------------------------

    def _tell(self, kind: bytes, number: int) -> None:
        with suppress(OSError):  # the launcher was killed
            self._setup.channel.send(MESSAGE.pack(kind, number), socket.MSG_NOSIGNAL)

    def _launcher_stirred(self) -> None:
        """The launcher says nothing, it only goes: killed, or its work done."""
        asyncio.get_running_loop().remove_reader(self._setup.channel)
        if not self._has_command_ended:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


def _raise_descriptor_limit() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _release_stderr() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)


def _bind_refusing() -> list[socket.socket]:
    """Return sockets that are bound to loopback ports and do not listen."""
    bound = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.bind((host, 0))
        except OSError:  # no such family here, so no socket of it will fail
            sock.close()
        else:
            bound.append(sock)
    return bound


def _read_hosts() -> HostsTable:
    try:
        return parse_hosts(HOSTS_FILE.read_text(errors="surrogateescape"))
    except OSError:  # a host without the file has no names of its own
        return parse_hosts("")


def _own_names() -> frozenset[str]:
    name = socket.gethostname().lower()
    return frozenset({name, name.partition(".")[0]})
