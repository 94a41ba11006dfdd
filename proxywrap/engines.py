"""How a program is made to talk through the proxies: by the shim, by a seccomp filter, or both."""

from __future__ import annotations

from enum import StrEnum

from proxywrap.protocol.wire import Target

__all__ = ["Engine", "runs_filtered"]


class Engine(StrEnum):
    """What `--engine` takes."""

    AUTO = "auto"
    """The shim, and a filter for what it cannot be loaded into."""

    PRELOAD = "preload"
    """The shim, and nothing that it cannot be loaded into."""

    SECCOMP = "seccomp"
    """A filter, and no shim at all."""

    BOTH = "both"
    """The shim, and a filter over everything, for what goes past the C library."""

    @property
    def has_shim(self) -> bool:
        """Whether the shim is loaded where it can be."""
        return self is not Engine.SECCOMP

    @property
    def filters_all(self) -> bool:
        """Whether COMMAND is under the filter, and so everything that it starts."""
        return self in {Engine.SECCOMP, Engine.BOTH}


_UNFIT = frozenset({Target.OK, Target.SECURE, Target.FOREIGN, Target.FORMAT})
"""A filter takes privileges away, and has no system calls of another architecture."""


def runs_filtered(engine: Engine, target: Target) -> bool:
    """Tell whether a program that the shim cannot be loaded into is to run under a filter."""
    return engine is not Engine.PRELOAD and target not in _UNFIT
