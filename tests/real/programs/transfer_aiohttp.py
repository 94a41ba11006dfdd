"""Download and upload by aiohttp, both at once; print the digest of each.

usage: transfer_aiohttp.py URL FILE
"""

from __future__ import annotations

import asyncio
import hashlib
import pathlib
import sys

import aiohttp


async def main(url: str, upload: bytes) -> None:
    """Print the digest of the download, and what the server says of the upload."""
    # c-ares would be the resolver if aiodns were there.
    resolver = aiohttp.ThreadedResolver()
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


asyncio.run(main(sys.argv[1], pathlib.Path(sys.argv[2]).read_bytes()))
