"""A web page of several parts, whose script sums up what arrived and writes it into the page.

The page is complete only when the script has done all it does: one of its
images is answered when the script says so, and browsers wait for images.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.kit.clients import NAME
from e2e.kit.origins import PAYLOAD, serving, until_closed
from e2e.kit.web import Answer, Request, read_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["SUMS", "Site", "site"]

PAGES = Path(__file__).parent / "pages"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
PARTS = [PAYLOAD[n::8] for n in range(8)]
"""What the script loads, all at once; it sends them back as one."""


def _sum(data: bytes) -> str:
    return f"{len(data)} {zlib.crc32(data)}"


SUMS = [
    *(f"down {number} {_sum(part)}" for number, part in enumerate(PARTS)),
    f"up {_sum(b''.join(PARTS))}",
    "style rgb(1, 2, 3)",
]
"""The lines that the page shows when not a byte is missing."""


@dataclass(slots=True)
class Site:
    """The running server; one browser at a time is at its page."""

    port: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at_gate: Callable[[], None] = lambda: None
    """Called when all is loaded, while the browser still runs."""

    @property
    def url(self) -> str:
        """The page, by the name."""
        return f"http://{NAME}:{self.port}/index.html"


def _file(path: Path) -> Answer:
    return Answer(path.read_bytes(), headers={"Content-Type": TYPES[path.suffix]})


async def _answer(site: Site, request: Request) -> Answer:
    match request.target.split("/")[1:]:
        case ["part", number]:
            return Answer(PARTS[int(number)])
        case ["sum"]:
            return Answer(_sum(request.body).encode())
        case ["open"]:
            site.at_gate()
            site.gate.set()
            return Answer(b"")
        case ["gate"]:
            await site.gate.wait()
            site.gate.clear()
            return Answer(b"", "204 No Content")
        case ["index.html" | "script.js" | "style.css" as name]:
            return _file(PAGES / name)
        case _:
            return Answer(b"", "404 Not Found")


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """Serve the page on ORIGIN."""
    made = Site()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await _answer(made, await read_request(reader, writer))).pack())
        await until_closed(writer)

    async with serving(handle) as origin:
        made.port = origin.port
        yield made
