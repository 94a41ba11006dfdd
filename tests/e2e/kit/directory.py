"""A name server by TCP alone, as one that only the last proxy reaches."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import dns.rrset

from .origins import Origin, serving

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

__all__ = ["DOMAIN", "RECORDS", "directory"]

DOMAIN = "corp.test"

RECORDS = {
    (f"www.{DOMAIN}.", "A"): "10.9.8.7",
    (f"www.{DOMAIN}.", "AAAA"): "2001:db8:9::7",
    (f"_ldap._tcp.{DOMAIN}.", "SRV"): f"0 100 389 dc01.{DOMAIN}.",
    (f"{DOMAIN}.", "MX"): f"10 mail.{DOMAIN}.",
    (f"long.{DOMAIN}.", "TXT"): " ".join(f'"{"x" * 200}"' for _ in range(4)),
    ("7.8.9.10.in-addr.arpa.", "PTR"): f"www.{DOMAIN}.",
}


def _answer(message: bytes) -> bytes:
    query = dns.message.from_wire(message)
    response = dns.message.make_response(query)
    (question,) = query.question
    kind = question.rdtype.name
    data = RECORDS.get((question.name.to_text().lower(), kind))
    if data is not None:
        response.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, data))
    elif not any(name == question.name.to_text().lower() for name, _ in RECORDS):
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()


@asynccontextmanager
async def directory() -> AsyncIterator[Origin]:
    """Answer what RECORDS has; other names do not exist."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while length := await reader.read(2):
            answer = _answer(await reader.readexactly(int.from_bytes(length, "big")))
            writer.write(len(answer).to_bytes(2, "big") + answer)

    async with serving(handle) as origin:
        yield origin
