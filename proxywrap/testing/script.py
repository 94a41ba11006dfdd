"""What the server does wrong on purpose, and the `ByteIO` that does it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from proxywrap.net.stream import StreamIO

__all__ = ["CutError", "Script", "ScriptedIO"]

TRICKLE_GAP_S = 0.001
"""Between two bytes that must not share a segment: long enough for the peer to read the first."""


@dataclass(frozen=True, slots=True)
class Script:
    """How a handshake goes; the default is well-behaved.

    Args:
        delay_s: seconds before each of the server's messages.
        is_trickling: each byte goes out in a segment of its own.
        is_coalescing: the reply waits for the destination's first bytes and
            goes out in one segment with them.
        refuse: the errno that every request is answered with.
        reply: sent in place of the reply to a request, and then nothing more.
        garbage: sent in place of the server's first message, and then nothing more.
        truncate_at: the connection is closed when so many bytes went out.

    """

    delay_s: float = 0.0
    is_trickling: bool = False
    is_coalescing: bool = False
    refuse: int | None = None
    reply: bytes | None = None
    garbage: bytes | None = None
    truncate_at: int | None = None


class CutError(Exception):
    """The script says that the connection ends here."""


class ScriptedIO(StreamIO):
    """A `StreamIO` that sends by a script."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, script: Script) -> None:
        super().__init__(reader, writer)
        self._script = script
        self._sent_bytes = 0

    async def send_all(self, data: bytes) -> None:
        """Send `data`, or what the script has for it.

        Raises:
            CutError: the script ends here.

        """
        if self._script.delay_s:
            await asyncio.sleep(self._script.delay_s)
        if self._script.garbage is not None:
            await self._send(self._script.garbage)
            raise CutError
        if self._script.truncate_at is None:
            await self._send(data)
            return
        left = self._script.truncate_at - self._sent_bytes
        await self._send(data[:left])
        if left <= len(data):
            raise CutError

    async def _send(self, data: bytes) -> None:
        self._sent_bytes += len(data)
        if not self._script.is_trickling:
            await super().send_all(data)
            return
        for index in range(len(data)):
            await super().send_all(data[index : index + 1])
            await asyncio.sleep(TRICKLE_GAP_S)
