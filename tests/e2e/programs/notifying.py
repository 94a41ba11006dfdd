"""A service that tells systemd how it is. usage: FIFO HOST PORT.

It connects to HOST before it is ready. SIGHUP has it write a line to FIFO when
the manager has heard of that; SIGUSR1 ends it with status 7.
"""

from __future__ import annotations

import array
import os
import signal
import socket
import sys

fifo, host, port = sys.argv[1:]


def notify(*lines: str) -> None:
    """Tell, and wait until that has been read (sd_notify_barrier(3))."""
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.send("\n".join(lines).encode())
        reading, writing = os.pipe()
        sock.sendmsg([b"BARRIER=1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [writing]))])
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)


HEEDED = {signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)
assert os.environ["WATCHDOG_PID"] == str(os.getpid())
watchdog_s = int(os.environ["WATCHDOG_USEC"]) / 1e6
socket.create_connection((host, int(port))).close()
notify("READY=1", f"MAINPID={os.getpid()}", "STATUS=ready")
while True:
    info = signal.sigtimedwait(HEEDED, watchdog_s / 4)
    if info is None:
        notify("WATCHDOG=1")
    elif info.si_signo == signal.SIGHUP:
        notify("STATUS=heard")
        with open(fifo, "w") as out:
            print("heard", file=out)
    else:
        sys.exit(7 if info.si_signo == signal.SIGUSR1 else 0)
