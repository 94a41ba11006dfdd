"""node: its clients of HTTP, and the ways in which it looks a name up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.kit.clients import PROGRAMS, script

from .ours import OURS

if TYPE_CHECKING:
    from e2e.kit.clients import Stage, Words


def test_http(stage: Stage, prefix: Words) -> None:
    """Download and upload at once."""
    script(stage, prefix, "node", OURS / "transfer_http.mjs")


def test_fetch(stage: Stage, prefix: Words) -> None:
    """Download, then upload."""
    script(stage, prefix, "node", PROGRAMS / "transfer.mjs")


def test_dns_lookup(stage: Stage, prefix: Words) -> None:
    """The address that getaddrinfo() gave leads to the name."""
    script(stage, prefix, "node", OURS / "transfer_http.mjs", "lookup")
