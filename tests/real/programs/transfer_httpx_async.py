"""Download and upload by httpx's asynchronous client, both at once; print the digest of each.

usage: transfer_httpx_async.py URL FILE
"""

from __future__ import annotations

import asyncio
import hashlib
import pathlib
import sys

import httpx


async def main(url: str, upload: bytes) -> None:
    """Print the digest of the download, and what the server says of the upload."""
    async with httpx.AsyncClient(timeout=30) as client:
        down, up = await asyncio.gather(
            client.get(f"{url}/bytes"),
            client.put(f"{url}/digest", content=upload),
        )
    print(hashlib.sha256(down.content).hexdigest())
    print(up.text)


asyncio.run(main(sys.argv[1], pathlib.Path(sys.argv[2]).read_bytes()))
