"""Sends and receives of filtered programs, carried out on their sockets by the helper.

What a program sends is copied before anybody looks where it goes, and goes
from the copy.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from proxywrap.helper.caller import Caller, Gone
from proxywrap.helper.job import Job, Pause, Source
from proxywrap.helper.ledger import Ledger
from proxywrap.helper.messages import (
    ENTRY_BYTES,
    Ancillary,
    Message,
    read_message,
    read_sendto,
    without_ways,
)
from proxywrap.helper.patience import Held, Patience
from proxywrap.helper.udpcalls import UdpCalls
from proxywrap.net.native import os_error
from proxywrap.net.notification import Call
from proxywrap.protocol.sockaddr import family_of
from proxywrap.protocol.wire import ReplyMessage

__all__ = ["Transfers"]

_CHUNK_BYTES = 1 << 18
_MAX_DATAGRAM = 65535
_MOST_V4_BYTES, _MOST_V6_BYTES = 65507, 65527  # without the headers
_MAX_MESSAGES = 1024  # UIO_MAXIOV
_MAX_RECEIVED = 64  # of which others do not notice that they wait
_MSG_ZEROCOPY = 0x4000000
_FOR_US = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
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
        sources: Sequence[Source]
        match caller.call:
            case Call.SENDTO:
                flags = caller.integer(3)
                message = read_sendto(caller)
                sources = [lambda: message]
            case Call.SENDMSG:
                flags = caller.integer(2)
                sources = [partial(read_message, caller, caller.pointer(1), is_send=True)]
            case _:
                flags = caller.integer(3)
                sources = _entries(caller, _MAX_MESSAGES, is_send=True)
        if flags & socket.MSG_FASTOPEN:
            raise os_error(errno.EOPNOTSUPP)
        sender = self._send_stream if sock.type == socket.SOCK_STREAM else self._send_datagram
        self._carry_on(Job(caller, sock, flags & ~_MSG_ZEROCOPY, sources, sender), is_send=True)

    def _send_datagram(self, job: Job, message: Message) -> bool:
        if message.size > _MAX_DATAGRAM and socket.AF_INET in {job.sock.family, family_of(message.name)}:
            raise os_error(errno.EMSGSIZE)
        if job.caller.call is Call.SENDTO and not message.name:
            raise os_error(errno.EINVAL)
        dest = self._udp.destination(job.caller, job.sock, message.name)
        if dest is None:
            self._udp.check_peer(job.caller, job.sock)
        ancillary = without_ways(message.ancillary())
        is_v4 = job.sock.family == socket.AF_INET or (dest is not None and dest[0].startswith("::ffff:"))
        if message.size > (_MOST_V4_BYTES if is_v4 else _MOST_V6_BYTES):
            raise os_error(errno.EMSGSIZE)
        data = message.read_data(job.caller, 0, _MAX_DATAGRAM)
        job.done = job.sock.sendmsg([data], ancillary, job.flags | _FOR_US, *([] if dest is None else [dest]))
        return True

    def _send_stream(self, job: Job, message: Message) -> bool:
        try:
            ancillary: Ancillary = [] if job.done else message.ancillary()
            data = message.read_data(job.caller, job.done, _CHUNK_BYTES)
        except OSError:
            job.sock.sendmsg(
                [b""], [], job.flags | _FOR_US
            )  # fails before, where the socket is not connected
            raise
        job.done += job.sock.sendmsg([data], ancillary, job.flags | _FOR_US)
        return job.done >= message.size or not job.is_patient

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
        sources: Sequence[Source]
        match caller.call:
            case Call.RECVFROM:
                flags = caller.integer(3)
                data = ((caller.pointer(1), caller.pointer(2)),)
                sources = [lambda: Message(0, caller.pointer(4), 0, data)]
            case Call.RECVMSG:
                flags = caller.integer(2)
                sources = [partial(read_message, caller, caller.pointer(1), is_send=False)]
            case _:
                flags = caller.integer(3)
                sources = _entries(caller, _MAX_RECEIVED, is_send=False)
        if flags & socket.MSG_ERRQUEUE:
            return False
        self._carry_on(Job(caller, sock, flags, sources, self._receive_datagram), is_send=False)
        return True

    def _receive_datagram(self, job: Job, message: Message) -> bool:
        caller, flags = job.caller, job.flags & (socket.MSG_PEEK | socket.MSG_OOB)
        data, _ancillary, got, source = job.sock.recvmsg(_MAX_DATAGRAM, 0, flags | socket.MSG_DONTWAIT)
        room = message.size
        message.write_data(caller, data[:room])
        name = self._udp.source(job.sock, source) if source else b""
        told = got & ~socket.MSG_TRUNC | (socket.MSG_TRUNC if len(data) > room else 0)
        if caller.call is Call.RECVFROM:
            caller.write_sockaddr(message.name_at, caller.pointer(5), name)
        else:
            if message.name_at:
                caller.write(message.name_at, name[: message.name_bytes])
            message.write_head(caller, len(name), 0, told)
        job.done = len(data) if job.flags & socket.MSG_TRUNC else min(len(data), room)
        return True

    # -- both ------------------------------------------------------------------------

    def _carry_on(self, job: Job, *, is_send: bool) -> None:
        try:
            job.run()
        except Pause:
            self._wait(job, is_send=is_send)

    def _wait(self, job: Job, *, is_send: bool) -> None:
        """Go on when the socket is ready; the job has a socket of its own for that."""
        job.sock = socket.socket(fileno=os.dup(job.sock.fileno()))
        loop = asyncio.get_running_loop()
        add, remove = (
            (loop.add_writer, loop.remove_writer) if is_send else (loop.add_reader, loop.remove_reader)
        )

        def finish(reply: ReplyMessage) -> None:
            remove(job.sock)
            try:
                if reply.error:
                    job.conclude(reply.error)
            finally:
                job.caller.close_socket(job.sock)

        held: Held = self._patience.hold(job.caller, finish, _limit_of(job.sock, is_send=is_send))

        def go_on() -> None:
            with job.caller.held_back(), suppress(Pause):
                try:
                    job.run()
                except Gone:
                    held.let_go()
                except Exception:
                    held.answer(ReplyMessage(errno.EACCES))
                    raise
                else:
                    held.answer(ReplyMessage())

        add(job.sock, go_on)


def _entries(caller: Caller, most: int, *, is_send: bool) -> Sequence[Source]:
    """Return what reads the messages of sendmmsg(2) or recvmmsg(2)."""
    count = min(caller.pointer(2) & 0xFFFFFFFF, most)
    places = (caller.pointer(1) + at * ENTRY_BYTES for at in range(count))
    return [partial(read_message, caller, place, is_send=is_send) for place in places]


def _limit_of(sock: socket.socket, *, is_send: bool) -> float:
    option = socket.SO_SNDTIMEO if is_send else socket.SO_RCVTIMEO
    seconds, micro = _TIMEVAL.unpack(sock.getsockopt(socket.SOL_SOCKET, option, _TIMEVAL.size))
    return float(seconds + micro / 1e6)
