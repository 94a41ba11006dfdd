"""Events are values that hold no password."""

from __future__ import annotations

import errno
from dataclasses import FrozenInstanceError
from ipaddress import IPv4Address
from typing import get_args

import pytest

from proxywrap.address import Endpoint
from proxywrap.events import (
    Blocked,
    Connected,
    Event,
    Failed,
    Note,
    Outside,
    Reloaded,
    Resolved,
    Shortage,
    Skipped,
    Unresolved,
    Unverified,
)
from proxywrap.uri import parse_uri

HOP = parse_uri("socks5://bob:secret@h:1")

DESTINATION = Endpoint("example.org", 80)

EVENTS: list[Event] = [
    Resolved(1, "example.org", (IPv4Address("198.18.0.1"),), is_remote=True),
    Unresolved(1, "example.org", HOP, "password refused"),
    Connected(1, DESTINATION, (HOP, HOP), 0.5),
    Failed(1, DESTINATION, HOP, errno.EACCES, "password refused", is_chain_fault=True),
    Skipped(1, HOP, "cannot be connected to"),
    Unverified(1, HOP),
    Outside(1, "tmux", "/run/tmux-0/default", "start another"),
    Reloaded("a.conf", "a.conf:1: expected an option"),
    Blocked(1, "UDP to 192.0.2.1:443", "only TCP is carried"),
    Shortage("x"),
    Note("x"),
]


def test_every_kind_is_listed() -> None:
    """The table of this file has each member of the union."""
    assert {type(event) for event in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("event", EVENTS)
def test_event_is_a_value_without_credentials(event: Event) -> None:
    """Events can be compared, hashed and shown, and cannot be changed."""
    assert hash(event) == hash(event)
    assert "secret" not in repr(event)
    assert "bob" not in repr(event)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        event.pid = 2  # type: ignore[union-attr,misc]
