"""struct msghdr and what it points to, in the memory of a filtered program."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from proxywrap.helper.caller import Caller
from proxywrap.protocol.sockaddr import MAX_SOCKADDR_BYTES

__all__ = ["ENTRY_BYTES", "Ancillary", "Message", "read_message"]

Ancillary = list[tuple[int, int, bytes]]
"""Level, type and data, as `socket.sendmsg` takes them."""

_HEADER = struct.Struct("=QI4xQQQQi4x")
_VECTOR = struct.Struct("=QQ")
_CONTROL = struct.Struct("=Qii")  # struct cmsghdr
_INT = struct.Struct("=i")
_LONG = struct.Struct("=Q")

_NAME_BYTES_AT, _CONTROL_BYTES_AT, _FLAGS_AT = 8, 40, 48
ENTRY_BYTES = _HEADER.size + 8
"""struct mmsghdr: a message, and how much of it was carried out."""

_MAX_VECTORS = 1024  # UIO_MAXIOV
_MAX_CONTROL_BYTES = 20480  # net.core.optmem_max, which may be more
_MAX_BYTES = 0x7FFFF000  # MAX_RW_COUNT
_SIGN = 1 << 63


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `vectors` are where its bytes are, or are to go."""

    address: int
    name_at: int
    name_bytes: int
    vectors: tuple[tuple[int, int], ...]
    control_at: int
    control_bytes: int

    @property
    def size(self) -> int:
        """How many bytes there are, or is room for."""
        return sum(size for _at, size in self.vectors)

    def read_name(self, caller: Caller) -> bytes:
        """Return the address; raises as `Caller.read`."""
        if not self.name_at:
            return b""
        return caller.read(self.name_at, min(self.name_bytes, MAX_SOCKADDR_BYTES))

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

    def read_ancillary(self, caller: Caller) -> Ancillary:
        """Return the ancillary data.

        Raises:
            OSError: EINVAL of what is misshapen, ENOBUFS of too much, EFAULT.

        """
        if not self.control_at or not self.control_bytes:
            return []
        if self.control_bytes > _MAX_CONTROL_BYTES:
            raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
        data, at, found = caller.read(self.control_at, self.control_bytes), 0, []
        while at + _CONTROL.size <= len(data):
            size, level, kind = _CONTROL.unpack_from(data, at)
            if not _CONTROL.size <= size <= len(data) - at:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            found.append((level, kind, data[at + _CONTROL.size : at + size]))
            at += (size + 7) & ~7
        return found

    def write_head(self, caller: Caller, name_bytes: int, control_bytes: int, flags: int) -> None:
        """Set the lengths and flags that the program will find; raises as `Caller.write`."""
        if self.name_at:
            caller.write(self.address + _NAME_BYTES_AT, _INT.pack(name_bytes))
        caller.write(self.address + _CONTROL_BYTES_AT, _LONG.pack(control_bytes))
        caller.write(self.address + _FLAGS_AT, _INT.pack(flags))


def read_message(caller: Caller, address: int) -> Message:
    """Return the message at an address, checked as the kernel does.

    Raises:
        OSError: EFAULT, EINVAL, EMSGSIZE.
        Gone: nobody waits any more.

    """
    name_at, name_bytes, vectors_at, count, control_at, control_bytes, _flags = _HEADER.unpack(
        caller.read(address, _HEADER.size)
    )
    if name_at and name_bytes >> 31:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    if count > _MAX_VECTORS:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    raw = caller.read(vectors_at, count * _VECTOR.size)
    vectors, total = [], 0
    for at, size in _VECTOR.iter_unpack(raw):
        if size & _SIGN:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        some = min(size, _MAX_BYTES - total)
        vectors.append((at, some))
        total += some
    return Message(address, name_at, name_bytes, tuple(vectors), control_at, control_bytes)
