"""A gate that holds requests back until so many have arrived."""

from __future__ import annotations

import asyncio

__all__ = ["Gate"]


class Gate:
    """Counts requests, and lets them pass when it is open; it begins open."""

    def __init__(self) -> None:
        self.arrived = 0
        self._opens_at: int | None = None
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._arrival = asyncio.Event()

    def hold(self, count: int | None = None) -> None:
        """Close until `count` more requests have arrived, or `release` where that is None."""
        self._opens_at = None if count is None else self.arrived + count
        self._is_open.clear()

    def release(self) -> None:
        """Open."""
        self._is_open.set()

    async def enter(self) -> None:
        """Arrive, and wait until the gate is open."""
        self.arrived += 1
        self._arrival.set()
        self._arrival = asyncio.Event()
        if self._opens_at is not None and self.arrived >= self._opens_at:
            self.release()
        await self._is_open.wait()

    async def wait_for(self, count: int) -> None:
        """Wait until `count` requests have arrived since the beginning."""
        while self.arrived < count:
            await self._arrival.wait()
