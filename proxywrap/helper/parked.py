"""Parked sockets: their ways made ready, joined to them, and relayed over.

A way is a socket of our own, connected through the chain. The parked socket is
not held meanwhile: its application's close() must be the last one.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from proxywrap.events import Note
from proxywrap.helper.context import Context
from proxywrap.helper.guide import Guide
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.ownways import make_way
from proxywrap.helper.refusing import leave_failed
from proxywrap.helper.router import Route
from proxywrap.net.lent import LentSocket
from proxywrap.net.notification import take_descriptor
from proxywrap.net.parking import Parked, ParkingLot
from proxywrap.protocol.sockaddr import Place

__all__ = ["ParkedConnects", "Waiting"]


@dataclass(eq=False, repr=False, slots=True)
class Waiting:
    """A parked socket: whose it is, and what to do when its fate is known.

    A thread of `process` had it as descriptor `fd`; `inode` tells it from what
    may have that number by then. `is_being_joined` when its way is ready.
    """

    process: int
    thread: int
    fd: int
    inode: int
    parked: Parked
    is_being_joined: bool = False
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

    def park(
        self, sock: socket.socket, process: int, thread: int, fd: int, place: Place, route: Route
    ) -> Waiting:
        """Have a socket of `process` wait, and make its way ready; it stays the caller's.

        Raises:
            OSError: as connect(2) by the application would.

        """
        inode = os.fstat(sock.fileno()).st_ino
        parked = self._lot.park(sock)
        for each in list(self._tasks):
            # The same socket, shut down meanwhile; or one that was closed and had the same port.
            if each.inode == inode or each.parked.own == parked.own:
                self._tasks.pop(each).cancel()
        waiting = Waiting(process, thread, fd, inode, parked)
        task = self._tasks[waiting] = self._spawn(self._carry_out(waiting, place, route))
        # A task that is cancelled before its first step takes none.
        task.add_done_callback(lambda _task: self._end(waiting, errno.ECONNABORTED))
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
        """Abandon what is done for sockets that were closed.

        Those that are being joined are not connecting any more from one moment
        to the next, and where nobody is there the kernel says so.
        """
        for waiting, task in self._tasks.items():
            if not (waiting.is_being_joined or waiting.parked.is_waiting()):
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
        error = errno.ECONNABORTED  # of a connect() that another thread has broken off
        try:
            error = await self._try_to_join(waiting, place, route)
            if error and waiting.parked.is_waiting():
                self._fail(waiting, error)
        except OSError:
            pass  # the application has closed the socket just now
        except Exception as exc:  # noqa: BLE001 - one attempt's error must not end all others
            self._context.report(Note(f"cannot connect a parked socket: {exc!r} [pid {waiting.process}]"))
        finally:
            self._end(waiting, error)

    def _end(self, waiting: Waiting, error: int) -> None:
        """Tell those who wait, at once: a moment later the socket may be on another way."""
        self._tasks.pop(waiting, None)
        tellers, waiting.on_end = waiting.on_end, []
        for tell in tellers:
            tell(error)

    async def _try_to_join(self, waiting: Waiting, place: Place, route: Route) -> int:
        try:
            return await self._join(waiting, place, route)
        except OSError as exc:
            return exc.errno or errno.ECONNREFUSED

    async def _join(self, waiting: Waiting, place: Place, route: Route) -> int:
        """Make the way and join it; return an errno where there is none."""
        way = await make_way(self._guide, waiting.process, place, route)
        try:
            waiting.is_being_joined = True
            partner = await self._lot.join(waiting.parked)
        except BaseException:
            way.close()
            raise
        self._guide.relays.add(partner, way)
        return 0

    def _fail(self, waiting: Waiting, error: int) -> None:
        """Have the application find the failure, if it has the socket still."""
        fd = _find_again(waiting)
        if fd is None:
            return
        lent = LentSocket(socket.socket(fileno=fd))
        try:
            with socket.socket(fileno=os.dup(fd)) as sock:
                entry = self._ledger.note(sock)
            entry.peer, entry.has_failed, entry.error = b"", True, error
            leave_failed(lent, self._refusing)
        finally:
            lent.close()


def _find_again(waiting: Waiting) -> int | None:
    """Return a duplicate of the application's socket, whoever has it now under whatever number."""
    wanted = f"socket:[{waiting.inode}]"
    for holder, number in _places(waiting):
        with suppress(OSError):  # closed meanwhile, or not ours to look into
            if os.readlink(f"/proc/{holder}/fd/{number}") == wanted:
                fd = take_descriptor(holder, number)
                if os.fstat(fd).st_ino == waiting.inode:
                    return fd
                os.close(fd)
    return None


def _places(waiting: Waiting) -> Iterator[tuple[int, int]]:
    """Give processes and numbers of descriptors, the likely ones first."""
    yield waiting.thread, waiting.fd
    others = (int(name) for name in os.listdir("/proc") if name.isdecimal())
    for holder in (waiting.thread, waiting.process, *others):
        with suppress(OSError):  # it has ended, or is not ours to look into
            for name in os.listdir(f"/proc/{holder}/fd"):
                yield holder, int(name)
