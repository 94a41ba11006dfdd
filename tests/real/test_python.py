"""Python's clients: blocking sockets, threads that resolve, event loops, greenlets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import PROGRAMS, script

from .ours import OURS

if TYPE_CHECKING:
    from e2e.kit.clients import Stage, Words


@pytest.mark.parametrize("client", ["requests", "httpx", "httpx_async", "aiohttp", "gevent", "twisted"])
def test_python(stage: Stage, prefix: Words, client: str) -> None:
    """Download and upload, at once where the client can."""
    script(stage, prefix, sys.executable, OURS / f"transfer_{client}.py")


def test_uvloop(stage: Stage, prefix: Words) -> None:
    """Ditto by asyncio's streams on libuv's loop."""
    script(stage, prefix, sys.executable, PROGRAMS / "transfer_asyncio.py", "uvloop")
