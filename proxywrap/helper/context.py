"""What all sessions of the control socket share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proxywrap.events import Event
from proxywrap.helper.router import Router

__all__ = ["Context"]


@dataclass(slots=True)
class Context:
    """What all sessions share.

    `report` takes events. `on_request` is called when somebody asks for something, before it is decided.
    """

    token: bytes
    router: Router
    report: Callable[[Event], None]
    on_request: Callable[[], None] = field(default=lambda: None)
