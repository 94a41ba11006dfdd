"""Starts COMMAND under the helper and is its stand-in for whoever started us.

Theory of operation
-------------------

launcher -> helper -> COMMAND. The control socket listens before anything
forks. The launcher then only waits: for signals, which it passes on, and for
what the helper says. All signals are blocked and taken by sigwaitinfo(), so
none is lost and each tells where it came from: what the terminal sends to the
foreground group has reached COMMAND already. The helper's messages come with
SIGIO, so there is a single place to wait.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from proxywrap.config import Config
from proxywrap.errors import ProxywrapError
from proxywrap.helper.family import MESSAGE, Message
from proxywrap.helper.process import Command, Setup, run_helper
from proxywrap.net.native import become_subreaper, judge_target, scrub_memory
from proxywrap.protocol.wire import TOKEN_BYTES, VERSION, Target

__all__ = ["CannotRun", "end_like", "launch"]

CHANNEL_VARIABLE = "PROXYWRAP_CHANNEL"
PROXY_VARIABLE = "PROXYWRAP_PROXY"
PRELOAD_VARIABLE = "LD_PRELOAD"

MAX_SOCKET_PATH_BYTES = 90
"""A path longer than this leaves too little of sun_path (108 bytes)."""

SI_KERNEL = 0x80
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # env(1), timeout(1)


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
    path, argv = _find(command, config)
    _scrub_secrets(len(command))
    log_fd = -1 if log_path is None else _open_log(log_path)
    directory = _make_directory()
    try:
        with _Prepared(directory) as prepared:
            mask = frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))
            setup = Setup(
                config, prepared.token, directory, prepared.listeners, prepared.theirs, verbosity, log_fd
            )
            environ = _environment(prepared.channel_value, prepared.preload)
            return _fork_and_watch(setup, Command(path, argv, environ, mask), prepared.ours)
    except OSError as exc:
        rmtree(directory, ignore_errors=True)
        raise ProxywrapError(f"cannot start the helper: {exc}") from exc


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
    sys.stdout.flush()
    os.kill(os.getpid(), signum)
    return 128 - status


# -- COMMAND -------------------------------------------------------------------


def _find(command: Sequence[str], config: Config) -> tuple[str, list[str]]:
    """Return the path to execute and the arguments to execute it with."""
    name = command[0]
    path = _search(name)
    verdict = judge_target(path)
    if verdict is Target.FORMAT:
        # What execvp() does, so env(1) and the like: a script of the shell's.
        return "/bin/sh", ["/bin/sh", path, *command[1:]]
    if verdict is not Target.OK and not _is_allowed(path, config):
        from proxywrap.refusals import ALLOW_HINT, target_reason

        raise CannotRun(f"refused to run {path}: {target_reason(verdict)}; {ALLOW_HINT}", NOT_EXECUTABLE)
    return path, list(command)


def _search(name: str) -> str:
    if "/" in name:
        candidates = [name]
    else:
        candidates = [str(Path(part) / name) if part else f"./{name}" for part in os.get_exec_path()]
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


def _open_log(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise ProxywrapError(f"{path}: cannot be opened for the log: {exc.strerror}") from exc


def _make_directory() -> Path:
    """Return a new directory of ours alone, whose path LD_PRELOAD can hold."""
    places = [os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("TMPDIR"), "/tmp"]  # noqa: S108 - mkdtemp
    reasons = []
    for place in places:
        if not place or set(place) & set(" :$") or len(os.fsencode(place)) > MAX_SOCKET_PATH_BYTES - 40:
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

    def __enter__(self) -> _Prepared:
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
    if set(str(path)) & set(" :$") or len(os.fsencode(path)) > 255:
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
    sys.stdout.flush()
    sys.stderr.flush()
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
    """Have SIGIO come whenever the helper has said something."""
    channel.setblocking(False)
    fcntl.fcntl(channel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(channel, fcntl.F_SETSIG, signal.SIGIO)
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

    def run(self) -> int:
        early: list[int] = []
        while True:
            info = signal.sigwaitinfo(signal.valid_signals())
            is_ours = info.si_signo == signal.SIGIO and info.si_code != 0
            if is_ours or info.si_signo == signal.SIGCHLD:
                status = self._hear()
                if status is None and info.si_signo == signal.SIGCHLD:
                    status = self._check_helper()
                if status is not None:
                    return status
                if self.pidfd >= 0:
                    while early:
                        self._pass_on(early.pop(0))
            elif not self._has_reached_command(info):
                if self.pidfd >= 0:
                    self._pass_on(info.si_signo)
                else:
                    early.append(info.si_signo)

    def _has_reached_command(self, info: signal.struct_siginfo) -> bool:
        """What the terminal sends goes to the whole foreground group."""
        return info.si_code == SI_KERNEL

    def _pass_on(self, signum: int) -> None:
        if signum == signal.SIGCONT and not self._is_stopped():
            return  # `fg` continues the whole group
        try:
            signal.pidfd_send_signal(self.pidfd, signum)
        except ProcessLookupError:
            return  # it has ended; the helper is about to say so
        except PermissionError:
            self._say(f"may not pass {signal.Signals(signum).name} on to {self.command.path}")

    def _is_stopped(self) -> bool:
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

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
                os.waitpid(self.helper, 0)
                raise _exec_error(self.command.path, number)
            elif kind == Message.STOPPED:
                os.kill(os.getpid(), signal.SIGSTOP)
            elif kind == Message.ENDED:
                return _as_status(number)
            elif kind == Message.LAST_ENDED:
                os.waitpid(self.helper, 0)
                return _as_status(number)

    def _check_helper(self) -> int | None:
        """If the helper is dead, be COMMAND's parent in its place."""
        pid, _status = os.waitpid(self.helper, os.WNOHANG)
        if pid == 0:
            return None
        status = self._hear()
        if status is not None:
            return status
        rmtree(self.directory, ignore_errors=True)
        self._say("the helper has died; every further connection will be refused")
        return self._outlive_helper()

    def _outlive_helper(self) -> int:
        """Wait for COMMAND, which is our child now, passing signals on."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return NOT_FOUND - 2  # COMMAND never started: our own error, 125
            if pid == self.pid and self.pid:
                return _as_status(status)
            if pid == 0:
                info = signal.sigwaitinfo(signal.valid_signals())
                if info.si_signo not in {signal.SIGCHLD, signal.SIGIO} and not self._has_reached_command(
                    info
                ):
                    self._pass_on(info.si_signo)

    @staticmethod
    def _say(text: str) -> None:
        os.write(2, f"proxywrap: {text}\n".encode())


def _as_status(status: int) -> int:
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _exec_error(path: str, error: int) -> CannotRun:
    status = NOT_FOUND if error == errno.ENOENT else NOT_EXECUTABLE
    return CannotRun(f"{path}: {os.strerror(error)}", status)
