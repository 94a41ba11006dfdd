"""Many non-blocking connects from one thread, with a timer beside them.

usage: hundred.py asyncio|uvloop NAME PORT COUNT

Says `resolved PPID` and waits for a line; starts COUNT connects; when its 10 ms
timer has ticked 50 times it says `ticked FINISHED` and starts one more; when
every connection has echoed a line it says `connected NUMBER`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

TICKS = 50


async def talk(address: str, port: str, finished: list[None]) -> None:
    """Connect, and exchange one line."""
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"
    writer.close()
    await writer.wait_closed()
    finished.append(None)


async def main(name: str, port: str, count: str) -> None:
    """Play the part that the head of this file describes."""
    address = str(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][4][0])
    print("resolved", os.getppid(), flush=True)
    sys.stdin.readline()
    finished: list[None] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(int(count)):
            group.create_task(talk(address, port, finished))
        for _ in range(TICKS):
            await asyncio.sleep(0.01)
        print("ticked", len(finished), flush=True)
        group.create_task(talk(address, port, finished))
    print("connected", len(finished), flush=True)


loop_name, *arguments = sys.argv[1:]
if loop_name == "uvloop":
    import uvloop

    uvloop.run(main(*arguments))
else:
    asyncio.run(main(*arguments))
