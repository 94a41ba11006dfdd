"""busybox: the small system in one program."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from e2e.kit.clients import NAME
from e2e.kit.origins import PAYLOAD, PAYLOAD_DIGEST, digest

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.kit.clients import Stage, Words


def test_busybox_wget(stage: Stage, prefix: Words, scratch: Path) -> None:
    """Download, and post what holds no NUL, which would be its end."""
    text = base64.b64encode(PAYLOAD)
    (scratch / "text").write_bytes(text)
    words = [*prefix, "busybox", "wget", "-q", "-O", "-"]
    down = stage.world.run([*words, f"{stage.url}/bytes"])
    assert digest(down.stdout) == PAYLOAD_DIGEST
    up = stage.world.run([*words, f"--post-file={scratch}/text", f"{stage.url}/digest"])
    assert up.text == digest(text)


def test_busybox_nc(stage: Stage, prefix: Words) -> None:
    """Everything to the echo server and back, at once."""
    both = stage.world.run([*prefix, "busybox", "nc", NAME, stage.echo.port], stdin=PAYLOAD)
    assert digest(both.stdout) == PAYLOAD_DIGEST
