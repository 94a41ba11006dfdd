"""Download and upload by asyncio's streams, both at once; print the digest of each.

usage: transfer_asyncio.py [uvloop] URL FILE
"""

from __future__ import annotations

import asyncio
import hashlib
import pathlib
import sys
import urllib.parse


async def ask(url: str, head: str, body: bytes = b"") -> bytes:
    """Return the body of the answer to one request."""
    parts = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"{head} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.partition(b"\r\n\r\n")[2]


async def main(url: str, upload: bytes) -> None:
    """Print the digest of the download, and what the server says of the upload."""
    down, up = await asyncio.gather(
        ask(url, "GET /bytes"),
        ask(url, "PUT /digest", upload),
    )
    print(hashlib.sha256(down).hexdigest())
    print(up.decode())


*loop, url, upload = sys.argv[1:]
both = main(url, pathlib.Path(upload).read_bytes())
if loop == ["uvloop"]:
    import uvloop

    uvloop.run(both)
else:
    asyncio.run(both)
