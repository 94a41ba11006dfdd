"""A slow link between two namespaces: two TUN devices, and a process that carries packets between them late.

The kernel of a small machine may have no netem; this needs TUN alone.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.world import World

__all__ = ["FAR", "slow_link"]

NEAR, FAR = "10.50.0.1", "10.50.0.2"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


async def _open_end(address: str, peer: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"link0", IFF_TUN | IFF_NO_PI))
    lines = [
        "link set link0 addrgenmode none",
        f"addr add {address} peer {peer} dev link0",
        "link set link0 txqueuelen 10000 up",
    ]
    ip = await asyncio.create_subprocess_exec("ip", "-batch", "-", stdin=asyncio.subprocess.PIPE)
    await ip.communicate("\n".join(lines).encode())
    return device


@contextlib.contextmanager
def slow_link(near: World, far: World, round_trip_s: float) -> Iterator[None]:
    """Join two worlds until the block ends; FAR is the far one's address."""
    ends = [near.call(_open_end, NEAR, FAR), far.call(_open_end, FAR, NEAR)]
    argv = [sys.executable, __file__, *map(str, ends), str(round_trip_s / 2)]
    with subprocess.Popen(argv, pass_fds=ends) as carrier:
        try:
            yield
        finally:
            carrier.terminate()
            for end in ends:
                os.close(end)


def carry(ends: tuple[int, int], delay_s: float) -> None:
    """Write to each end what was read from the other, `delay_s` later, for ever."""
    under_way: collections.deque[tuple[float, int, bytes]] = collections.deque()
    while True:
        wait_s = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        readable, _, _ = select.select(ends, [], [], wait_s)
        now = time.monotonic()
        for end in readable:
            with contextlib.suppress(BlockingIOError):
                while True:
                    under_way.append((now + delay_s, ends[end == ends[0]], os.read(end, 65536)))
        while under_way and under_way[0][0] <= now:
            _, end, packet = under_way.popleft()
            with contextlib.suppress(BlockingIOError):
                os.write(end, packet)


if __name__ == "__main__":
    carry((int(sys.argv[1]), int(sys.argv[2])), float(sys.argv[3]))
