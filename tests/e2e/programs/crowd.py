"""Connect from many threads of many processes and say how many connections came about.

usage: crowd.py HOST PORT PROCESSES THREADS TIMES
"""

from __future__ import annotations

import os
import socket
import sys
import threading

host, port = sys.argv[1], int(sys.argv[2])
processes, threads, times = map(int, sys.argv[3:])


def connect(failures: list[str]) -> None:
    """Connect, one time after the other."""
    for _ in range(times):
        try:
            with socket.create_connection((host, port)) as sock:
                sock.sendall(b"hello")
                sock.shutdown(socket.SHUT_WR)
                if sock.recv(5, socket.MSG_WAITALL) != b"hello":
                    failures.append("wrong echo")
        except OSError as exc:
            failures.append(str(exc))


def live() -> int:
    """Run the threads of one process; return how many connections failed."""
    failures: list[str] = []
    crowd = [threading.Thread(target=connect, args=(failures,)) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    for failure in set(failures):
        print(failure, file=sys.stderr)
    return len(failures)


children = []
for _ in range(processes):
    child = os.fork()
    if not child:
        os._exit(min(live(), 255))
    children.append(child)
failed = sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
print(processes * threads * times - failed, "connected")
