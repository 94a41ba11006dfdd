"""How many descriptors wrapped programs may make the helper hold: some stay free for its own work.

A new descriptor has the lowest number that is free, so one at or above the
ceiling says that all below are in use. Who comes then waits until there is
room, or fails under a filter, where nobody can wait without all others; event
loop, imports and ways go on with the rest.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from contextlib import suppress

from proxywrap.events import Event, Shortage

__all__ = ["Room", "raise_descriptor_limit"]

_RESERVE = 64
_DEFAULT_LIMIT = 1024


class Room:
    """The ceiling, as the limit of descriptors is now."""

    def __init__(self) -> None:
        self._has_told = False
        self._limit = _DEFAULT_LIMIT
        with suppress(OSError):  # a service that may not ask for its limits
            self._limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._ceiling = self._limit - min(_RESERVE, self._limit // 3)

    def is_left(self) -> bool:
        """Tell whether there is room for another connection and what comes with it."""
        try:
            probe = os.dup(0)
        except OSError:
            return False
        os.close(probe)
        return self._limit == resource.RLIM_INFINITY or probe < self._ceiling

    def tell(self, report: Callable[[Event], None]) -> None:
        """Tell that there is none, once."""
        if not self._has_told:
            self._has_told = True
            report(
                Shortage(
                    f"the helper has no room for more connections: with {self._limit} open files allowed, "
                    "some wait or fail until others have ended; raise the limit (ulimit -n)"
                )
            )


def raise_descriptor_limit() -> None:
    """Let this process have as many descriptors as it may."""
    with suppress(OSError, ValueError):  # a service that may not set limits has to do with what it has
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
