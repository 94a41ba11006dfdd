"""A socket as an application has it, the same one as the helper has it, and peers for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Self, TypeVar

from proxywrap.net.connector import Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.waymaking import WayMaker

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

__all__ = ["DEADLINE_S", "Pair", "black_hole", "finish", "joined", "listening", "maker", "refusing_port"]

T = TypeVar("T")

DEADLINE_S = 20.0


class Pair:
    """`app`, and `lent` on a descriptor of its own."""

    def __init__(
        self, family: int = socket.AF_INET, *, is_blocking: bool = True, read_timeout_s: float = DEADLINE_S
    ) -> None:
        self.app = socket.socket(family, socket.SOCK_STREAM)
        self.app.setblocking(is_blocking)
        self.lent = LentSocket(self.app.dup(), read_timeout_s=read_timeout_s)

    @property
    def is_watched(self) -> bool:
        """Whether the running loop watches the lent socket."""
        selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        return self.lent._sock.fileno() in selector.get_map()

    def __enter__(self) -> Self:
        """Return the pair."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close both."""
        self.lent.close()
        self.app.close()


def maker(deadlines: Deadlines, version: int | None = None) -> WayMaker:
    """Return what makes ways, by IP of that version only."""
    return WayMaker(deadlines, HopNames(version), Tunnels({}, version))


def finish(coroutine: Coroutine[object, object, T]) -> T:
    """Run `coroutine` to its end, which comes soon."""

    async def limited() -> T:
        async with asyncio.timeout(DEADLINE_S):
            return await coroutine

    return asyncio.run(limited())


@contextlib.contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Have a listener that accepts when the test does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        listener.settimeout(DEADLINE_S)
        yield listener


@contextlib.contextmanager
def joined(pair: Pair) -> Iterator[socket.socket]:
    """Connect the pair by the application's own hand; give the peer."""
    with listening() as listener:
        is_blocking = pair.app.getblocking()
        pair.app.setblocking(True)
        pair.app.connect(listener.getsockname())
        pair.app.setblocking(is_blocking)
        peer, _ = listener.accept()
        with peer:
            yield peer


@contextlib.contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """Have an address where nobody ever answers: a listener whose queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address: tuple[str, int] = listener.getsockname()
        stack.enter_context(socket.create_connection(address))
        yield address


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """Have a port that is taken by someone who does not listen."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
