"""Download and upload by aiohttp, both at once; print the digest of each.

usage: transfer_aiohttp.py [c-ares] URL FILE
"""

from __future__ import annotations

import asyncio
import hashlib
import pathlib
import sys

import aiohttp


async def main(url: str, upload: bytes) -> None:
    """Print the digest of the download, and what the server says of the upload."""
    resolver = aiohttp.AsyncResolver() if "c-ares" in sys.argv else aiohttp.ThreadedResolver()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as session:

        async def down() -> bytes:
            async with session.get(f"{url}/bytes") as response:
                return bytes(await response.read())

        async def up() -> str:
            async with session.put(f"{url}/digest", data=upload) as response:
                return str(await response.text())

        content, said = await asyncio.gather(down(), up())
    print(hashlib.sha256(content).hexdigest())
    print(said)


asyncio.run(main(sys.argv[-2], pathlib.Path(sys.argv[-1]).read_bytes()))
