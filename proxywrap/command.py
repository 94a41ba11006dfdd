"""COMMAND: found in $PATH, judged, and given its environment.

Finds it as execvp(3) does, before anything is started for it, so that what is
wrong with it is said at once and with the right exit status.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from proxywrap.config import Config
from proxywrap.engines import Engine, runs_filtered
from proxywrap.errors import ProxywrapError
from proxywrap.lack import lack_text
from proxywrap.lookup import PROXY_VARIABLE
from proxywrap.net.native import judge_target, preload_list
from proxywrap.protocol.wire import Target

__all__ = [
    "CannotRun",
    "add_shim",
    "drop_shim",
    "environment",
    "exec_error",
    "filter_error",
    "find_command",
    "pid_variables",
]

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

    `is_filtered` where a seccomp filter is to be over it; `remark` says why it
    will run unwrapped, if that is so and allowed.
    """

    path: str
    argv: list[str]
    runtime: bytes
    is_filtered: bool
    remark: str | None


def find_command(command: Sequence[str], config: Config) -> Found:
    """Return what to execute for COMMAND.

    Raises:
        CannotRun: it is not there, not executable, or cannot be wrapped.

    """
    path = _search(command)
    argv = list(command)
    verdict, runtime = judge_target(path, argv, os.environ)
    if verdict is Target.FORMAT and not config.options.may_run_unwrapped(path):
        # What execvp() does, so env(1) and the like: a script of the shell's.
        path, argv = SHELL, [SHELL, path, *command[1:]]
        verdict, runtime = judge_target(path, argv, os.environ)
    engine = config.options.engine
    if verdict is Target.OK and not engine.filters_all:
        return Found(path, argv, runtime, is_filtered=False, remark=None)
    is_filtered = verdict is Target.OK or runs_filtered(engine, verdict)
    if is_filtered and not (verdict is not Target.OK and config.options.may_run_unwrapped(path)):
        _expect_support(path)
        return Found(path, argv, runtime, is_filtered=True, remark=None)
    from proxywrap.refusals import allow_hint, runs_unwrapped, target_reason

    if not config.options.may_run_unwrapped(path):
        hint = allow_hint(path, config.file)
        if runs_filtered(Engine.AUTO, verdict):
            hint = f"`--engine auto` wraps it; {hint}"
        raise CannotRun(f"refused to run {path}: {target_reason(verdict)}; {hint}", NOT_EXECUTABLE)
    return Found(path, argv, runtime, is_filtered=False, remark=runs_unwrapped(path, verdict))


def _expect_support(path: str) -> None:
    from proxywrap.net.notification import missing_support

    missing = missing_support()
    if missing is not None:
        raise CannotRun(
            f"refused to run {path}: it needs a seccomp filter, and {missing}",
            NOT_EXECUTABLE,
        )


def _search(command: Sequence[str]) -> str:
    name = command[0]
    if "/" in name:
        candidates = [name]
    else:
        candidates = [os.path.join(part or ".", name) for part in os.get_exec_path() if name]
    for path in candidates:
        if "/" in name and os.path.isdir(path):
            raise CannotRun(f"{name}: expected an executable file, found a directory", NOT_EXECUTABLE)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    from proxywrap.unrunnable import not_executable, not_found

    there = sorted(filter(os.path.exists, candidates), key=os.path.isdir)
    if there:
        raise CannotRun(not_executable(there[0]), NOT_EXECUTABLE)
    raise CannotRun(not_found(name, tuple(command[1:]), os.environ), NOT_FOUND)


def environment() -> dict[str, str]:
    """Return COMMAND's environment: ours, without proxies' passwords."""
    environ = dict(os.environ)
    environ.pop(PROXY_VARIABLE, None)
    if f"\0{COERCED_VARIABLE}=".encode() not in b"\0" + _initial_environ():
        environ.pop(COERCED_VARIABLE, None)  # Python has set it, for itself
    return environ


def add_shim(environ: dict[str, str], channel_value: str, preload: str, runtime: bytes) -> None:
    """Add to an environment what the shim needs; `runtime` is what `find_command` found."""
    environ[PRELOAD_VARIABLE] = preload_list(preload, environ.get(PRELOAD_VARIABLE, ""), runtime)
    environ[CHANNEL_VARIABLE] = channel_value


def drop_shim(environ: dict[str, str]) -> None:
    """Take from an environment the shim of a proxywrap that we run under, and that COMMAND is not to have."""
    outer = environ.pop(CHANNEL_VARIABLE, "").split(":", 5)[5:]
    entries = [each for each in re.split("[: ]", environ.get(PRELOAD_VARIABLE, "")) if each not in outer]
    if any(entries):
        environ[PRELOAD_VARIABLE] = ":".join(entries)
    else:
        environ.pop(PRELOAD_VARIABLE, None)


def pid_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that whoever started us meant for the process of COMMAND, and gave our id."""
    return tuple(name for name in PID_VARIABLES if environ.get(name) == str(os.getpid()))


def _initial_environ() -> bytes:
    with open("/proc/self/environ", "rb") as file:
        return file.read()


def filter_error(path: str, error: int) -> CannotRun:
    """Return what a filter that could not be installed, with `error`, means for the user."""
    from proxywrap.refusals import no_filter

    return CannotRun(f"refused to run {path}: {no_filter(error)}", NOT_EXECUTABLE)


def exec_error(path: str, error: int) -> CannotRun:
    """Return what an exec that failed with `error` means for the user."""
    if error == errno.ENOENT:
        from proxywrap.unrunnable import interpreter_fault

        return CannotRun(interpreter_fault(path) or f"{path}: {os.strerror(error)}", NOT_FOUND)
    return CannotRun(f"{path}{lack_text(error) or f': {os.strerror(error)}'}", NOT_EXECUTABLE)
