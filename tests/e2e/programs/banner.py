"""Read what a server says first, then exchange a line: blocking, and by asyncio.

usage: banner.py NAME PORT BYTES

Prints for both ways the digest of the first BYTES bytes and the line that came back.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sys


def blocking(name: str, port: int, count: int) -> None:
    """Print what a blocking socket got."""
    with socket.create_connection((name, port)) as sock, sock.makefile("rwb") as stream:
        digest = hashlib.sha256(stream.read(count)).hexdigest()
        stream.write(b"and back\n")
        stream.flush()
        print(digest, stream.readline().decode().strip())


async def non_blocking(name: str, port: int, count: int) -> None:
    """Print what asyncio got."""
    reader, writer = await asyncio.open_connection(name, port)
    digest = hashlib.sha256(await reader.readexactly(count)).hexdigest()
    writer.write(b"and back\n")
    print(digest, (await reader.readline()).decode().strip())
    writer.close()
    await writer.wait_closed()


arguments = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
blocking(*arguments)
asyncio.run(non_blocking(*arguments))
