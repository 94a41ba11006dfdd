"""Starts COMMAND under the helper and is its stand-in for whoever started us.

Theory of operation
-------------------

launcher -> helper -> COMMAND. The control socket listens before anything
forks. The launcher then only waits: for signals, which it passes on, and for
what the helper says. All signals are blocked and taken by sigwaitinfo(), so
none is lost and each tells where it came from: what the terminal sends to the
foreground group has reached COMMAND already. Where a preloaded library has
started a thread in us, a handler sends on what the kernel gives to that one.
The helper's messages come with a signal too (`proxywrap.watch`).
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from mmap import mmap
from typing import TYPE_CHECKING

from proxywrap.command import add_shim, drop_shim, environment, find_command, pid_variables
from proxywrap.config import Config
from proxywrap.errors import ProxywrapError
from proxywrap.helper.directory import make_directory, remove_directory
from proxywrap.helper.family import CELL
from proxywrap.helper.process import Setup, run_helper
from proxywrap.helper.starting import Command
from proxywrap.lack import lack_text
from proxywrap.lookup import PROXY_VARIABLE
from proxywrap.net.native import become_subreaper, gather_signals
from proxywrap.net.rehearsal import Need, rehearse
from proxywrap.rendezvous import Rendezvous
from proxywrap.scheme import Scheme
from proxywrap.scrub import scrub_secrets
from proxywrap.watch import Watch, tell_by_signal

if TYPE_CHECKING:
    from proxywrap.helper.notices import Notices
    from proxywrap.report import Report  # which COMMAND need not wait for

__all__ = ["end_like", "launch"]

MIN_DESCRIPTORS = 32
"""Fewer would leave the helper none for connections."""

FREE_DESCRIPTORS = 16
"""What the launcher takes, and the helper until it may raise its limit."""


def launch(command: Sequence[str], config: Config, *, verbosity: int, log_path: str | None) -> int:
    """Run `command` wrapped and wait for its end.

    Args:
        command: its name or path, and its arguments.
        config: where its connections go.
        verbosity: as for `Report`.
        log_path: where JSON lines are appended, or None.

    Returns:
        COMMAND's exit status, or the negative number of the signal that ended
        it (see `end_like`).

    Raises:
        CannotRun: COMMAND is not there, not executable, or cannot be wrapped.
        ProxywrapError: proxywrap itself cannot start.

    """
    _expect_system_calls(config)
    _expect_proc()
    _expect_descriptors()
    _fill_standard_descriptors()
    found = find_command(command, config)
    scrub_secrets(len(command), PROXY_VARIABLE)
    log_fd = -1 if log_path is None else _open_log(log_path)
    mask = frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))
    dispositions = _take_dispositions()
    gather_signals()
    directory = make_directory()
    notices = _open_notices()
    try:
        with Rendezvous(directory) as meeting:
            open_report = _report_opener(verbosity, log_fd)
            setup = Setup(
                config,
                meeting.token,
                directory,
                meeting.listeners,
                meeting.theirs,
                mmap(-1, CELL.size),
                log_fd,
                open_report,
                found.remark,
                meeting.admin,
                None if notices is None else notices.manager,
                found.path,
            )
            environ = environment()
            if notices is not None:
                notices.put_into(environ)
            if config.options.engine.has_shim:
                add_shim(environ, meeting.channel_value, meeting.preload, found.runtime)
            else:
                drop_shim(environ)
            to_run = Command(
                found.path,
                found.argv,
                environ,
                mask,
                dispositions,
                pid_variables(environ),
                found.is_filtered,
            )
            return _fork_and_watch(setup, to_run, meeting.ours, notices)
    except BaseException as exc:
        remove_directory(directory)
        if isinstance(exc, OSError):
            cause = lack_text(exc.errno or 0) or f": {exc}"
            raise ProxywrapError(f"cannot start the helper{cause}") from exc
        raise
    finally:
        if notices is not None:
            notices.close()


def end_like(status: int) -> int:
    """Return an exit status of `launch`, or end this process by its signal."""
    if status >= 0:
        return status
    import resource  # for the rare case

    # COMMAND has written the core dump, if there was one. Some services may not set limits.
    with suppress(OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    signum = signal.Signals(-status)
    if signum not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signum])
    _flush()
    os.kill(os.getpid(), signum)
    return 128 - status


def _expect_system_calls(config: Config) -> None:
    """Try what launcher and helper cannot do without, before there is anything to leave half done."""
    needs = [Need.ALWAYS]
    if any(hop.scheme is Scheme.SSH for hop in config.all_hops):
        needs.append(Need.CHILDREN)
    for need in needs:
        forbidden = rehearse(need)
        if forbidden is not None:
            raise ProxywrapError(f"cannot start: {forbidden}")


def _expect_proc() -> None:
    """See that the kernel tells of processes, which scrubbing, helper and shim all ask it for."""
    if not os.path.exists("/proc/self/stat"):
        raise ProxywrapError(
            "cannot start: expected proc(5) at /proc, found none: mount it (mount -t proc proc /proc), "
            "or start proxywrap where it is mounted"
        )


def _expect_descriptors() -> None:
    """See that launcher and helper can have as many descriptors as they take before the first connection."""
    import resource

    with suppress(OSError):  # a service that may not ask for its limits
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= hard < MIN_DESCRIPTORS:
            raise ProxywrapError(_too_few(hard))
    taken: list[int] = []
    try:
        while len(taken) < FREE_DESCRIPTORS:
            taken.append(os.dup(2))
    except OSError as exc:
        if exc.errno != errno.EBADF:
            raise ProxywrapError(_too_few(soft)) from exc
    finally:
        for fd in taken:
            os.close(fd)


def _too_few(limit: int) -> str:
    return (
        f"cannot start: expected to be allowed {MIN_DESCRIPTORS} open files and to find "
        f"{FREE_DESCRIPTORS} of them free, found a limit of {limit}: raise it (ulimit -n)"
    )


def _fill_standard_descriptors() -> None:
    """Where one of 0, 1 and 2 is closed, keep it from being given to what we open.

    COMMAND finds them closed, as we did.
    """
    while (fd := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= 2:
        pass
    os.close(fd)


def _take_dispositions() -> Mapping[int, signal.Handlers]:
    """Set the dispositions that we need ourselves; return COMMAND's.

    Python ignores SIGPIPE and SIGXFSZ in itself, a program expects them as a
    shell leaves them. It catches SIGINT, unless it is ignored. An ignored
    SIGCHLD, which is inherited, would keep us from waiting for anybody.
    """
    dispositions: dict[int, signal.Handlers] = {
        signal.SIGPIPE: signal.SIG_DFL,
        signal.SIGXFSZ: signal.SIG_DFL,
    }
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        dispositions[signal.SIGINT] = signal.SIG_DFL
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        dispositions[signal.SIGCHLD] = signal.SIG_IGN
    return dispositions


def _report_opener(verbosity: int, log_fd: int) -> Callable[[], Report]:
    def open_report() -> Report:
        from proxywrap.report import Report

        log = os.fdopen(log_fd, "w") if log_fd >= 0 else None
        return Report(os.fdopen(2, "w", closefd=False), verbosity=verbosity, log=log)

    return open_report


def _open_log(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise ProxywrapError(f"{path}: cannot be opened for the log: {exc.strerror}") from exc


def _open_notices() -> Notices | None:
    if "NOTIFY_SOCKET" not in os.environ:
        return None
    from proxywrap.helper.notices import open_notices  # few are a service

    return open_notices(os.environ)


def _fork_and_watch(setup: Setup, command: Command, ours: socket.socket, notices: Notices | None) -> int:
    tell_by_signal(ours)
    if notices is not None:
        tell_by_signal(notices.inbox)
    become_subreaper()
    _flush()
    helper = os.fork()
    if helper == 0:
        ours.close()
        run_helper(setup, command)
    for sock in (*setup.listeners, setup.admin, setup.channel):
        if sock is not None:
            sock.close()
    if setup.log_fd >= 0:
        os.close(setup.log_fd)
    from proxywrap.helper.leftovers import remove_leftovers  # COMMAND has started

    remove_leftovers()
    return Watch(helper, ours, setup.cell, setup.directory, command, notices).run()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed when we were started
            stream.flush()
