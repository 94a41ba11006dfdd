"""What the helper's tests have in common: events, a context, and nothing left open."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from proxywrap.net.relay import _Pipe

from .asking import DEADLINE_S, make_context, open_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxywrap.events import Event
    from proxywrap.helper.context import Context


@pytest.fixture
def events() -> list[Event]:
    """Collect what is reported."""
    return []


@pytest.fixture
def context(events: list[Event]) -> Context:
    """Return what sessions share; everything but loopback goes to a proxy that is not there."""
    return make_context(events.append, ["socks5://127.0.0.1:9"])


@pytest.fixture(autouse=True)
def no_leak() -> Iterator[None]:
    """Whatever a test does, every descriptor is closed after it."""
    before = open_descriptors()
    yield
    assert _settled(before) == before


def _settled(wanted: int) -> int:
    """Return how many descriptors there are, once what is closed by another thread is."""
    end = time.monotonic() + DEADLINE_S
    while open_descriptors() != wanted and time.monotonic() < end:
        time.sleep(0.001)
    return open_descriptors()


@pytest.fixture(autouse=True)
def pipes(no_leak: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001 - which comes last
    """Close those that are kept for the next relay."""
    spare: list[_Pipe] = []
    monkeypatch.setattr(_Pipe, "spare", spare)
    yield
    for pipe in spare:
        os.close(pipe.read_end)
        os.close(pipe.write_end)
