"""Java, whose sockets are AF_INET6: blocking, by a selector, and by its own thread pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import script

from .ours import OURS

if TYPE_CHECKING:
    from e2e.kit.clients import Stage, Words


@pytest.mark.parametrize("client", ["urlconnection", "nio", "httpclient"])
def test_java(stage: Stage, prefix: Words, client: str) -> None:
    """Download, then upload."""
    script(stage, prefix, "java", "-XX:TieredStopAtLevel=1", OURS / "Transfer.java", client)
