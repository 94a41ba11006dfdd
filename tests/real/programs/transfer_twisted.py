"""Download and upload by Twisted's agent, both at once; print the digest of each.

usage: transfer_twisted.py URL FILE
"""

from __future__ import annotations

import hashlib
import io
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

from twisted.internet import defer, task
from twisted.web.client import Agent, FileBodyProducer, readBody


def main(reactor: Any, url: str, upload: bytes) -> defer.Deferred[None]:
    """Print the digest of the download, and what the server says of the upload."""
    agent = Agent(reactor)

    def tell(answers: list[bytes]) -> None:
        print(hashlib.sha256(answers[0]).hexdigest())
        print(answers[1].decode())

    def requests() -> Iterator[defer.Deferred[bytes]]:
        yield agent.request(b"GET", f"{url}/bytes".encode()).addCallback(readBody)
        body = FileBodyProducer(io.BytesIO(upload))
        yield agent.request(b"PUT", f"{url}/digest".encode(), None, body).addCallback(readBody)

    return defer.gatherResults(requests()).addCallback(tell)


task.react(main, (sys.argv[1], pathlib.Path(sys.argv[2]).read_bytes()))
