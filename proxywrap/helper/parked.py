"""Parked sockets: their ways made ready, joined to them, and relayed over.

A way is a socket of our own, connected through the chain. The parked socket is
not held meanwhile: its application's close() must be the last one.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from proxywrap.address import unmapped
from proxywrap.events import Note
from proxywrap.helper.context import Context
from proxywrap.helper.guide import Guide
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.refusing import leave_failed
from proxywrap.helper.router import Route
from proxywrap.net.lent import LentSocket
from proxywrap.net.notification import take_descriptor
from proxywrap.net.parking import Parked, ParkingLot
from proxywrap.net.way import Way
from proxywrap.protocol.sockaddr import Place

__all__ = ["ParkedConnects", "Waiting"]


@dataclass(eq=False, slots=True)
class Waiting:
    """A parked socket: whose it is, and what to do when its fate is known.

    `process` had it as descriptor `fd`; `inode` tells it from what may have
    that number by then.
    """

    process: int
    fd: int
    inode: int
    parked: Parked
    on_end: list[Callable[[int], None]] = field(default_factory=list)


class ParkedConnects:
    """All parked sockets of one helper.

    Args:
        context: what the sessions share.
        guide: connects a socket.
        ledger: of the filtered programs.
        refusing: loopback addresses where nothing ever listens, by family.
        spawn: runs a coroutine.

    """

    def __init__(
        self,
        context: Context,
        guide: Guide,
        ledger: Ledger,
        refusing: Mapping[int, tuple[str, int]],
        spawn: Callable[..., asyncio.Task[None]],
    ) -> None:
        self._context = context
        self._guide = guide
        self._ledger = ledger
        self._refusing = refusing
        self._spawn = spawn
        self._lot = ParkingLot()
        self._tasks: dict[Waiting, asyncio.Task[None]] = {}

    def park(self, sock: socket.socket, process: int, fd: int, place: Place, route: Route) -> Waiting:
        """Have a socket of `process` wait, and make its way ready; it stays the caller's.

        Raises:
            OSError: as connect(2) by the application would.

        """
        parked = self._lot.park(sock)
        waiting = Waiting(process, fd, os.fstat(sock.fileno()).st_ino, parked)
        self._tasks[waiting] = self._spawn(self._carry_out(waiting, place, route))
        return waiting

    def find(self, inode: int) -> Waiting | None:
        """Return the parked socket with that inode."""
        return next((each for each in self._tasks if each.inode == inode), None)

    def give_up(self, inode: int) -> None:
        """Abandon what is done for the socket with that inode: its application has."""
        waiting = self.find(inode)
        if waiting is not None:
            self._tasks.pop(waiting).cancel()

    def sweep(self) -> None:
        """Abandon what is done for sockets that were closed."""
        for waiting in [each for each in self._tasks if not each.parked.is_waiting()]:
            task = self._tasks.get(waiting)
            if task is not None:
                task.cancel()

    def is_idle(self) -> bool:
        """Tell whether nothing waits."""
        return not self._tasks

    def close(self) -> None:
        """End everything."""
        for task in self._tasks.values():
            task.cancel()
        self._lot.close()

    async def _carry_out(self, waiting: Waiting, place: Place, route: Route) -> None:
        error = 0
        try:
            error = await self._join(waiting, place, route)
            if error:
                self._fail(waiting, error)
        except OSError:
            pass  # the application has closed the socket while we were about to join it
        except Exception as exc:  # noqa: BLE001 - one attempt's error must not end all others
            self._context.report(Note(f"cannot connect a parked socket: {exc!r} [pid {waiting.process}]"))
        finally:
            self._tasks.pop(waiting, None)
            for tell in waiting.on_end:
                tell(error)

    async def _join(self, waiting: Waiting, place: Place, route: Route) -> int:
        """Make the way and join it; return an errno where there is none."""
        lent = LentSocket(_open_for(route).detach())
        ways = [Way(lent)]

        async def take(way: Way) -> None:
            ways.append(way)

        try:
            reply = await self._guide.lead(waiting.process, place, lent, take)
            if reply.error:
                return reply.error
            partner = await self._lot.join(waiting.parked)
            self._guide.relays.add(partner, ways.pop())
        finally:
            for way in ways:
                way.close()
        return 0

    def _fail(self, waiting: Waiting, error: int) -> None:
        """Have the application find the failure, if it has the socket still."""
        fd = _find_again(waiting)
        if fd is None:
            return
        lent = LentSocket(fd)
        try:
            with socket.socket(fileno=os.dup(fd)) as sock:
                entry = self._ledger.note(sock)
            entry.peer, entry.has_failed, entry.error = b"", True, error
            leave_failed(lent, self._refusing)
        finally:
            lent.close()


def _open_for(route: Route) -> socket.socket:
    """Return a socket of ours for a route: of both families, unless all that it leads to is IPv4."""
    hosts = [hop.host for hop in route.hops] or [route.destination.host]
    if any(isinstance(host, str) or unmapped(host).version == 6 for host in hosts):
        with suppress(OSError):  # a host without IPv6
            sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            return sock
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)


def _find_again(waiting: Waiting) -> int | None:
    """Return a duplicate of the application's socket, under whatever number it has it now."""
    wanted = f"socket:[{waiting.inode}]"
    place = f"/proc/{waiting.process}/fd"
    with suppress(OSError):  # it has ended
        for name in (str(waiting.fd), *os.listdir(place)):
            with suppress(OSError):  # closed meanwhile
                if os.readlink(f"{place}/{name}") == wanted:
                    fd = take_descriptor(waiting.process, int(name))
                    if os.fstat(fd).st_ino == waiting.inode:
                        return fd
                    os.close(fd)
    return None
