"""struct msghdr and what it points to, in the memory of a filtered program."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from proxywrap.helper.caller import MAX_BYTES, Caller
from proxywrap.net.native import os_error
from proxywrap.net.notification import Call
from proxywrap.protocol.sockaddr import MAX_SOCKADDR_BYTES

__all__ = ["ENTRY_BYTES", "Ancillary", "Message", "read_message", "read_names", "read_sendto", "without_ways"]

Ancillary = list[tuple[int, int, bytes]]
"""Level, type and data, as `socket.sendmsg` takes them."""

_HEADER = struct.Struct("=QI4xQQQQi4x")
_NAME = struct.Struct("=QI")
_FAMILY_BYTES = 2
_VECTOR = struct.Struct("=QQ")
_CONTROL = struct.Struct("=Qii")  # struct cmsghdr
_INT = struct.Struct("=i")
_LONG = struct.Struct("=Q")

_NAME_BYTES_AT, _CONTROL_BYTES_AT, _FLAGS_AT = 8, 40, 48
ENTRY_BYTES = _HEADER.size + 8
"""struct mmsghdr: a message, and how much of it was carried out."""

_MAX_VECTORS = 1024  # UIO_MAXIOV
_MAX_CONTROL_BYTES = 131072  # net.core.optmem_max, which may be less
_SIGN = 1 << 63

_IP_RETOPTS, _IP_PKTINFO = 7, 8  # linux/in.h
_SOL_UDP = 17
_HARMLESS = frozenset(
    {
        (socket.IPPROTO_IP, socket.IP_TOS),
        (socket.IPPROTO_IP, socket.IP_TTL),
        (socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
        (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT),
        (socket.IPPROTO_IPV6, socket.IPV6_DONTFRAG),
        (_SOL_UDP, 103),  # UDP_SEGMENT, linux/udp.h
    }
)
"""Ancillary data of datagrams that chooses no way past an address."""


class Message(NamedTuple):
    """One message; `vectors` are where its bytes are, or are to go.

    Of one to be sent `name` and `control` are copies.
    """

    address: int
    name_at: int
    name_bytes: int
    vectors: tuple[tuple[int, int], ...]
    name: bytes = b""
    control: bytes = b""

    @property
    def size(self) -> int:
        """How many bytes there are, or is room for."""
        return sum(size for _at, size in self.vectors)

    def pieces(self, skip: int, limit: int) -> Iterator[tuple[int, int]]:
        """Give places and sizes of `limit` bytes at most, without the first `skip`."""
        for at, size in self.vectors:
            if skip >= size:
                skip -= size
                continue
            some = min(size - skip, limit)
            if not some:
                return
            yield at + skip, some
            skip, limit = 0, limit - some

    def read_data(self, caller: Caller, skip: int, limit: int) -> bytes:
        """Return a copy of the bytes; raises as `Caller.read`."""
        return b"".join(caller.read(at, size) for at, size in self.pieces(skip, limit))

    def write_data(self, caller: Caller, data: bytes) -> None:
        """Put as much of `data` where it is to go as there is room for; raises as `Caller.write`."""
        done = 0
        for at, size in self.pieces(0, len(data)):
            caller.write(at, data[done : done + size])
            done += size

    def ancillary(self) -> Ancillary:
        """Return the ancillary data.

        Raises:
            OSError: EINVAL of what is misshapen.

        """
        data, at, found = self.control, 0, []
        while at + _CONTROL.size <= len(data):
            size, level, kind = _CONTROL.unpack_from(data, at)
            if not _CONTROL.size <= size <= len(data) - at:
                raise os_error(errno.EINVAL)
            found.append((level, kind, data[at + _CONTROL.size : at + size]))
            at += (size + 7) & ~7
        return found

    def write_head(self, caller: Caller, name_bytes: int, control_bytes: int, flags: int) -> None:
        """Set the lengths and flags that the program will find; raises as `Caller.write`."""
        if self.name_at:
            caller.write(self.address + _NAME_BYTES_AT, _INT.pack(name_bytes))
        caller.write(self.address + _CONTROL_BYTES_AT, _LONG.pack(control_bytes))
        caller.write(self.address + _FLAGS_AT, _INT.pack(flags))


def without_ways(ancillary: Ancillary) -> Ancillary:
    """Return the ancillary data of a datagram that leaves its way to its address.

    Raises:
        OSError: EINVAL of what IPv4 does not know.

    """
    kept = []
    for level, kind, data in ancillary:
        if (level, kind) in _HARMLESS:
            kept.append((level, kind, data))
        elif (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            kept.append((level, kind, bytes(4) + data[4:]))
        elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            kept.append((level, kind, data[:16] + bytes(4) + data[20:]))
        elif level == socket.IPPROTO_IP and kind != _IP_RETOPTS:
            raise os_error(errno.EINVAL)
    return kept


def read_sendto(caller: Caller) -> Message:
    """Return what sendto(2) sends; raises as `read_message`."""
    name = caller.read_sockaddr(caller.pointer(4), caller.integer(5))
    return Message(0, caller.pointer(4), 0, ((caller.pointer(1), min(caller.pointer(2), MAX_BYTES)),), name)


def read_message(caller: Caller, address: int, *, is_send: bool) -> Message:
    """Return the message at an address, checked in the kernel's order.

    Raises:
        OSError: EFAULT, EINVAL, EMSGSIZE, ENOBUFS.
        Gone: nobody waits any more.

    """
    name_at, name_bytes, vectors_at, count, control_at, control_bytes, _flags = _HEADER.unpack(
        caller.read(address, _HEADER.size)
    )
    if name_at and name_bytes >> 31:
        raise os_error(errno.EINVAL)
    name = control = b""
    if is_send and name_at:
        name = caller.read(name_at, min(name_bytes, MAX_SOCKADDR_BYTES))
    if count > _MAX_VECTORS:
        raise os_error(errno.EMSGSIZE)
    raw = caller.read_some(vectors_at, count * _VECTOR.size)
    vectors = _check_vectors(_VECTOR.iter_unpack(raw[: len(raw) // _VECTOR.size * _VECTOR.size]))
    if len(vectors) < count:
        raise os_error(errno.EFAULT)
    if is_send and control_bytes:
        if control_bytes > _MAX_CONTROL_BYTES:
            raise os_error(errno.ENOBUFS)
        control = caller.read(control_at, control_bytes)
    return Message(address, name_at, name_bytes, vectors, name, control)


def read_names(caller: Caller) -> Iterator[bytes]:
    """Give the addresses that a send names, or just their families; raises as `read_message`."""
    match caller.call:
        case Call.SENDTO:
            name = caller.read_sockaddr(caller.pointer(4), caller.integer(5))
            yield from [name] if name else []
            return
        case Call.SENDMSG:
            count = 1
        case _:
            count = min(caller.pointer(2) & 0xFFFFFFFF, _MAX_VECTORS)
    for at in range(count):
        head = caller.read(caller.pointer(1) + at * ENTRY_BYTES, _NAME.size)
        name_at, name_bytes = _NAME.unpack(head)
        if name_at and name_bytes and not name_bytes >> 31:
            yield caller.read(name_at, min(name_bytes, _FAMILY_BYTES))


def _check_vectors(vectors: Iterable[tuple[int, ...]]) -> tuple[tuple[int, int], ...]:
    """Return places and sizes, cut to what the kernel takes in one call."""
    checked, total = [], 0
    for at, size in vectors:
        if size & _SIGN:
            raise os_error(errno.EINVAL)
        some = min(size, MAX_BYTES - total)
        checked.append((at, some))
        total += some
    if any(at & _SIGN for at, _size in checked):  # never a program's
        raise os_error(errno.EFAULT)
    return tuple(checked)
