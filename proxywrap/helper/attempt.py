"""A lent socket connected along its route, and its application answered.

Owns the socket and closes it. Whatever goes wrong is that application's error
and nobody else's.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from contextlib import suppress

from proxywrap.events import Note
from proxywrap.helper.context import Context
from proxywrap.helper.ends import Ends
from proxywrap.helper.guide import Guide
from proxywrap.helper.leash import Leash, control_leash
from proxywrap.helper.refusing import leave_failed
from proxywrap.helper.session import Loan
from proxywrap.net.lent import LentSocket
from proxywrap.protocol.sockaddr import Place
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["Attempts"]


class Attempts:
    """All attempts of one helper.

    Args:
        context: what the sessions share.
        guide: connects a socket.
        refusing: loopback addresses where nothing ever listens, by family.

    """

    def __init__(self, context: Context, guide: Guide, refusing: Mapping[int, tuple[str, int]]) -> None:
        self._context = context
        self._guide = guide
        self._refusing = dict(refusing)
        self._ends = Ends()
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by the socket's inode

    def cancel(self) -> None:
        """Give all of them up."""
        for task in self._tasks.values():
            task.cancel()

    def is_under_way(self, inode: int) -> bool:
        """Tell whether the socket with that inode is being connected."""
        return inode in self._tasks

    async def connect(self, loan: Loan) -> None:
        """Carry out a loan of the shim's; raises nothing but what it is cancelled with."""
        request = loan.request
        assert request.address is not None  # noqa: S101 - the shim lends inet sockets only
        place = Place(request.address, request.port, request.scope_id)
        await self.carry_out(control_leash(loan.connection, self._ends), loan.pid, place, loan.lent)

    async def carry_out(
        self, leash: Leash, pid: int, place: Place, lent: LentSocket, *, shows_error: bool = True
    ) -> None:
        """Connect the lent socket, answer, and close everything.

        Args:
            leash: of the application; closed.
            pid: of the application, for the report.
            place: where to, as the application spelled it.
            lent: owned, and closed before the answer.
            shows_error: leave the socket as one of a connect() that was not waited for, so that
                poll(2) shows a failure and connect(2) is called once more.

        Raises nothing but what it is cancelled with.

        """
        try:
            try:
                reply = await self._take_turn(leash, pid, place, lent)
                if reply.error and shows_error:
                    leave_failed(lent, self._refusing)
                elif reply.error:
                    lent.disconnect()
                elif not shows_error:
                    lent.settle()
            except BaseException:
                with suppress(OSError):
                    lent.disconnect()
                raise
            finally:
                lent.close()
        except Exception as exc:  # noqa: BLE001 - one attempt's error must not end all others
            self._context.report(Note(f"cannot connect a lent socket: {exc!r} [pid {pid}]"))
            leash.answer(ReplyMessage(errno.ECONNREFUSED))
        else:
            leash.answer(reply)
        finally:
            leash.close()

    async def _take_turn(self, leash: Leash, pid: int, place: Place, lent: LentSocket) -> ReplyMessage:
        """End the attempt that is still made on the same socket, and make another.

        Its application gave the earlier one up.
        """
        task, inode = asyncio.current_task(), lent.inode
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        earlier = self._tasks.get(inode)
        self._tasks[inode] = task
        try:
            if earlier is not None:
                earlier.cancel()
                await asyncio.wait([earlier])
            _check(leash)
            lent.is_let_go = leash.is_let_go
            lent.make_fresh()
            leash.watch(task.cancel)
            try:
                reply = await self._guide.lead(pid, place, lent)
            finally:
                leash.unwatch()
            _check(leash)
            return reply
        finally:
            if self._tasks[inode] is task:
                del self._tasks[inode]


def _check(leash: Leash) -> None:
    """Be cancelled if the application has let go, though the loop has not heard of it yet."""
    if leash.is_let_go():
        raise asyncio.CancelledError
