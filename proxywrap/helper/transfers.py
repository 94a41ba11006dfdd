"""Sends and receives of filtered programs, carried out on their sockets by the helper.

What a program sends is copied before anybody looks where it goes, and goes
from the copy.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from proxywrap.helper.caller import Caller, Gone
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.messages import ENTRY_BYTES, Ancillary, Message, read_message
from proxywrap.helper.patience import Held, Patience
from proxywrap.helper.udpcalls import UdpCalls
from proxywrap.net.notification import Call
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["Transfers"]

_CHUNK_BYTES = 1 << 18
_MAX_DATAGRAM = 65535
_MAX_MESSAGES = 1024  # UIO_MAXIOV
_MSG_ZEROCOPY = 0x4000000
_FOR_US = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_UNSIGNED = struct.Struct("=I")
_TIMEVAL = struct.Struct("ll")


class Transfers:
    """Carries them out, for one helper.

    Args:
        udp: knows where datagrams go.
        ledger: of the filtered programs.
        patience: for those that wait.

    """

    def __init__(self, udp: UdpCalls, ledger: Ledger, patience: Patience) -> None:
        self._udp = udp
        self._ledger = ledger
        self._patience = patience

    # -- sending -----------------------------------------------------------------

    def send(self, caller: Caller, sock: socket.socket) -> None:
        """Carry out sendto(2), sendmsg(2) or sendmmsg(2) on an inet socket.

        Raises:
            OSError: what the program must see.
            Gone: nobody waits any more.

        """
        job: _Job
        match caller.call:
            case Call.SENDTO:
                flags = caller.integer(3)
                name = (caller.pointer(4), caller.pointer(5) & 0xFFFFFFFF)
                data = ((caller.pointer(1), caller.pointer(2)),)
                if not name[1] and sock.type == socket.SOCK_DGRAM:
                    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
                messages = [Message(0, *name, data, 0, 0)]
            case Call.SENDMSG:
                flags = caller.integer(2)
                messages = [read_message(caller, caller.pointer(1))]
            case _:
                flags = caller.integer(3)
                count = min(caller.pointer(2) & 0xFFFFFFFF, _MAX_MESSAGES)
                entries = (caller.pointer(1) + at * ENTRY_BYTES for at in range(count))
                messages = [read_message(caller, entry) for entry in entries]
        if flags & socket.MSG_FASTOPEN:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        sender = self._send_stream if sock.type == socket.SOCK_STREAM else self._send_datagram
        job = _Job(caller, sock, messages, flags & ~_MSG_ZEROCOPY, sender)
        self._carry_on(job, is_send=True)

    def _send_datagram(self, job: _Job, message: Message) -> bool:
        if message.size > _MAX_DATAGRAM:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        dest = self._udp.destination(job.caller, job.sock, message.read_name(job.caller))
        data = message.read_data(job.caller, 0, _MAX_DATAGRAM)
        # Ancillary data may choose another way than the address.
        message.read_ancillary(job.caller)
        if dest is None:
            job.done = job.sock.send(data, job.flags | _FOR_US)
        else:
            job.done = job.sock.sendto(data, job.flags | _FOR_US, dest)
        return True

    def _send_stream(self, job: _Job, message: Message) -> bool:
        """Send some more; return whether that was all."""
        ancillary: Ancillary = message.read_ancillary(job.caller) if not job.done else []
        while True:
            data = message.read_data(job.caller, job.done, _CHUNK_BYTES)
            job.done += job.sock.sendmsg([data], ancillary, job.flags | _FOR_US)
            if job.done >= message.size:
                return True
            if not job.is_patient:
                return True
            ancillary = []

    # -- receiving -----------------------------------------------------------------

    def receive(self, caller: Caller, sock: socket.socket) -> bool:
        """Carry out recvfrom(2), recvmsg(2) or recvmmsg(2) of what comes from a name server.

        Returns:
            Whether it was; what comes from others the kernel can give.

        Raises:
            OSError: what the program must see.
            Gone: nobody waits any more.

        """
        entry = self._ledger.find(sock)
        if entry is None or not entry.asks_names:
            return False
        match caller.call:
            case Call.RECVFROM:
                flags = caller.integer(3)
                data = ((caller.pointer(1), caller.pointer(2)),)
                messages = [Message(0, caller.pointer(4), 0, data, 0, 0)]
            case Call.RECVMSG:
                flags = caller.integer(2)
                messages = [read_message(caller, caller.pointer(1))]
            case _:
                flags = caller.integer(3)
                count = min(caller.pointer(2) & 0xFFFFFFFF, _MAX_MESSAGES)
                entries = (caller.pointer(1) + at * ENTRY_BYTES for at in range(count))
                messages = [read_message(caller, entry) for entry in entries]
        if flags & socket.MSG_ERRQUEUE:
            return False
        self._carry_on(_Job(caller, sock, messages, flags, self._receive_datagram), is_send=False)
        return True

    def _receive_datagram(self, job: _Job, message: Message) -> bool:
        caller, flags = job.caller, job.flags & (socket.MSG_PEEK | socket.MSG_OOB)
        data, _ancillary, got, source = job.sock.recvmsg(_MAX_DATAGRAM, 0, flags | socket.MSG_DONTWAIT)
        room = message.size
        message.write_data(caller, data[:room])
        name = self._udp.source(job.sock, source) if source else b""
        told = got & ~socket.MSG_TRUNC | (socket.MSG_TRUNC if len(data) > room else 0)
        if caller.call is Call.RECVFROM:
            if caller.pointer(5):
                caller.write_sockaddr(message.name_at, caller.pointer(5), name)
        else:
            if message.name_at:
                caller.write(message.name_at, name[: message.name_bytes])
            message.write_head(caller, len(name), 0, told)
        job.done = len(data) if job.flags & socket.MSG_TRUNC else min(len(data), room)
        return True

    # -- both ------------------------------------------------------------------------

    def _carry_on(self, job: _Job, *, is_send: bool) -> None:
        try:
            job.run()
        except BlockingIOError:
            self._wait(job, is_send=is_send)

    def _wait(self, job: _Job, *, is_send: bool) -> None:
        """Go on when the socket is ready; the job has a socket of its own for that."""
        job.sock = socket.socket(fileno=os.dup(job.sock.fileno()))
        loop = asyncio.get_running_loop()
        add, remove = (
            (loop.add_writer, loop.remove_writer) if is_send else (loop.add_reader, loop.remove_reader)
        )

        def finish(reply: ReplyMessage) -> None:
            remove(job.sock)
            with job.sock:
                if reply.error:
                    job.conclude(reply.error)

        held: Held = self._patience.hold(job.caller, finish, _limit_of(job.sock, is_send=is_send))

        def go_on() -> None:
            with suppress(BlockingIOError):
                try:
                    job.run()
                except Gone:
                    held.let_go()
                else:
                    held.answer(ReplyMessage())

        add(job.sock, go_on)


class _Job:
    """A call with its messages, of which `at` are done, and `done` bytes of the next."""

    def __init__(
        self,
        caller: Caller,
        sock: socket.socket,
        messages: list[Message],
        flags: int,
        step: Callable[[_Job, Message], bool],
    ) -> None:
        self.caller = caller
        self.sock = sock
        self.flags = flags
        self.at = 0
        self.done = 0
        self._messages = messages
        self._step = step
        is_non_blocking = fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK
        self.is_patient = not is_non_blocking and not flags & socket.MSG_DONTWAIT

    def run(self) -> None:
        """Do what can be done, and answer when that is all.

        Raises:
            BlockingIOError: go on when the socket is ready.
            Gone: nobody waits any more.

        """
        try:
            while self.at < len(self._messages):
                self._step(self, self._messages[self.at])
                if self.caller.call in {Call.SENDMMSG, Call.RECVMMSG}:
                    self._note_size()
                    self.done = 0
                    # What was received is not kept for the sake of what may come.
                    if self.caller.call is Call.RECVMMSG:
                        self.is_patient = False
                self.at += 1
        except BlockingIOError:
            if self.is_patient:
                raise
            self.conclude(errno.EAGAIN)
        except OSError as exc:
            self.conclude(exc.errno or errno.EINVAL)
        else:
            self.conclude(0)

    def conclude(self, error: int) -> None:
        """Answer: with what was done, and where that is nothing with an error."""
        is_many = self.caller.call in {Call.SENDMMSG, Call.RECVMMSG}
        done = self.at if is_many else self.done
        if error and not done:
            if error == errno.EPIPE and not self.flags & socket.MSG_NOSIGNAL:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(self.caller.thread, signal.SIGPIPE)
            self.caller.fail(error)
        else:
            self.caller.answer(done)

    def _note_size(self) -> None:
        entry = self._messages[self.at].address
        self.caller.write(entry + ENTRY_BYTES - 8, _UNSIGNED.pack(self.done))


def _limit_of(sock: socket.socket, *, is_send: bool) -> float:
    option = socket.SO_SNDTIMEO if is_send else socket.SO_RCVTIMEO
    seconds, micro = _TIMEVAL.unpack(sock.getsockopt(socket.SOL_SOCKET, option, _TIMEVAL.size))
    return float(seconds + micro / 1e6)
