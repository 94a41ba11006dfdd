"""What all sessions of the control socket share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from proxywrap.events import Event
from proxywrap.helper.router import Router

if TYPE_CHECKING:
    import asyncio  # which comes after the first requests

__all__ = ["Context", "Spawn"]

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
"""Runs a coroutine in the helper's group of tasks."""


@dataclass(eq=False, repr=False)
class Context:
    """What all sessions share.

    `report` takes events. `on_request` is called when somebody asks for something, before it is decided.
    """

    token: bytes
    router: Router
    report: Callable[[Event], None]
    on_request: Callable[[], None] = field(default=lambda: None)

    def has_token(self, token: bytes) -> bool:
        """Tell whether a token is ours, in a time that says nothing about it.

        hmac.compare_digest would be it, but brings libcrypto: 4 ms that the first request waits for.
        """
        return int.from_bytes(token, "big") ^ int.from_bytes(self.token, "big") == 0
