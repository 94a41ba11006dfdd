"""A proxy that knows who waits at it, and commands that begin when somebody does."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from typing import TYPE_CHECKING, Any

from proxywrap.testing import SocksServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from .clients import Words
    from .world import Command, World

__all__ = ["WatchedServer", "ask", "held_back"]


class WatchedServer(SocksServer):
    """Knows who has come, and how many have given the password, before anybody asks for anything."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.came: list[str] = []
        """HOST:PORT of each, in order of arrival."""
        self.let_in = 0
        self._stir = asyncio.Event()

    async def until(self, is_so: Callable[[WatchedServer], bool]) -> None:
        """Wait until something is so."""
        while not is_so(self):
            self._stir.clear()
            await self._stir.wait()

    async def hang_up(self) -> None:
        """End all connections, as one does that nobody has used for long."""
        await self._end_clients()

    def _take(self, client: socket.socket, origin: str) -> None:
        self.came.append(origin)
        self._stir.set()
        super()._take(client, origin)

    def _check(self, username: bytes, password: bytes) -> bool:
        is_right = super()._check(username, password)
        self.let_in += is_right
        self._stir.set()
        return is_right


@contextlib.contextmanager
def held_back(world: World, prefix: Words, argv: Sequence[object], **options: Any) -> Iterator[Command]:
    """Start a command behind a prefix that runs once for each line that it is told by `ask`."""
    script = 'while read -r line; do "$@"; echo "status $?"; done'
    command = [*prefix, "sh", "-c", script, "sh", *argv]
    with world.start(command, stdin=subprocess.PIPE, **options) as process:
        yield process


def ask(process: Command) -> list[bytes]:
    """Have the command run once; return the lines that it prints, the last one its status."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go on\n")
    process.stdin.flush()
    lines: list[bytes] = []
    while not lines or not lines[-1].startswith(b"status "):
        line = process.stdout.readline()
        assert line, "it has ended"
        lines.append(line.rstrip(b"\n"))
    return lines
