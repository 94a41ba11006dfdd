"""What the server does wrong on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from proxywrap.testing.script import CutError, Script, ScriptedIO


def sent_by(script: Script, *messages: bytes) -> bytes:
    """Return what comes out where `messages` are sent by `script`."""

    async def scenario() -> bytes:
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            io = ScriptedIO(reader, writer, script)
            with contextlib.suppress(CutError):
                for message in messages:
                    await io.send_all(message)
            writer.close()
            await writer.wait_closed()
            return theirs.recv(4096)

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("script", "sent"),
    [
        (Script(), b"abcdef"),
        (Script(is_trickling=True), b"abcdef"),
        (Script(delay_s=0.001), b"abcdef"),
        (Script(garbage=b"xyz"), b"xyz"),
        (Script(garbage=b""), b""),
        (Script(truncate_at=0), b""),
        (Script(truncate_at=2), b"ab"),
        (Script(truncate_at=3), b"abc"),
        (Script(truncate_at=4), b"abcd"),
        (Script(truncate_at=7), b"abcdef"),
        (Script(truncate_at=5, is_trickling=True), b"abcde"),
    ],
)
def test_what_is_sent(script: Script, sent: bytes) -> None:
    """Nothing is sent after the script's end."""
    assert sent_by(script, b"abc", b"def") == sent


def test_trickled_bytes_are_segments() -> None:
    """A peer that reads at once gets them one by one."""

    async def scenario() -> list[int]:
        sizes: list[int] = []
        done = asyncio.Event()

        async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(100):
                sizes.append(len(data))
            writer.close()
            done.set()

        async with await asyncio.start_server(read, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await ScriptedIO(reader, writer, Script(is_trickling=True)).send_all(bytes(20))
            writer.close()
            await done.wait()
        return sizes

    sizes = asyncio.run(scenario())
    assert sum(sizes) == 20
    assert len(sizes) > 1  # a busy machine may join some of them
