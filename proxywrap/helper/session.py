"""One connection of the control socket: one request, and one reply to a question.

Owns the connection and the descriptors that came over it, and closes all of
them; a request to connect goes on to `proxywrap.helper.attempt` as a `Loan`,
one about DNS, or about what a proxy knows, to
`proxywrap.helper.nameserver` as an `Inquiry`. Whatever goes
wrong is that peer's error and nobody else's. Knows nothing of the event loop:
the first requests come before there is one.
"""

from __future__ import annotations

import array
import errno
import os
import socket
import struct
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from proxywrap.address import Host
from proxywrap.errors import RemoteProtocolError
from proxywrap.events import Note
from proxywrap.helper.context import Context
from proxywrap.helper.replies import question_of, reply_to
from proxywrap.net.lent import LentSocket
from proxywrap.net.native import os_error
from proxywrap.net.notification import take_descriptor
from proxywrap.protocol.wire import (
    MAX_MESSAGE_BYTES,
    REQUEST_BYTES,
    Op,
    ReplyMessage,
    RequestMessage,
    pack_reply,
    parse_request,
)

__all__ = ["Filtered", "Inquiry", "Loan", "Session", "Work", "is_let_go", "send_reply"]

_MAX_FDS = 4
_RECEIVE = int(socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
_LOOK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)
_SEND = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_RIGHTS_BYTES = socket.CMSG_SPACE(_MAX_FDS * array.array("i").itemsize)


class Loan(NamedTuple):
    """A socket that is to be connected, and the connection that waits for the reply.

    Whoever has the loan owns both.
    """

    connection: socket.socket
    pid: int
    request: RequestMessage
    lent: LentSocket


class Inquiry(NamedTuple):
    """A request about names, and the connection that waits for the reply.

    Whoever has the inquiry owns the connection. `question` is the name or the
    address that the last proxy is to be asked about; None for a request about
    the DNS.
    """

    connection: socket.socket
    pid: int
    request: RequestMessage
    question: Host | None = None


class Filtered(NamedTuple):
    """Programs under a filter, whose calls are to be answered; whoever has it owns the listener."""

    listener: int


Work = Loan | Inquiry | Filtered
"""What it takes the event loop to do."""


class Session:
    """Serves one accepted connection, which it owns until a `Loan` or an `Inquiry` does."""

    def __init__(self, context: Context, connection: socket.socket) -> None:
        self._context = context
        self._connection = connection
        self._pid = _peer_pid(connection)

    # -- the request ---------------------------------------------------------

    def receive(self) -> Work | None:
        """Read the request; answer it, or return what it takes the event loop to do.

        Raises:
            BlockingIOError: it has not come yet; call again.

        """
        try:
            request, fd = self._read()
            if request.op is Op.CONNECT:
                lent = _borrow(request, fd)
                lent.is_let_go = partial(is_let_go, self._connection)
                return Loan(self._connection, self._pid, request, lent)
            if fd >= 0:
                os.close(fd)
            question = question_of(request, self._context)
            if question is not None or request.op in {Op.SERVER, Op.QUERY}:
                return Inquiry(self._connection, self._pid, request, question)
            if request.op is Op.LISTEN:
                filtered = Filtered(take_descriptor(self._pid, request.number))
                with self._connection:
                    send_reply(self._connection, ReplyMessage())
                return filtered
            reply = reply_to(request, self._context, self._pid)
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
            send_reply(self._connection, reply)
        return None

    def _read(self) -> tuple[RequestMessage, int]:
        most = REQUEST_BYTES + MAX_MESSAGE_BYTES + 1
        data, control, message_flags, _ = self._connection.recvmsg(most, _RIGHTS_BYTES, _RECEIVE)
        fds = _descriptors(control)
        try:
            request = parse_request(data)
            if not self._context.has_token(request.token):
                raise RemoteProtocolError("its token is not ours")
            if message_flags & socket.MSG_CTRUNC:
                # The kernel could not give us the descriptor.
                raise os_error(errno.EMFILE)
            if len(fds) > 1:
                raise RemoteProtocolError(f"expected one descriptor, got {len(fds)}")
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise
        return request, fds[0] if fds else -1

    def _note(self, text: str) -> None:
        self._context.report(Note(f"{text} [pid {self._pid}]"))


def is_let_go(connection: socket.socket) -> bool:
    """Tell whether who waits for an answer has let go: nothing ever comes after the request."""
    try:
        return not connection.recv(1, _LOOK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def send_reply(connection: socket.socket, reply: ReplyMessage) -> None:
    """Answer a request; a peer that does not wait for its answer gets none."""
    with suppress(OSError):
        connection.send(pack_reply(reply), _SEND)


def _borrow(request: RequestMessage, fd: int) -> LentSocket:
    if fd < 0:
        raise RemoteProtocolError("expected a lent socket, got none")
    try:
        lent = LentSocket(socket.socket(fileno=fd))
    except OSError as exc:
        os.close(fd)
        raise RemoteProtocolError(f"expected a lent socket, got a descriptor of another kind: {exc}") from exc
    if request.address is None or not lent.is_tcp:
        lent.close()
        raise RemoteProtocolError("expected a TCP socket and an inet address, got others")
    return lent


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
