"""Print each signal that comes; end with status 7 at SIGTERM. A line on stdin is echoed.

usage: signals.py
"""

from __future__ import annotations

import os
import select
import signal


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
# A signal that comes just before a system call does not interrupt it, and the handler would wait for its end.
woken, wake = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(wake)
print("ready", os.getpid(), os.getppid(), flush=True)
sources = [0, woken]
while True:
    for source in select.select(sources, [], [])[0]:
        data = os.read(source, 1024)
        if source == 0 and data:
            print("line", data.decode().strip(), flush=True)
        elif source == 0:
            sources.remove(0)
