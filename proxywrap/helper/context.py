"""What all sessions of the control socket share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proxywrap.events import Event
from proxywrap.helper.router import Router

__all__ = ["Context"]


@dataclass(slots=True)
class Context:
    """What all sessions share; `report` takes events."""

    token: bytes
    router: Router
    report: Callable[[Event], None]
