"""struct msghdr, and what it points to."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.helper.caller import MAX_BYTES, Gone
from proxywrap.helper.messages import Message, read_message, read_sendto, without_ways
from proxywrap.net.notification import Call

from .memory import NOWHERE, FakeListener, Memory, calling

HEADER = struct.Struct("=QI4xQQQQi4x")
VECTOR = struct.Struct("=QQ")
CONTROL = struct.Struct("=Qii")
NAME = bytes.fromhex("0200 0050 c0000207 0000000000000000")


def pack(
    memory: Memory,
    name: int = 0,
    name_bytes: int = 0,
    vectors: list[tuple[int, int]] | None = None,
    count: int | None = None,
    control: int = 0,
    control_bytes: int = 0,
) -> int:
    """Return the address of a message."""
    data = b"".join(VECTOR.pack(*each) for each in vectors or [])
    count = len(vectors or []) if count is None else count
    return memory.put(HEADER.pack(name, name_bytes, memory.put(data), count, control, control_bytes, 0))


def read(address: int, *, is_send: bool = True) -> Message:
    """Return the message there."""
    return read_message(calling(Call.SENDMSG, 3, address), address, is_send=is_send)


def test_a_whole_message() -> None:
    """Name and control data are copies, the bytes are read piece by piece."""
    memory = Memory()
    control = CONTROL.pack(20, socket.IPPROTO_IP, socket.IP_TTL) + struct.pack("=i4x", 5)
    message = read(
        pack(
            memory,
            memory.put(NAME),
            len(NAME),
            [(memory.put(b"one"), 3), (NOWHERE, 0), (memory.put(b"three"), 5)],
            None,
            memory.put(control),
            len(control),
        )
    )
    caller = calling(Call.SENDMSG)
    assert (message.name, message.size) == (NAME, 8)
    assert message.ancillary() == [(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("=i", 5))]
    for skip in range(9):
        for limit in range(9):
            assert message.read_data(caller, skip, limit) == b"onethree"[skip : skip + limit]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": NOWHERE, "name_bytes": 16}, errno.EFAULT),
        ({"name": NOWHERE, "name_bytes": 1 << 31}, errno.EINVAL),
        ({"name": NOWHERE, "name_bytes": 16, "count": 1025}, errno.EFAULT),
        ({"count": 1025}, errno.EMSGSIZE),
        ({"count": 1 << 63}, errno.EMSGSIZE),
        ({"vectors": [(0, 1), (0, 1 << 63)]}, errno.EINVAL),
        ({"vectors": [(1 << 63, 1), (0, 1 << 63)]}, errno.EINVAL),
        ({"vectors": [(1 << 63, 1)]}, errno.EFAULT),
        ({"control": NOWHERE, "control_bytes": 16}, errno.EFAULT),
        ({"control": 0, "control_bytes": 16}, errno.EFAULT),
        ({"control": NOWHERE, "control_bytes": 1 << 20}, errno.ENOBUFS),
        ({"vectors": [(0, 1 << 63)], "control": NOWHERE, "control_bytes": 16}, errno.EINVAL),
    ],
)
def test_what_is_wrong(fields: dict[str, object], error: int) -> None:
    """Each fault has its errno, the first in the kernel's order counts."""
    with pytest.raises(OSError, match=r".") as raised:
        read(pack(Memory(), **fields))  # type: ignore[arg-type]
    assert raised.value.errno == error


def test_what_is_received() -> None:
    """Nothing is read of where the name and the control data are to go."""
    message = read(pack(Memory(), NOWHERE, 16, [], None, NOWHERE, 1 << 40), is_send=False)
    assert (message.name, message.control) == (b"", b"")


def test_more_than_the_kernel_takes() -> None:
    """All vectors together are cut."""
    message = read(pack(Memory(), vectors=[(NOWHERE, MAX_BYTES - 1), (NOWHERE, 5), (NOWHERE, 5)]))
    assert [size for _at, size in message.vectors] == [MAX_BYTES - 1, 1, 0]


def test_sendto() -> None:
    """The address must be there, and not be too long."""
    memory = Memory()
    data, name = memory.put(b"data"), memory.put(NAME)
    caller = calling(Call.SENDTO, 3, data, 4, 0, name, len(NAME))
    message = read_sendto(caller)
    assert (message.name, message.read_data(caller, 0, 10)) == (NAME, b"data")
    for at, size, error in ((name, 129, errno.EINVAL), (name, -1, errno.EINVAL), (NOWHERE, 16, errno.EFAULT)):
        with pytest.raises(OSError, match=r".") as raised:
            read_sendto(calling(Call.SENDTO, 3, data, 4, 0, at, size))
        assert raised.value.errno == error


def test_a_thread_that_is_gone() -> None:
    """What was read of its memory is not used."""
    listener = FakeListener()
    listener.is_gone = True
    with pytest.raises(Gone):
        read_message(calling(Call.SENDMSG, listener=listener), pack(Memory()), is_send=True)


@given(st.binary(max_size=200))
def test_any_control_data(data: bytes) -> None:
    """It is what the kernel finds in it, or EINVAL."""
    message = Message(0, 0, 0, (), control=data)
    try:
        found = message.ancillary()
    except OSError as exc:
        assert exc.errno == errno.EINVAL
    else:
        assert sum(len(each) for _level, _kind, each in found) <= len(data)


def test_ways_are_taken_out() -> None:
    """What chooses a device or a route is, what does not stays."""
    index = (7).to_bytes(4, "little")
    source4, source6 = bytes([10, 0, 0, 1]), bytes(15) + b"\1"
    found = without_ways(
        [
            (socket.IPPROTO_IP, socket.IP_TOS, b"\2\0\0\0"),
            (socket.IPPROTO_IP, 8, index + source4 + bytes(4)),
            (socket.IPPROTO_IP, 7, b"route"),
            (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source6 + index),
            (socket.IPPROTO_IPV6, socket.IPV6_RTHDR, b"route"),
            (socket.IPPROTO_IPV6, 2, source6 + index),
            (17, 103, b"\1\2"),
        ]
    )
    assert found == [
        (socket.IPPROTO_IP, socket.IP_TOS, b"\2\0\0\0"),
        (socket.IPPROTO_IP, 8, bytes(4) + source4 + bytes(4)),
        (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source6 + bytes(4)),
        (17, 103, b"\1\2"),
    ]
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        without_ways([(socket.IPPROTO_IP, 99, b"")])
