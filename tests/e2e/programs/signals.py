"""Print each signal that comes; end with status 7 at SIGTERM. A line on stdin is echoed.

usage: signals.py
"""

from __future__ import annotations

import os
import signal
import sys


def report(number: int, _frame: object) -> None:
    """Print the signal's name."""
    os.write(1, f"got {signal.Signals(number).name}\n".encode())
    if number == signal.SIGTERM:
        os._exit(7)


for number in (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTERM,
    signal.SIGWINCH,
):
    signal.signal(number, report)
print("ready", os.getpid(), os.getppid(), flush=True)
for line in sys.stdin:
    print("line", line.strip(), flush=True)
signal.pause()
