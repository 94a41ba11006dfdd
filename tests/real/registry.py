"""A package index for pip, npm and cargo at once, which keeps what is published to it."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import TYPE_CHECKING

from e2e.kit.clients import NAME
from e2e.kit.origins import digest, serving, until_closed
from e2e.kit.web import Answer, Request, read_request

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

__all__ = ["Registry", "registry"]

NOT_FOUND = Answer(b"", "404 Not Found")


class Registry:
    """What the index holds: documents by their paths, of which publishing makes some."""

    def __init__(self) -> None:
        self.port = 0
        self.pages: dict[str, Answer] = {}

    @property
    def url(self) -> str:
        """The server, by the name."""
        return f"http://{NAME}:{self.port}"

    def answer(self, request: Request) -> Answer:
        """Serve a page, or take a package in."""
        if request.method == "PUT" and request.target == "/cargo/api/v1/crates/new":
            return self._publish_crate(request.body)
        if request.method == "PUT" and request.target.startswith("/npm/"):
            return self._publish_npm(request.target, request.body)
        return self.pages.get(request.target.partition("?")[0], NOT_FOUND)

    def add_wheel(self, name: str, file: str, content: bytes) -> None:
        """Offer a wheel to pip, as PEP 503 has it, under /simple/."""
        self.pages[f"/wheels/{file}"] = Answer(content)
        link = f'<a href="/wheels/{file}#sha256={digest(content)}">{file}</a>'
        self.pages[f"/simple/{name}/"] = Answer(link.encode(), headers={"Content-Type": "text/html"})

    def add_crates(self) -> None:
        """Open a sparse index of crates under /cargo/index/."""
        places = {"dl": f"{self.url}/cargo/dl", "api": f"{self.url}/cargo"}
        self.pages["/cargo/index/config.json"] = _json(places)

    def _publish_npm(self, target: str, body: bytes) -> Answer:
        document = json.loads(body)
        for file, attachment in document.pop("_attachments").items():
            self.pages[f"{target}/-/{file}"] = Answer(base64.b64decode(attachment["data"]))
        self.pages[target] = _json(document)
        return _json({"ok": True})

    def _publish_crate(self, body: bytes) -> Answer:
        # A length and the description, a length and the archive.
        size = int.from_bytes(body[:4], "little")
        described = json.loads(body[4 : 4 + size])
        archive = body[4 + size + 4 :]
        name, version = described["name"], described["vers"]
        entry = {
            "name": name,
            "vers": version,
            "deps": [],
            "cksum": digest(archive),
            "features": {},
            "yanked": False,
        }
        self.pages[f"/cargo/index/{name[:2]}/{name[2:4]}/{name}"] = _json(entry)
        self.pages[f"/cargo/dl/{name}/{version}/download"] = Answer(archive)
        return _json({"warnings": {"invalid_categories": [], "invalid_badges": [], "other": []}})


def _json(value: object) -> Answer:
    return Answer(json.dumps(value).encode(), headers={"Content-Type": "application/json"})


@contextlib.asynccontextmanager
async def registry() -> AsyncIterator[Registry]:
    """Run an index that is empty."""
    made = Registry()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(made.answer(await read_request(reader, writer)).pack())
        await until_closed(writer)

    async with serving(handle) as origin:
        made.port = origin.port
        yield made
