"""The command-line clients of real database servers; the servers count what came."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import NAME
from e2e.kit.origins import PAYLOAD, PAYLOAD_DIGEST

from .databases import postgresql, redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.kit.clients import Stage, Words
    from e2e.kit.world import World

SCRIPT = """\
\\set ON_ERROR_STOP on
CREATE TEMPORARY TABLE payload (number serial, line text);
\\copy payload (line) FROM '{upload}'
SELECT encode(sha256(decode(string_agg(line, '' ORDER BY number), 'base64')), 'hex') FROM payload;
\\copy (SELECT line FROM payload ORDER BY number) TO '{download}'
"""
"""Up, what the server makes of it, and down."""


@pytest.fixture
def postgresql_port(world: World) -> Iterator[int]:
    """Run the server for a test."""
    with postgresql(world) as port:
        yield port


@pytest.fixture
def redis_port(world: World) -> Iterator[int]:
    """Run the server for a test."""
    with redis(world) as port:
        yield port


def test_psql(world: World, postgresql_port: int, prefix: Words, scratch: Path) -> None:
    """A table is copied to the server, summed up there, and copied back."""
    upload, download = scratch / "upload", scratch / "download"
    upload.write_bytes(base64.encodebytes(PAYLOAD))
    script = SCRIPT.format(upload=upload, download=download)
    psql = ["psql", "-X", "-q", "-t", "-A", "-h", NAME, "-p", postgresql_port, "-U", "postgres"]
    assert world.run([*prefix, *psql], stdin=script.encode()).text == PAYLOAD_DIGEST
    assert base64.decodebytes(download.read_bytes()) == PAYLOAD


def test_redis_cli(stage: Stage, redis_port: int, prefix: Words) -> None:
    """A value is set, summed up by the server, and got back."""
    words = [*prefix, "redis-cli", "-h", NAME, "-p", redis_port]
    assert stage.world.run([*words, "-x", "SET", "payload"], stdin=PAYLOAD).text == "OK"
    summed = stage.world.run(
        [*words, "EVAL", "return redis.sha1hex(redis.call('GET', KEYS[1]))", 1, "payload"]
    )
    assert summed.text == hashlib.sha1(PAYLOAD).hexdigest()
    assert stage.world.run([*words, "GET", "payload"]).stdout == PAYLOAD + b"\n"
