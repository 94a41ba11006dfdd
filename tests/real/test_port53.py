"""Programs that ask name servers by themselves: what they ask is answered by the helper."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from e2e.kit.clients import script
from e2e.kit.origins import LONG_DIGEST, digest

from .ours import OURS

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.kit.clients import Stage, Words


def test_node_dns_resolve(stage: Stage, asking: Words) -> None:
    """The address that node's c-ares was given leads to the name."""
    script(stage, asking, "node", OURS / "transfer_http.mjs", "resolve4")


def test_aria2(stage: Stage, asking: Words, scratch: Path) -> None:
    """Debian builds it with c-ares, and that is what it uses unless it is told not to."""
    stage.world.run(
        [*asking, "aria2c", "-q", "--no-conf", "-x4", "-s4", "-k1M", "-d", scratch, f"{stage.url}/long"]
    )
    assert digest((scratch / "long").read_bytes()) == LONG_DIGEST


def test_gevent_with_c_ares(stage: Stage, asking: Words) -> None:
    """Gevent's other resolver, which is c-ares on its own loop."""
    script(stage, ["env", "GEVENT_RESOLVER=ares", *asking], sys.executable, OURS / "transfer_gevent.py")


def test_aiohttp_with_c_ares(stage: Stage, asking: Words) -> None:
    """Aiohttp resolves by aiodns where that is installed."""
    script(stage, asking, sys.executable, OURS / "transfer_aiohttp.py", "c-ares")
