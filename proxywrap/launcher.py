"""Starts COMMAND under the helper and is its stand-in for whoever started us.

Theory of operation
-------------------

launcher -> helper -> COMMAND. The control socket listens before anything
forks. The launcher then only waits: for signals, which it passes on, and for
what the helper says. All signals are blocked and taken by sigwaitinfo(), so
none is lost and each tells where it came from: what the terminal sends to the
foreground group has reached COMMAND already. The helper's messages come with
a real-time signal, which unlike SIGIO never merges with one that somebody sends
us, so there is a single place to wait.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Self

from proxywrap.config import Config
from proxywrap.errors import ProxywrapError
from proxywrap.helper.family import MESSAGE, Message
from proxywrap.helper.process import Command, Setup, run_helper
from proxywrap.net.native import become_subreaper, judge_target, scrub_memory
from proxywrap.protocol.wire import TOKEN_BYTES, VERSION, Target

if TYPE_CHECKING:
    from proxywrap.report import Report  # which COMMAND need not wait for

__all__ = ["CannotRun", "end_like", "launch"]

CHANNEL_VARIABLE = "PROXYWRAP_CHANNEL"
PROXY_VARIABLE = "PROXYWRAP_PROXY"
PRELOAD_VARIABLE = "LD_PRELOAD"
COERCED_VARIABLE = "LC_CTYPE"  # PEP 538

MAX_PLACE_BYTES = 50
"""A longer directory leaves too little of sun_path (108 bytes) for what we add to it."""

UNFIT = frozenset(" :;$\n")
"""What a path in LD_PRELOAD must not have: separators, and what ld.so expands."""

SHELL = "/bin/sh"

SI_KERNEL = 0x80
CHANNEL_SIGNAL = signal.SIGRTMAX

KERNEL_FOR_US = frozenset({signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF})
"""What the kernel sends to us alone: a timer that was set before we were executed."""

LEADER_FOR_US = KERNEL_FOR_US | {signal.SIGHUP, signal.SIGCONT}
"""What it sends to the leader of a session alone, when the terminal is gone."""

FAILED, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127  # env(1), timeout(1)


class CannotRun(ProxywrapError):
    """COMMAND cannot be run; `exit_status` says why."""

    def __init__(self, reason: str, exit_status: int) -> None:
        super().__init__(reason)
        self.exit_status = exit_status


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
    _fill_standard_descriptors()
    path, argv = _find(command, config)
    _scrub_secrets(len(command))
    log_fd = -1 if log_path is None else _open_log(log_path)
    mask = frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))
    directory = _make_directory()
    try:
        with _Prepared(directory) as prepared:
            open_report = _report_opener(verbosity, log_fd)
            setup = Setup(
                config, prepared.token, directory, prepared.listeners, prepared.theirs, log_fd, open_report
            )
            environ = _environment(prepared.channel_value, prepared.preload)
            to_run = Command(path, argv, environ, mask, _take_dispositions())
            return _fork_and_watch(setup, to_run, prepared.ours)
    except BaseException as exc:
        rmtree(directory, ignore_errors=True)
        if isinstance(exc, OSError):
            raise ProxywrapError(f"cannot start the helper: {exc}") from exc
        raise


def end_like(status: int) -> int:
    """Return an exit status of `launch`, or end this process by its signal."""
    if status >= 0:
        return status
    import resource  # for the rare case

    # COMMAND has written the core dump, if there was one.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    signum = signal.Signals(-status)
    if signum not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signum])
    _flush()
    os.kill(os.getpid(), signum)
    return 128 - status


# -- COMMAND -------------------------------------------------------------------


def _find(command: Sequence[str], config: Config) -> tuple[str, list[str]]:
    """Return the path to execute and the arguments to execute it with."""
    name = command[0]
    path = _search(name)
    argv = list(command)
    verdict = judge_target(path)
    if verdict is Target.FORMAT:
        # What execvp() does, so env(1) and the like: a script of the shell's.
        path, argv = SHELL, [SHELL, path, *command[1:]]
        verdict = judge_target(path)
    if verdict is not Target.OK and not _is_allowed(path, config):
        from proxywrap.refusals import ALLOW_HINT, target_reason

        raise CannotRun(f"refused to run {path}: {target_reason(verdict)}; {ALLOW_HINT}", NOT_EXECUTABLE)
    return path, argv


def _search(name: str) -> str:
    if "/" in name:
        candidates = [name]
    else:
        candidates = [os.path.join(part or ".", name) for part in os.get_exec_path() if name]
    is_there = False
    for path in candidates:
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
        is_there |= os.path.exists(path)
    if is_there:
        raise CannotRun(
            f"{name}: expected an executable file, found one that may not be executed", NOT_EXECUTABLE
        )
    raise CannotRun(f"{name}: command not found", NOT_FOUND)


def _is_allowed(path: str, config: Config) -> bool:
    if not config.options.allow_unwrapped:
        return False
    from proxywrap.helper.router import Router
    from proxywrap.hosts import HostsTable

    return Router(config, HostsTable(), frozenset()).may_run_unwrapped(path)


def _environment(channel_value: str, preload: str) -> dict[str, str]:
    environ = dict(os.environ)
    environ.pop(PROXY_VARIABLE, None)
    if f"\0{COERCED_VARIABLE}=".encode() not in b"\0" + Path("/proc/self/environ").read_bytes():
        environ.pop(COERCED_VARIABLE, None)  # Python has set it, for itself
    theirs = environ.get(PRELOAD_VARIABLE)
    environ[PRELOAD_VARIABLE] = f"{preload}:{theirs}" if theirs else preload
    environ[CHANNEL_VARIABLE] = channel_value
    return environ


# -- secrets -------------------------------------------------------------------


def _scrub_secrets(command_words: int) -> None:
    """Overwrite the passwords of our own command line and environment.

    They lie where the kernel put them, for ps(1) and /proc to read.
    """
    argv = sys.orig_argv[: len(sys.orig_argv) - command_words]
    hidden = [_userinfo(word) for word in argv]
    for entry in Path("/proc/self/environ").read_bytes().split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name == PROXY_VARIABLE.encode():
            hidden.append(value)
    found = [secret for secret in hidden if secret]
    if found:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        # Fields 48 to 51 of proc(5), counted from 1; the two first are cut off.
        arg_start, _arg_end, _env_start, env_end = (int(value) for value in fields[45:49])
        for secret in found:
            scrub_memory(arg_start, env_end, secret)


def _userinfo(word: str) -> bytes:
    _scheme, slashes, rest = word.partition("://")
    userinfo, at, _host = rest.rpartition("@")
    return os.fsencode(userinfo) if slashes and at else b""


# -- preparation -----------------------------------------------------------------


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
    if signal.signal(signal.SIGCHLD, signal.SIG_DFL) is signal.SIG_IGN:
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


def _make_directory() -> Path:
    """Return a new directory of ours alone, whose path LD_PRELOAD can hold, wherever COMMAND goes."""
    places = [os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("TMPDIR"), "/tmp"]  # noqa: S108 - mkdtemp
    reasons = []
    for place in places:
        if not place or not os.path.isabs(place) or set(place) & UNFIT:
            continue
        if len(os.fsencode(place)) > MAX_PLACE_BYTES:
            continue
        try:
            return Path(mkdtemp(prefix="proxywrap-", dir=place))
        except OSError as exc:
            reasons.append(f"{place}: {exc.strerror}")
    raise ProxywrapError(
        f"expected a directory to work in, found none that can be written: {'; '.join(reasons)}"
    )


class _Prepared:
    """The sockets and names that COMMAND and the helper will share."""

    def __init__(self, directory: Path) -> None:
        self.token = secrets.token_bytes(TOKEN_BYTES)
        abstract = f"proxywrap-{secrets.token_hex(8)}"
        path = directory / "control"
        self.listeners = [_listen(b"\0" + abstract.encode()), _listen(os.fsencode(path))]
        self.preload = _preload_path(directory)
        self.channel_value = f"{VERSION}:{self.token.hex()}:{abstract}:{path}:{self.preload}"
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (*self.listeners, self.theirs, self.ours):
            sock.close()


def _listen(address: bytes) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    listener.bind(address)
    if not address.startswith(b"\0"):
        # Under another uid the token is what counts; the directory keeps others out.
        os.chmod(address, 0o666)  # noqa: S103
    listener.listen(socket.SOMAXCONN)
    return listener


def _preload_path(directory: Path) -> str:
    """Return the shim's path, by way of a link where LD_PRELOAD cannot hold it."""
    import proxywrap

    path = Path(proxywrap.__path__[0]).resolve() / "_preload.abi3.so"
    if set(str(path)) & UNFIT or len(os.fsencode(path)) > 255:
        link = directory / "preload.so"
        link.symlink_to(path)
        path = link
    try:
        path.open("rb").close()
    except OSError as exc:
        raise ProxywrapError(
            f"{path}: expected the shim there: {exc.strerror}; install proxywrap anew"
        ) from exc
    return str(path)


# -- the watch ---------------------------------------------------------------------


def _fork_and_watch(setup: Setup, command: Command, ours: socket.socket) -> int:
    _tell_by_signal(ours)
    become_subreaper()
    _flush()
    launcher_pid = os.getpid()
    helper = os.fork()
    if helper == 0:
        ours.close()
        run_helper(setup, command)
    assert os.getpid() == launcher_pid  # noqa: S101
    for sock in (*setup.listeners, setup.channel):
        sock.close()
    if setup.log_fd >= 0:
        os.close(setup.log_fd)
    return _Watch(helper, ours, setup.directory, command).run()


def _tell_by_signal(channel: socket.socket) -> None:
    """Have CHANNEL_SIGNAL come whenever the helper has said something, or has gone."""
    channel.setblocking(False)
    fcntl.fcntl(channel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(channel, fcntl.F_SETSIG, CHANNEL_SIGNAL)
    flags = fcntl.fcntl(channel, fcntl.F_GETFL)
    fcntl.fcntl(channel, fcntl.F_SETFL, flags | os.O_ASYNC)


@dataclass(slots=True)
class _Watch:
    """Passes signals on and mirrors COMMAND's stops and its end."""

    helper: int
    channel: socket.socket
    directory: Path
    command: Command
    pid: int = 0
    pidfd: int = -1
    is_helper_gone: bool = False
    has_stopped: bool = False
    early: list[signal.struct_siginfo] = field(default_factory=list)

    def run(self) -> int:
        while True:
            info = signal.sigwaitinfo(signal.valid_signals())
            status = self._look(info)
            if status is not None:
                return status
            self._take(info)

    def _look(self, info: signal.struct_siginfo) -> int | None:
        """Look at what the signal may tell of; return the final status once it is known."""
        status = None
        if info.si_signo in {CHANNEL_SIGNAL, signal.SIGIO, signal.SIGCHLD}:
            status = self._hear()
        if status is None and info.si_signo == signal.SIGCHLD:
            status = self._reap()
        return status

    def _take(self, info: signal.struct_siginfo) -> None:
        """Pass the signal on if it is COMMAND's and has not reached it already."""
        if self.pidfd < 0:
            self.early.append(info)
            return
        for each in (*self.early, info):
            if self._is_for_command(each):
                self._pass_on(each.si_signo)
        self.early.clear()

    def _is_for_command(self, info: signal.struct_siginfo) -> bool:
        if info.si_signo == signal.SIGCONT and self.has_stopped:
            # Sent to the whole group, as `fg` does, or to us alone?
            self.has_stopped = False
            return _is_stopped(self.pid)
        if info.si_code <= 0:  # from a process; SI_USER and its like
            return info.si_pid != self.helper
        if info.si_code == SI_KERNEL:  # what the terminal sends goes to the whole foreground group
            return info.si_signo in (LEADER_FOR_US if os.getsid(0) == os.getpid() else KERNEL_FOR_US)
        return False

    def _pass_on(self, signum: int) -> None:
        try:
            signal.pidfd_send_signal(self.pidfd, signum)
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
                self.pid, self.pidfd = number, fds[0]
            elif kind == Message.EXEC_FAILED:
                self._bury_helper()
                raise _exec_error(self.command.path, number)
            elif kind == Message.STOPPED:
                self._stop()
            elif kind == Message.ENDED:
                return _as_status(number)
            elif kind == Message.LAST_ENDED:
                self._bury_helper()
                return _as_status(number)

    def _bury_helper(self) -> None:
        if not self.is_helper_gone:
            os.waitpid(self.helper, 0)
            self.is_helper_gone = True

    def _reap(self) -> int | None:
        """See whether the helper has died; if so, be COMMAND's parent in its place."""
        if not self.is_helper_gone:
            if os.waitpid(self.helper, os.WNOHANG)[0] == 0:
                return None
            self.is_helper_gone = True
            status = self._hear()
            if status is not None:
                return status
            rmtree(self.directory, ignore_errors=True)
            self._say("the helper has died; every further connection will be refused")
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return FAILED  # COMMAND has never started
            if pid == 0:
                return None
            if pid != self.pid:
                continue
            if not os.WIFSTOPPED(status):
                return _as_status(status)
            self._stop()

    @staticmethod
    def _say(text: str) -> None:
        os.write(2, f"proxywrap: {text}\n".encode())


def _is_stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "T"


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed when we were started
            stream.flush()


def _as_status(status: int) -> int:
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _exec_error(path: str, error: int) -> CannotRun:
    status = NOT_FOUND if error == errno.ENOENT else NOT_EXECUTABLE
    return CannotRun(f"{path}: {os.strerror(error)}", status)
