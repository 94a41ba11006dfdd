"""Where both commands begin: SIGINT ends them silently while they import what they need.

Python's own handler would print a traceback of whatever is being imported.
"""

from __future__ import annotations

import signal

_HAS_HANDLER = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # it is not ignored
if _HAS_HANDLER:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

__all__ = ["main", "main_ctl"]


def main() -> int:
    """Run `proxywrap`, for which SIGINT is COMMAND's as soon as there is anything to tidy up."""
    from proxywrap.cli import main as run

    return run()


def main_ctl() -> int:
    """Run `proxywrapctl`, with Python's handler once everything is imported."""
    from proxywrap.ctl import main as run

    if _HAS_HANDLER:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()
