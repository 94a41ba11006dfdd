"""Connect several times at once from one event loop.

usage: parallel.py NAME PORT COUNT
"""

from __future__ import annotations

import asyncio
import sys


async def talk(name: str, port: str) -> str:
    """Exchange one line."""
    try:
        reader, writer = await asyncio.open_connection(name, port)
    except OSError as error:
        return str(error)
    writer.write(b"hello\n")
    line = await reader.readline()
    writer.close()
    return line.decode().strip()


async def main(name: str, port: str, count: str) -> None:
    """Talk and say what came of it."""
    for result in await asyncio.gather(*(talk(name, port) for _ in range(int(count)))):
        print("result:", result)


asyncio.run(main(*sys.argv[1:]))
