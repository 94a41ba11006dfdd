"""Which of several addresses answers first: asked one after the other, with a head start each (RFC 8305)."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

__all__ = ["HEAD_START_S", "in_turns", "race"]

HEAD_START_S = 0.25
"""How long one is waited for before the next one is asked as well (RFC 8305, section 5)."""

Address = IPv4Address | IPv6Address


async def race(addresses: Sequence[Address], port: int) -> Address:
    """Return the address that can be connected to first.

    Args:
        addresses: the likeliest first, one at least.
        port: the same for all.

    Raises:
        OSError: the first one's, where none can be connected to.

    """
    waiting = list(reversed(in_turns(addresses)))
    asked: dict[asyncio.Task[OSError | None], Address] = {}
    failure: OSError | None = None
    async with asyncio.TaskGroup() as tasks:
        try:
            while waiting or asked:
                if waiting:
                    address = waiting.pop()
                    asked[tasks.create_task(_try(address, port))] = address
                done, _ = await asyncio.wait(
                    asked, timeout=HEAD_START_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    address, error = asked.pop(task), task.result()
                    if error is None:
                        return address
                    failure = failure or error
        finally:
            for task in asked:
                task.cancel()
    raise failure or OSError(errno.EADDRNOTAVAIL, "there is no address")


def in_turns(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses with the families taking turns, the first one's first (section 4)."""
    first = [address for address in addresses if address.version == addresses[0].version]
    others = [address for address in addresses if address.version != addresses[0].version]
    turns = [pair for couple in zip(first, others, strict=False) for pair in couple]
    return turns + first[len(others) :] + others[len(first) :]


async def _try(address: Address, port: int) -> OSError | None:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
            await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
    except OSError as exc:
        return exc
    return None
