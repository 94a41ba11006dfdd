"""The configuration read anew: by SIGHUP, by `proxywrapctl reload`, or because the file has changed.

A change is looked for when a request comes, once in a second at most. What was
written a moment ago may be half of a file, and half of the rules would send
connections where they must not go: it counts when it has not changed for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from proxywrap.config import Config
from proxywrap.errors import ConfigError
from proxywrap.events import Event, Reloaded
from proxywrap.origin import Stamp
from proxywrap.reading import current_stamp, reload_config

__all__ = ["Reloader"]

LOOK_S = 1.0
"""How long a look at the file counts, and how long it must have been as it is."""


class Reloader:
    """Keeps a configuration in step with its file.

    Args:
        config: what is in effect.
        adopt: puts another one into effect; never raises.
        report: is told of each time.
        clock: seconds since any moment.

    """

    def __init__(
        self,
        config: Config,
        adopt: Callable[[Config], None],
        report: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._adopt = adopt
        self._report = report
        self._clock = clock
        self._looked_s = clock()
        self._seen = config.stamp
        """The file as it was at the last look."""
        self._judged = config.stamp
        """The file as it was when it was last read, whether or not it could be used."""

    def look(self) -> None:
        """Read the file anew if it has changed; costs nothing but the time of day most times."""
        if self._config.stamp is None:
            return
        now_s = self._clock()
        if now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        stamp = current_stamp(self._config.stamp.path)
        if stamp in {None, self._judged}:  # whoever replaces it may be in the middle of that
            self._seen = stamp
            return
        is_settled = stamp == self._seen or _age_s(stamp) >= LOOK_S
        self._seen = stamp
        if is_settled:
            self.reload()

    def reload(self) -> str | None:
        """Read the file anew; return why what it says cannot be used, None where it is in effect now."""
        if self._config.stamp is not None:
            self._judged = current_stamp(self._config.stamp.path)
        try:
            new = reload_config(self._config)
        except ConfigError as exc:
            self._report(Reloaded(self._config.source, str(exc)))
            return str(exc)
        self._adopt(new)
        self._config = new
        self._judged = new.stamp
        self._report(Reloaded(new.source, None, new.warnings))
        return None

    @property
    def has_file(self) -> bool:
        """Whether the configuration is in a file that can be read anew."""
        return self._config.stamp is not None

    @property
    def source(self) -> str:
        """Where the configuration was found."""
        return self._config.source


def _age_s(stamp: Stamp | None) -> float:
    """Return how long ago a file was changed, by the clock on the wall, which may have been set."""
    return 0.0 if stamp is None else time.time() - max(stamp.modified_ns, stamp.changed_ns) / 1e9
