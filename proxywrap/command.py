"""COMMAND: found in $PATH, judged, and given its environment.

Finds it as execvp(3) does, before anything is started for it, so that what is
wrong with it is said at once and with the right exit status.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from proxywrap.config import Config
from proxywrap.errors import ProxywrapError
from proxywrap.lookup import PROXY_VARIABLE
from proxywrap.net.native import judge_target, preload_list
from proxywrap.protocol.wire import Target

__all__ = ["CannotRun", "environment", "exec_error", "find_command", "pid_variables"]

CHANNEL_VARIABLE = "PROXYWRAP_CHANNEL"
PRELOAD_VARIABLE = "LD_PRELOAD"
COERCED_VARIABLE = "LC_CTYPE"  # PEP 538

PID_VARIABLES = ("LISTEN_PID", "WATCHDOG_PID")
"""sd_listen_fds(3) and sd_watchdog_enabled(3) heed them in that process alone."""

SHELL = "/bin/sh"

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # env(1), timeout(1)


class CannotRun(ProxywrapError):
    """COMMAND cannot be run; `exit_status` says why."""

    def __init__(self, reason: str, exit_status: int) -> None:
        super().__init__(reason)
        self.exit_status = exit_status


class Found(NamedTuple):
    """A program to execute; `runtime` is what must stand before the shim (`judge_target`).

    `remark` says why it will run unwrapped, if that is so and allowed.
    """

    path: str
    argv: list[str]
    runtime: bytes
    remark: str | None


def find_command(command: Sequence[str], config: Config) -> Found:
    """Return what to execute for COMMAND.

    Raises:
        CannotRun: it is not there, not executable, or cannot be wrapped.

    """
    name = command[0]
    path = _search(name)
    argv = list(command)
    verdict, runtime = judge_target(path, argv, os.environ)
    if verdict is Target.FORMAT and not config.options.may_run_unwrapped(path):
        # What execvp() does, so env(1) and the like: a script of the shell's.
        path, argv = SHELL, [SHELL, path, *command[1:]]
        verdict, runtime = judge_target(path, argv, os.environ)
    if verdict is Target.OK:
        return Found(path, argv, runtime, None)
    from proxywrap.refusals import allow_hint, runs_unwrapped, target_reason

    if not config.options.may_run_unwrapped(path):
        hint = allow_hint(path, config.file)
        raise CannotRun(f"refused to run {path}: {target_reason(verdict)}; {hint}", NOT_EXECUTABLE)
    return Found(path, argv, runtime, runs_unwrapped(path, verdict))


def _search(name: str) -> str:
    if "/" in name:
        candidates = [name]
    else:
        candidates = [os.path.join(part or ".", name) for part in os.get_exec_path() if name]
    is_there = False
    for path in candidates:
        if "/" in name and os.path.isdir(path):
            raise CannotRun(f"{name}: expected an executable file, found a directory", NOT_EXECUTABLE)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
        is_there |= os.path.exists(path)
    if is_there:
        raise CannotRun(
            f"{name}: expected an executable file, found one that may not be executed", NOT_EXECUTABLE
        )
    raise CannotRun(f"{name}: command not found", NOT_FOUND)


def environment(channel_value: str, preload: str, runtime: bytes) -> dict[str, str]:
    """Return COMMAND's environment: ours, with what the shim needs, without proxies' passwords.

    `runtime` is what `find_command` found.
    """
    environ = dict(os.environ)
    environ.pop(PROXY_VARIABLE, None)
    if f"\0{COERCED_VARIABLE}=".encode() not in b"\0" + _initial_environ():
        environ.pop(COERCED_VARIABLE, None)  # Python has set it, for itself
    environ[PRELOAD_VARIABLE] = preload_list(preload, environ.get(PRELOAD_VARIABLE, ""), runtime)
    environ[CHANNEL_VARIABLE] = channel_value
    return environ


def pid_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that whoever started us meant for the process of COMMAND, and gave our id."""
    return tuple(name for name in PID_VARIABLES if environ.get(name) == str(os.getpid()))


def _initial_environ() -> bytes:
    with open("/proc/self/environ", "rb") as file:
        return file.read()


def exec_error(path: str, error: int) -> CannotRun:
    """Return what an exec that failed with `error` means for the user."""
    status = NOT_FOUND if error == errno.ENOENT else NOT_EXECUTABLE
    return CannotRun(f"{path}: {os.strerror(error)}", status)
