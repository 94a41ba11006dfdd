"""How many descriptors wrapped programs may make the helper hold."""

from __future__ import annotations

import os
import resource
from contextlib import ExitStack
from typing import NoReturn

import pytest

from proxywrap.events import Event
from proxywrap.helper.room import Room, raise_descriptor_limit


def test_some_stay_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of a small limit, whoever holds the others."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (90, 90))
    room = Room()
    with ExitStack() as held:
        while room.is_left():
            held.callback(os.close, os.dup(0))
        assert len(os.listdir("/proc/self/fd")) >= 60
        held.callback(os.close, os.dup(0))
    assert room.is_left()
    told: list[Event] = []
    room.tell(told.append)
    room.tell(told.append)
    (shortage,) = told
    assert "90 open files" in str(shortage)


def test_limits_that_may_not_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that forbids it has the usual one."""

    def refuse(*_: object) -> NoReturn:
        raise PermissionError

    monkeypatch.setattr(resource, "getrlimit", refuse)
    raise_descriptor_limit()
    assert Room().is_left()
