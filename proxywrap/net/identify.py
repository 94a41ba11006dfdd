"""What listens at a place: asked in several languages, each on a connection of its own.

An honest client of each protocol begins, and the first bytes of the answer tell.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from typing import TypeVar

from proxywrap.errors import ProxywrapError
from proxywrap.net.lent import LentSocket
from proxywrap.net.tls import TlsIO, TlsLayer
from proxywrap.net.way import Way

__all__ = ["Reach", "Speaks", "identify"]

Reach = Callable[[], Awaitable[Way]]
"""Makes a connection to the place, by which nothing has been said yet."""

MAX_ANSWER_BYTES = 64

LEAST_GRACE_S = 0.3
"""How long, at least, other answers are waited for when the one to HTTP has come."""

T = TypeVar("T")

_SOCKS5 = b"\x05\x02\x00\x02"
_SOCKS4 = b"\x04\x01\x00\x01\x7f\x00\x00\x01\x00"
_CONNECT = b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n"
"""A request for the server's own loopback, where nobody listens on port 1."""

_TLS_RECORDS = {b"\x15\x03", b"\x16\x03"}
"""How an alert and a handshake message begin, of every version (RFC 8446, section 5.1)."""

_NO_PROXY = frozenset({400, 404, 405, 501})
"""What a web server says to CONNECT."""


class Speaks(StrEnum):
    """What a server speaks."""

    SOCKS4 = "SOCKS4"
    SOCKS5 = "SOCKS5"
    HTTP_PROXY = "HTTP proxy"
    WEB = "HTTP, no proxy"
    TLS_SOCKS5 = "SOCKS5 over TLS"
    TLS_HTTP = "HTTP over TLS"
    TLS = "TLS"
    SSH = "SSH"
    OTHER = "something else"


async def identify(reach: Reach, name: str, limit_s: float) -> frozenset[Speaks]:
    """Return all that the server at a place speaks; nothing where it is silent.

    Args:
        reach: makes one connection to it more.
        name: its name or address, for TLS.
        limit_s: how long each answer may take.

    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with asyncio.TaskGroup() as tasks:
        banner = tasks.create_task(_answer(reach, b"", limit_s))
        answers = [tasks.create_task(_answer(reach, each, limit_s)) for each in (_SOCKS5, _SOCKS4, _CONNECT)]
        tls = tasks.create_task(_over_tls(reach, name, limit_s))
        await asyncio.wait([answers[-1]])
        if _of_http(answers[-1].result()) is not None:
            # It speaks HTTP; what else it speaks it says as soon as that.
            late_s = max(LEAST_GRACE_S, 2 * (loop.time() - began_s))
            await asyncio.wait([banner, *answers, tls], timeout=late_s)
            for task in (banner, *answers, tls):
                task.cancel()
    first = _result(banner)
    if first:  # whoever speaks first is none of these
        return frozenset({Speaks.SSH if first.startswith(b"SSH-") else Speaks.OTHER})
    socks5, socks4, http = (_result(answer) or b"" for answer in answers)
    found = {_result(tls), _of_http(http)}
    if len(socks5) == 2 and socks5[0] == 5 and socks5[1] in {0, 2, 0xFF}:
        found.add(Speaks.SOCKS5)
    if socks4[:1] == b"\0" and 90 <= socks4[1] <= 93 and len(socks4) == 8:
        found.add(Speaks.SOCKS4)
    spoken = frozenset(each for each in found if each is not None)
    if not spoken and (socks5 or socks4 or http):
        return frozenset({Speaks.OTHER})
    return spoken


def _result(task: asyncio.Task[T]) -> T | None:
    """Return what a question was answered, None where the answer was not waited for."""
    return None if task.cancelled() else task.result()


async def _answer(reach: Reach, question: bytes, limit_s: float, layer: TlsLayer | None = None) -> bytes:
    """Return the beginning of the answer to `question`, nothing where there is none."""
    data = b""
    with suppress(ProxywrapError, OSError):
        async with asyncio.timeout(limit_s):
            way = await reach()
            try:
                io: LentSocket | TlsIO = way.io
                if layer is not None:
                    io = TlsIO(io, layer)
                    await io.shake_hands()
                await io.send_all(question)
                data = await io.receive(MAX_ANSWER_BYTES)
                if 0 < len(data) < 8 and not data.startswith(b"\x05"):
                    data += await io.receive(MAX_ANSWER_BYTES)
            finally:
                way.close()
    return data


def _of_http(answer: bytes) -> Speaks | None:
    match = re.match(rb"HTTP/1\.[01] ([0-9]{3})", answer)
    if match is None:
        return Speaks.WEB if answer.lstrip()[:1] == b"<" else None
    return Speaks.WEB if int(match[1]) in _NO_PROXY else Speaks.HTTP_PROXY


async def _over_tls(reach: Reach, name: str, limit_s: float) -> Speaks | None:
    """Return what is spoken inside TLS, None where it is no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # who it is does not matter: it is told nothing
    answer = await _answer(reach, _client_hello(context), limit_s)
    if answer[:2] not in _TLS_RECORDS:
        return None
    http = _of_http(await _answer(reach, _CONNECT, limit_s, TlsLayer(context, name)))
    if http is Speaks.HTTP_PROXY:
        return Speaks.TLS_HTTP
    socks5 = await _answer(reach, _SOCKS5, limit_s, TlsLayer(context, name))
    return Speaks.TLS_SOCKS5 if socks5[:1] == b"\x05" else Speaks.TLS


def _client_hello(context: ssl.SSLContext) -> bytes:
    outgoing = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    return outgoing.read()
