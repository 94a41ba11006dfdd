"""What the helper's tests have in common: events, a context, and nothing left open."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from proxywrap.net.relay import _Pipe

from .asking import make_context, open_descriptors

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
    assert open_descriptors() == before


@pytest.fixture(autouse=True)
def pipes(no_leak: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001 - which comes last
    """Close those that are kept for the next relay."""
    spare: list[_Pipe] = []
    monkeypatch.setattr(_Pipe, "spare", spare)
    yield
    for pipe in spare:
        os.close(pipe.read_end)
        os.close(pipe.write_end)
