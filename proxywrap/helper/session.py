"""One connection of the control socket: one request, and one reply to a question.

Owns the connection and the descriptors that came over it, and closes all of
them; a request to connect goes on to `proxywrap.helper.attempt` as a `Loan`,
one about DNS, or about what a proxy knows, to
`proxywrap.helper.nameserver` as an `Inquiry`. Whatever goes
wrong is that peer's error and nobody else's. Knows nothing of the event loop:
the first requests come before there is one.

Anybody on this host may connect. A packet is looked at before it is taken, and
no descriptor is taken from who does not know the token: its last close() may
block for as long as its owner likes.
"""

from __future__ import annotations

import array
import errno
import select
import socket
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from proxywrap.address import Host
from proxywrap.errors import RemoteProtocolError
from proxywrap.helper.backlog import peer_of
from proxywrap.helper.context import Context
from proxywrap.helper.replies import question_of, reply_to
from proxywrap.net.lent import LentSocket
from proxywrap.net.namespace import namespace
from proxywrap.net.native import os_error, proof
from proxywrap.net.notification import is_listener, take_descriptor
from proxywrap.protocol.wire import (
    HOLD_BYTES,
    MAX_MESSAGE_BYTES,
    REQUEST_BYTES,
    Op,
    ReplyMessage,
    RequestMessage,
    pack_reply,
    parse_request,
)

__all__ = [
    "Filtered",
    "Inquiry",
    "Kept",
    "Loan",
    "Received",
    "Session",
    "Work",
    "descriptors",
    "is_let_go",
    "send_reply",
    "take_held",
]

_MAX_FDS = 4
_MOST = REQUEST_BYTES + MAX_MESSAGE_BYTES + 1
_RECEIVE = int(socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
_LOOK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)
_NOW = int(socket.MSG_DONTWAIT)
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


class Kept(NamedTuple):
    """A connection over which new ones will come; whoever has it owns it."""

    connection: socket.socket


Work = Loan | Inquiry | Filtered
"""What it takes the event loop to do."""

Received = Work | Kept
"""What a request may come to, beside an answer."""


class Session:
    """Serves one accepted connection, which it owns until a `Loan`, an `Inquiry` or a `Kept` does.

    `uid` is the user who has connected.
    """

    def __init__(self, context: Context, connection: socket.socket) -> None:
        self._context = context
        self._connection = connection
        self._pid, self.uid = peer_of(connection)
        self._has_token = False
        self._has_proved = False

    # -- the request ---------------------------------------------------------

    def receive(self) -> Received | None:
        """Read the request; answer it, or return what it takes the event loop to do.

        Raises:
            BlockingIOError: it has not come yet; call again.

        """
        try:
            request, fd = self._read()
            if request.op is Op.CONNECT:
                lent = self._borrow(request, fd)
                lent.is_let_go = partial(is_let_go, self._connection)
                return Loan(self._connection, self._pid, request, lent)
            if fd >= 0:
                self._context.closer.close(fd)
            work = self._work_of(request)
            if work is not None:
                return work
            reply = reply_to(request, self._context, self._pid)
        except BlockingIOError:
            raise
        except EOFError:
            self._drop()
            return None
        except RemoteProtocolError as exc:
            self._refuse(f"refused a request on the control socket: {exc}")
            reply = ReplyMessage(exc.errno)
        except OSError as exc:
            reply = ReplyMessage(exc.errno or errno.ECONNREFUSED)
        except Exception as exc:  # noqa: BLE001 - one request's error must not end all others
            self._refuse(f"cannot answer a request on the control socket: {exc!r}")
            reply = ReplyMessage(errno.ECONNREFUSED)
        send_reply(self._connection, reply)
        self._drop()
        return None

    def _work_of(self, request: RequestMessage) -> Received | None:
        if request.op is Op.KEEP:
            return Kept(self._connection)
        question = question_of(request, self._context)
        if question is not None or request.op in {Op.SERVER, Op.QUERY}:
            return Inquiry(self._connection, self._pid, request, question)
        if request.op is Op.LISTEN:
            filtered = Filtered(self._take_listener(request.number))
            with self._connection:
                send_reply(self._connection, ReplyMessage())
            return filtered
        return None

    def _read(self) -> tuple[RequestMessage, int]:
        request, has_descriptors = self._look()
        if request.op is Op.PROVE and not (self._has_proved or has_descriptors):
            self._prove(request.token)
            request, has_descriptors = self._look()
        if request.op is Op.PROVE:
            raise RemoteProtocolError("expected one challenge without a descriptor, got another")
        if not self._context.has_token(request.token):
            raise RemoteProtocolError("its token is not ours")
        self._has_token = True
        self._context.on_request()
        return request, self._take_descriptor() if has_descriptors else -1

    def _look(self) -> tuple[RequestMessage, bool]:
        """Return the request, and whether there are descriptors with it: then it is still to be taken.

        Raises:
            EOFError: nothing will come.

        """
        data, _control, flags, _ = self._connection.recvmsg(_MOST, 0, _LOOK)
        if not data:
            raise EOFError
        has_descriptors = bool(flags & socket.MSG_CTRUNC)
        if not has_descriptors:
            self._connection.recv(1, _NOW)
        return parse_request(data), has_descriptors

    def _take_descriptor(self) -> int:
        _data, control, flags, _ = self._connection.recvmsg(1, _RIGHTS_BYTES, _RECEIVE)
        fds = descriptors(control)
        if len(fds) == 1 and not flags & socket.MSG_CTRUNC:
            return fds[0]
        for fd in fds:
            self._context.closer.close(fd)
        if flags & socket.MSG_CTRUNC:
            # The kernel could not give us the descriptor.
            raise os_error(errno.EMFILE)
        raise RemoteProtocolError(f"expected one descriptor, got {len(fds)}")

    def _prove(self, nonce: bytes) -> None:
        """Show that we know the token."""
        self._has_proved = True
        name = self._connection.getsockname()
        scope = namespace(self._connection) if isinstance(name, bytes) and name else 0
        send_reply(self._connection, ReplyMessage(name=proof(self._context.token, nonce, scope)))

    def _take_listener(self, number: int) -> int:
        """Return the listener of a filter that the peer has under a number.

        Raises:
            RemoteProtocolError: it is something else.
            OSError: there is none, or no room for it.

        """
        if not self._context.has_room():
            raise os_error(errno.EMFILE)
        fd = take_descriptor(self._pid, number)
        if not is_listener(fd):
            self._context.closer.close(fd)
            raise RemoteProtocolError("expected the listener of a filter, got a descriptor of another kind")
        return fd

    def _borrow(self, request: RequestMessage, fd: int) -> LentSocket:
        if fd < 0:
            raise RemoteProtocolError("expected a lent socket, got none")
        try:
            sock = socket.socket(fileno=fd)
        except OSError as exc:
            self._context.closer.close(fd)
            raise RemoteProtocolError(
                f"expected a lent socket, got a descriptor of another kind: {exc}"
            ) from exc
        lent = LentSocket(sock)
        if request.address is None or not lent.is_tcp:
            self._context.closer.close(sock.detach())
            raise RemoteProtocolError("expected a TCP socket and an inet address, got others")
        return lent

    # -- the end ---------------------------------------------------------------

    def _drop(self) -> None:
        """Close the connection; one on which descriptors may wait, where that may block."""
        if self._has_token:
            self._connection.close()
        else:
            self.discard()

    def discard(self) -> None:
        """Close the connection of who has not asked for anything."""
        self._context.closer.close(self._connection.detach())

    def _refuse(self, text: str) -> None:
        """Tell of what went wrong; of strangers once for each user."""
        key = text if self._has_token else self.uid
        once = "" if self._has_token else f"; of user {self.uid} no more is told"
        self._context.note_once((self._has_token, key), f"{text}{once} [pid {self._pid}]")


def is_let_go(connection: socket.socket) -> bool:
    """Tell whether who waits for an answer has let go, whatever else it has sent."""
    if connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


def send_reply(connection: socket.socket, reply: ReplyMessage) -> None:
    """Answer a request; a peer that does not wait for its answer gets none."""
    with suppress(OSError):
        connection.send(pack_reply(reply), _SEND)


def take_held(connection: socket.socket) -> bool:
    """Read what was sent to keep the connection from being writable; return whether there was any."""
    try:
        return bool(connection.recv(HOLD_BYTES, _NOW))
    except OSError:  # nothing was, or who waited has gone
        return False


def descriptors(control: list[tuple[int, int, bytes]]) -> list[int]:
    """Return the descriptors that came with a message."""
    fds = array.array("i")
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return fds.tolist()
