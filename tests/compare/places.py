"""Where a case runs: a world of its own for each tool, and two for no tool at all.

`Wrapped` is a network namespace in which the destinations are reached through
the proxy alone, under the eyes of the judge. `Open` is one in which they are
reached. `Pending` is loopback, with a listener that drops SYNs until it is told
not to: what a socket shows while it is connecting is the kernel's to say.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from e2e.kit.world import NAMESERVER, Command, Leak, World, factor
from shim import stage
from shim.stage import End, Unwrapped

from .far import CLOSED, ECHO_PORT, MANY, NAMES, REMOTE, Proxy, destinations, nameserver, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cases import Case
    from .programs import Programs
    from .tools import Tool

__all__ = ["Open", "Pending", "Place", "Run", "Wrapped"]


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a case."""

    lines: list[str]
    errors: str
    status: int
    is_late: bool = False
    """It had to be killed."""
    leaks: list[Leak] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """What the proxy was asked for."""
    waited_s: float = 0.0
    """How long the proxy held requests in vain."""


class Place(Protocol):
    """Somewhere to run a case."""

    def run(self, case: Case, limit_s: float) -> Run:
        """Run it, for so long at the most."""


class _Namespace:
    """A world with destinations in it, and how a case runs there."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._stack = contextlib.ExitStack()
        self.world = World()
        self.proxy = Proxy(0)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.world)
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def _open(self, stack: contextlib.ExitStack) -> None:
        raise NotImplementedError

    def _command(self, case: Case) -> list[str]:
        return self._programs.command(case, CLOSED if case.end is End.REFUSED else REMOTE[4], ECHO_PORT)

    def _run(self, case: Case, argv: Sequence[str], env: dict[str, str], limit_s: float) -> Run:
        self.world.call(self._begin, case)
        hosts = {**NAMES, **MANY} if self.proxy.port == 0 else {}
        with self.world.start(argv, env=env, hosts=hosts, stdin=subprocess.PIPE) as process:
            is_late = threading.Event()
            guard = threading.Timer(limit_s * factor(), self._kill, [is_late])
            guard.start()
            lines, errors = self._attend(process)
            status = process.wait()
            guard.cancel()
            guard.join()
        self.world.wait_deserted(0.3 if is_late.is_set() else 5)
        leaks = self.world.judge.acquit()
        return Run(
            lines, errors, status, is_late.is_set(), leaks, self.proxy.asked, waited_s=self.proxy.waited_s
        )

    def _attend(self, process: Command) -> tuple[list[str], str]:
        """Do what a process asks for, and return what it said on stdout and stderr."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        lines, errors = [], []
        drain = threading.Thread(target=lambda pipe: errors.append(pipe.read()), args=(process.stderr,))
        drain.start()
        for line in process.stdout:
            if line != b"!go\n":
                lines.append(line.decode(errors="replace").rstrip("\n"))
                continue
            self.world.call(self.proxy.release)
            with contextlib.suppress(OSError):
                process.stdin.write(b"\n")
                process.stdin.flush()
        drain.join()
        return lines, errors[0].decode(errors="replace")

    def _kill(self, is_late: threading.Event) -> None:
        is_late.set()
        for pid in self.world.residents():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _begin(self, case: Case) -> None:
        self.proxy.begin(is_held=case.is_held or case.end is not None, needed=case.needed)


class Wrapped(_Namespace):
    """A tool in a world where the destinations are beyond the proxy."""

    def __init__(self, tool: Tool, programs: Programs) -> None:
        super().__init__(programs)
        self._tool = tool
        self.proxy = Proxy(tool.patience_s * factor())

    def _open(self, stack: contextlib.ExitStack) -> None:
        self.proxy.port = stack.enter_context(self.world.running(serving(self.proxy.serve, "127.0.0.1", 0)))
        stack.enter_context(self.world.running(destinations("127.0.0.2")))
        file = self.world.directory / "wrapper.conf"
        file.write_text(self._tool.config.format(port=self.proxy.port))
        self._prefix = [word.format(port=self.proxy.port, file=file) for word in self._tool.prefix]
        self._env = {self._tool.variable: str(file)} if self._tool.variable else {}

    def run(self, case: Case, limit_s: float) -> Run:
        """Run a case behind the tool."""
        return self._run(case, [*self._prefix, *self._command(case)], self._env, limit_s)


class Open(_Namespace):
    """No tool, in a world where the names resolve and the destinations answer."""

    def _open(self, stack: contextlib.ExitStack) -> None:
        addresses = [*REMOTE.values(), CLOSED, NAMESERVER]
        for address in addresses:
            subprocess.run(
                ["nsenter", f"--net={self.world.namespace}", "ip", "addr", "add", address, "dev", "lo"],
                check=True,
            )
        stack.enter_context(self.world.running(destinations(*REMOTE.values(), "127.0.0.2")))
        stack.enter_context(self.world.running(nameserver(NAMESERVER)))

    def run(self, case: Case, limit_s: float) -> Run:
        """Run a case."""
        return self._run(case, self._command(case), {}, limit_s)


class Pending:
    """No tool, and connections that stay pending until they are told to end."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def run(self, case: Case, _limit_s: float) -> Run:
        """Run a case that has an `end`."""
        assert case.end is not None
        with Unwrapped(case.end) as place:
            result = stage.run(place, [self._programs.compiled(case.words[0])], *case.words[1:])
        return Run(result.trace, result.errors, result.status)
