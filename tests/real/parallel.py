"""Transfers that curl makes all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.kit.origins import PAYLOAD_DIGEST, digest

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.kit.clients import Stage, Words

__all__ = ["Transfers"]


@dataclass(frozen=True, slots=True)
class Transfers:
    """So many downloads and as many uploads, by way of files in `scratch`."""

    count: int
    scratch: Path

    def words(self, stage: Stage, url: str) -> Words:
        """Return curl's arguments for them; its first -T is for the first URL, and so on."""
        downs = [("-o", self.scratch / f"down{n}", f"{url}/bytes") for n in range(self.count)]
        ups = [
            ("-T", stage.upload, "-o", self.scratch / f"up{n}", f"{url}/digest") for n in range(self.count)
        ]
        return [word for transfer in (*ups, *downs) for word in transfer]

    def check(self) -> None:
        """Find each content that was downloaded, and the digest of each that was uploaded, right."""
        for n in range(self.count):
            assert digest((self.scratch / f"down{n}").read_bytes()) == PAYLOAD_DIGEST
            assert (self.scratch / f"up{n}").read_text() == PAYLOAD_DIGEST
