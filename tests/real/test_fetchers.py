"""curl, wget and aria2: the programs that people wrap first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import curl, wget
from e2e.kit.origins import LONG_DIGEST, PAYLOAD_DIGEST, digest

from .parallel import Transfers

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.kit.clients import Stage, Words

    from .secure import Secure

VERSIONS = {"--http1.1": "1.1", "--http2": "2.0"}
PARTS = 8
"""How many transfers are under way at once."""


def test_curl(stage: Stage, prefix: Words) -> None:
    """Download and upload, in the clear."""
    curl(stage, prefix)


@pytest.mark.parametrize("version", VERSIONS)
def test_curl_with_tls(stage: Stage, secure: Secure, prefix: Words, version: str) -> None:
    """Download and upload by each version of HTTP; the certificate is for the name."""
    words = [*prefix, "curl", "-sS", version, "--cacert", secure.authority]
    down = stage.world.run([*words, f"{secure.url}/bytes"])
    assert digest(down.stdout) == PAYLOAD_DIGEST
    up = stage.world.run([*words, "-T", stage.upload, f"{secure.url}/digest"])
    assert up.text == PAYLOAD_DIGEST
    assert stage.world.run([*words, f"{secure.url}/version"]).text == VERSIONS[version]


@pytest.mark.parametrize("version", VERSIONS)
def test_curl_in_parallel(
    stage: Stage,
    secure: Secure,
    prefix: Words,
    scratch: Path,
    version: str,
) -> None:
    """Downloads and uploads at once: over connections of their own, or as streams of one."""
    words = [*prefix, "curl", "-sS", version, "--cacert", secure.authority, "--parallel"]
    words += ["--parallel-immediate"] if version == "--http1.1" else []
    transfers = Transfers(PARTS, scratch)
    stage.world.run([*words, *transfers.words(stage, secure.url)])
    transfers.check()


def test_wget(stage: Stage, prefix: Words) -> None:
    """Download and post, in the clear."""
    wget(stage, prefix)


def test_wget_with_tls(stage: Stage, secure: Secure, prefix: Words) -> None:
    """Download and post; the certificate is for the name."""
    words = [*prefix, "wget", "-nv", f"--ca-certificate={secure.authority}", "-O", "-"]
    down = stage.world.run([*words, f"{secure.url}/bytes"])
    assert digest(down.stdout) == PAYLOAD_DIGEST
    up = stage.world.run([*words, f"--post-file={stage.upload}", f"{secure.url}/digest"])
    assert up.text == PAYLOAD_DIGEST


def test_aria2_in_pieces(stage: Stage, prefix: Words, scratch: Path) -> None:
    """Several connections fetch a part each; libc looks the name up."""
    before = stage.web.connections
    words = ["aria2c", "-q", "--no-conf", "--async-dns=false", "-k", "1M", "-x", PARTS, "-s", PARTS]
    stage.world.run([*prefix, *words, "-d", scratch, f"{stage.url}/long"])
    assert digest((scratch / "long").read_bytes()) == LONG_DIGEST
    assert stage.web.connections - before > PARTS // 2
