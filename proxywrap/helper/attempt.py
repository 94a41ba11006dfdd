"""A loan carried out: the lent socket connected along its route, and the reply sent.

Owns the loan's socket and connection and closes both. Whatever goes wrong is
that application's error and nobody else's.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from contextlib import suppress
from ipaddress import ip_address

from proxywrap.address import Endpoint, unmapped
from proxywrap.errors import ProxywrapError
from proxywrap.events import Connected, Failed, Note
from proxywrap.helper.context import Context
from proxywrap.helper.router import Route
from proxywrap.helper.session import Loan, send_reply
from proxywrap.net.connector import AttemptFailed, Deadlines, connect_chain, connect_direct, connect_dns
from proxywrap.net.dnsserver import DnsServer
from proxywrap.net.hopnames import HopNames
from proxywrap.net.lent import LentSocket
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["Attempts"]

_LOOK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)


class Attempts:
    """All attempts of one helper.

    Args:
        context: what the sessions share.
        deadlines: for the hops.
        dns: where this host's own name servers seem to be.
        refusing: loopback addresses where nothing ever listens, by family.

    """

    def __init__(
        self, context: Context, deadlines: Deadlines, dns: DnsServer, refusing: dict[int, tuple[str, int]]
    ) -> None:
        self._context = context
        self._deadlines = deadlines
        self._dns = dns
        self._refusing = refusing
        self._names = HopNames()
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by the socket's inode

    def cancel(self) -> None:
        """Give all of them up."""
        for task in self._tasks.values():
            task.cancel()

    async def connect(self, loan: Loan) -> None:
        """Connect the lent socket, answer, and close everything.

        Raises nothing but what it is cancelled with.
        """
        reply = None
        with loan.connection:
            try:
                reply = await self._take_turn(loan)
            except Exception as exc:  # noqa: BLE001 - one attempt's error must not end all others
                self._context.report(Note(f"cannot connect a lent socket: {exc!r} [pid {loan.pid}]"))
            finally:
                if reply is None:
                    with suppress(OSError):
                        loan.lent.disconnect()
                loan.lent.close()
            send_reply(loan.connection, reply or ReplyMessage(errno.ECONNREFUSED))

    async def _take_turn(self, loan: Loan) -> ReplyMessage:
        """End the attempt that is still made on the same socket, and make another.

        Its application gave the earlier one up.
        """
        task, inode = asyncio.current_task(), loan.lent.inode
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        earlier = self._tasks.get(inode)
        self._tasks[inode] = task
        try:
            if earlier is not None:
                earlier.cancel()
                await asyncio.wait([earlier])
            _check_leash(loan)
            loan.lent.make_fresh()
            reply = await self._connect_on_leash(loan, task)
            _check_leash(loan)
            return reply
        finally:
            if self._tasks[inode] is task:
                del self._tasks[inode]

    async def _connect_on_leash(self, loan: Loan, task: asyncio.Task[None]) -> ReplyMessage:
        loop = asyncio.get_running_loop()
        # The control connection is the leash: nothing else ever comes over it.
        leash = loan.connection.fileno()
        loop.add_reader(leash, task.cancel)
        try:
            return await self._connect(loan)
        finally:
            loop.remove_reader(leash)

    async def _connect(self, loan: Loan) -> ReplyMessage:
        request, started = loan.request, time.monotonic()
        assert request.address is not None  # noqa: S101 - the shim lends inet sockets only
        destination = Endpoint(request.address, request.port)
        try:
            route = self._context.router.route(request.address, request.port)
            destination = route.destination
            await self._follow(loan, route)
        except AttemptFailed as exc:
            fault = Failed(loan.pid, destination, exc.hop, exc.errno, exc.reason, exc.is_chain_fault)
        except ProxywrapError as exc:
            fault = Failed(loan.pid, destination, None, exc.errno, str(exc), is_chain_fault=False)
        else:
            duration_s = time.monotonic() - started
            self._context.report(Connected(loan.pid, destination, route.hops, duration_s))
            return ReplyMessage(is_direct=not route.hops and not route.is_dns)
        self._context.report(fault)
        self._leave_failed(loan.lent)
        return ReplyMessage(fault.errno)

    async def _follow(self, loan: Loan, route: Route) -> None:
        host = route.destination.host
        if route.hops:
            await connect_chain(loan.lent, route.hops, route.destination, self._deadlines, self._names)
        elif route.is_dns and not isinstance(host, str):
            await connect_dns(loan.lent, self._dns, unmapped(host).version)
        else:
            await connect_direct(loan.lent, route.destination, loan.request.scope_id)

    def _leave_failed(self, lent: LentSocket) -> None:
        """Leave the socket as a failed connect leaves it: with an error that poll shows.

        Only the kernel can put one there, so it is connected to where nobody
        listens. To IPv4 first: a socket that was connected to a mapped address
        cannot go back to native IPv6.
        """
        lent.disconnect()
        for family in (socket.AF_INET, socket.AF_INET6):
            if family in self._refusing:
                host, port = self._refusing[family]
                sockaddr = lent.sockaddr(ip_address(host), port)
                if sockaddr is not None:
                    lent.start_failing(sockaddr)
                    return


def _check_leash(loan: Loan) -> None:
    """Be cancelled if the application has let go, though the loop has not heard of it yet."""
    try:
        given_up = not loan.connection.recv(1, _LOOK)
    except BlockingIOError:
        given_up = False
    except OSError:
        given_up = True
    if given_up:
        raise asyncio.CancelledError
