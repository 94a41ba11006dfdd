"""One connection of the control socket: one request, its lent socket, one reply.

Owns the connection and the descriptors that came over it, and closes all of
them. Whatever goes wrong is that peer's error and nobody else's.
"""

from __future__ import annotations

import array
import asyncio
import errno
import hmac
import os
import socket
import struct
import time
from contextlib import suppress
from ipaddress import ip_address

from proxywrap.address import Endpoint, unmapped
from proxywrap.errors import ProxywrapError, RemoteProtocolError
from proxywrap.events import Connected, Failed, Note
from proxywrap.helper.context import Context
from proxywrap.helper.replies import reply_to
from proxywrap.helper.router import Route
from proxywrap.net.connector import AttemptFailed, connect_chain, connect_direct, connect_dns
from proxywrap.net.lent import LentSocket
from proxywrap.protocol.wire import (
    MAX_MESSAGE_BYTES,
    REQUEST_BYTES,
    Op,
    ReplyMessage,
    RequestMessage,
    pack_reply,
    parse_request,
)

__all__ = ["Context", "Session"]

_MAX_FDS = 4
_RIGHTS_BYTES = socket.CMSG_SPACE(_MAX_FDS * array.array("i").itemsize)


class Session:
    """Serves one accepted connection, which it owns.

    `receive` is called when a packet may be there; if it returns True there is
    an attempt to be made by `connect`, else all is done and closed.
    """

    def __init__(self, context: Context, connection: socket.socket) -> None:
        self._context = context
        self._connection = connection
        self._request = RequestMessage(Op.CONNECT)
        self._lent: LentSocket | None = None
        self._pid = _peer_pid(connection)

    # -- the request ---------------------------------------------------------

    def receive(self) -> bool:
        """Read and answer the request; return whether it wants a connection.

        Raises:
            BlockingIOError: it has not come yet; call again.

        """
        try:
            self._request, fd = self._read()
            if self._request.op is Op.CONNECT:
                self._lent = self._borrow(fd)
                return True
            if fd >= 0:
                os.close(fd)
            if self._request.op is Op.QUERY:
                self._context.questions.ask(self._request.message, self._respond, self._pid)
                return False
            reply = reply_to(self._request, self._context, self._pid)
        except BlockingIOError:
            raise
        except RemoteProtocolError as exc:
            self._note(f"refused a request on the control socket: {exc}")
            reply = ReplyMessage(exc.errno)
        except OSError as exc:
            reply = ReplyMessage(exc.errno or errno.ECONNREFUSED)
        except Exception as exc:  # noqa: BLE001 - one request's error must not end all others
            self._note(f"cannot answer a request on the control socket: {exc!r}")
            reply = ReplyMessage(errno.ECONNREFUSED)
        with self._connection:
            self._send(reply)
        return False

    def _borrow(self, fd: int) -> LentSocket:
        if fd < 0:
            raise RemoteProtocolError("expected a lent socket, got none")
        try:
            lent = LentSocket(fd)
        except OSError as exc:
            os.close(fd)
            raise RemoteProtocolError(
                f"expected a lent socket, got a descriptor of another kind: {exc}"
            ) from exc
        if self._request.address is None or not lent.is_tcp:
            lent.close()
            raise RemoteProtocolError("expected a TCP socket and an inet address, got others")
        return lent

    def _read(self) -> tuple[RequestMessage, int]:
        flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        most = REQUEST_BYTES + MAX_MESSAGE_BYTES + 1
        data, control, message_flags, _ = self._connection.recvmsg(most, _RIGHTS_BYTES, flags)
        fds = _descriptors(control)
        try:
            request = parse_request(data)
            if not hmac.compare_digest(request.token, self._context.token):
                raise RemoteProtocolError("its token is not ours")
            if message_flags & socket.MSG_CTRUNC:
                # The kernel could not give us the descriptor.
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            if len(fds) > 1:
                raise RemoteProtocolError(f"expected one descriptor, got {len(fds)}")
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise
        return request, fds[0] if fds else -1

    def _respond(self, answer: bytes) -> None:
        """Answer a DNS message, for which there may be no answer."""
        with self._connection:
            self._send(ReplyMessage(0 if answer else errno.EINVAL, message=answer))

    # -- the lent socket -----------------------------------------------------

    async def connect(self) -> None:
        """Connect the lent socket, answer, and close everything.

        Raises nothing but what it is cancelled with.
        """
        lent, reply = self._lent, None
        assert lent is not None  # noqa: S101 - `receive` returned True
        with self._connection:
            try:
                reply = await self._take_turn(lent)
            except Exception as exc:  # noqa: BLE001 - one attempt's error must not end all others
                self._note(f"cannot connect a lent socket: {exc!r}")
            finally:
                if reply is None:
                    with suppress(OSError):
                        lent.disconnect()
                lent.close()
            self._send(reply or ReplyMessage(errno.ECONNREFUSED))

    async def _take_turn(self, lent: LentSocket) -> ReplyMessage:
        """End the attempt that is still made on the same socket, and make another.

        Its application gave the earlier one up.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        earlier = self._context.lent.get(lent.inode)
        self._context.lent[lent.inode] = task
        try:
            if earlier is not None:
                earlier.cancel()
                await asyncio.wait([earlier])
            self._check_leash()
            lent.make_fresh()
            reply = await self._connect_on_leash(lent, task)
            self._check_leash()
            return reply
        finally:
            if self._context.lent[lent.inode] is task:
                del self._context.lent[lent.inode]

    def _check_leash(self) -> None:
        """Be cancelled if the application has let go, though the loop has not heard of it yet."""
        try:
            given_up = not self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            given_up = False
        except OSError:
            given_up = True
        if given_up:
            raise asyncio.CancelledError

    async def _connect_on_leash(self, lent: LentSocket, task: asyncio.Task[None]) -> ReplyMessage:
        loop = asyncio.get_running_loop()
        # The control connection is the leash: nothing else ever comes over it.
        leash = self._connection.fileno()
        loop.add_reader(leash, task.cancel)
        try:
            return await self._connect(lent)
        finally:
            loop.remove_reader(leash)

    async def _connect(self, lent: LentSocket) -> ReplyMessage:
        request, started = self._request, time.monotonic()
        assert request.address is not None  # noqa: S101 - the shim lends inet sockets only
        destination = Endpoint(request.address, request.port)
        try:
            route = self._context.router.route(request.address, request.port)
            destination = route.destination
            await self._follow(lent, route)
        except AttemptFailed as exc:
            fault = Failed(self._pid, destination, exc.hop, exc.errno, exc.reason, exc.is_chain_fault)
        except ProxywrapError as exc:
            fault = Failed(self._pid, destination, None, exc.errno, str(exc), is_chain_fault=False)
        else:
            duration_s = time.monotonic() - started
            self._context.report(Connected(self._pid, destination, route.hops, duration_s))
            return ReplyMessage(is_direct=not route.hops and not route.is_dns)
        self._context.report(fault)
        self._leave_failed(lent)
        return ReplyMessage(fault.errno)

    async def _follow(self, lent: LentSocket, route: Route) -> None:
        host = route.destination.host
        if route.hops:
            context = self._context
            await connect_chain(lent, route.hops, route.destination, context.deadlines, context.names)
        elif route.is_dns and not isinstance(host, str):
            await connect_dns(lent, self._context.dns, unmapped(host).version)
        else:
            await connect_direct(lent, route.destination, self._request.scope_id)

    def _leave_failed(self, lent: LentSocket) -> None:
        """Leave the socket as a failed connect leaves it: with an error that poll shows.

        Only the kernel can put one there, so it is connected to where nobody
        listens. To IPv4 first: a socket that was connected to a mapped address
        cannot go back to native IPv6.
        """
        lent.disconnect()
        for family in (socket.AF_INET, socket.AF_INET6):
            if family in self._context.refusing:
                host, port = self._context.refusing[family]
                sockaddr = lent.sockaddr(ip_address(host), port)
                if sockaddr is not None:
                    lent.start_failing(sockaddr)
                    return

    # -- the end ---------------------------------------------------------------

    def _send(self, reply: ReplyMessage) -> None:
        with suppress(OSError):  # a peer that does not wait for its answer
            self._connection.send(pack_reply(reply), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def _note(self, text: str) -> None:
        self._context.report(Note(f"{text} [pid {self._pid}]"))


def _descriptors(control: list[tuple[int, int, bytes]]) -> list[int]:
    fds = array.array("i")
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return fds.tolist()


def _peer_pid(connection: socket.socket) -> int:
    size = struct.calcsize("3i")
    pid: int = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
    return pid
