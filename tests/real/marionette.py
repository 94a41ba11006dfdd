"""Firefox by remote control: packets `LENGTH:[0, ID, COMMAND, PARAMETERS]`, each answered by one.

https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any

__all__ = ["render"]


class _Browser:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ids = count(1)

    async def read(self) -> Any:
        length = await self._reader.readuntil(b":")
        return json.loads(await self._reader.readexactly(int(length[:-1])))

    async def ask(self, command: str, **parameters: object) -> Any:
        packet = json.dumps([0, next(self._ids), command, parameters]).encode()
        self._writer.write(b"%d:%s" % (len(packet), packet))
        _, _, error, value = await self.read()
        assert error is None, f"{command}: {error}"
        return value


async def render(port: int, url: str) -> str:
    """Have the browser load a page to its end; return its document as it is then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    browser = _Browser(reader, writer)
    await browser.read()  # who it is, unasked
    await browser.ask("WebDriver:NewSession")
    await browser.ask("WebDriver:Navigate", url=url)
    source = await browser.ask("WebDriver:GetPageSource")
    await browser.ask("Marionette:Quit", flags=["eForceQuit"])
    writer.close()
    return str(source["value"])
