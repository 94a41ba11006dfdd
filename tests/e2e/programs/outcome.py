"""Connect, blocking and then non-blocking, and print how each ended.

usage: outcome.py HOST PORT [TIMES]
"""

from __future__ import annotations

import errno
import select
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
times = int(sys.argv[3]) if sys.argv[3:] else 1


def name(code: int) -> str:
    """Return the symbol of an error number."""
    return errno.errorcode[code] if code else "connected"


address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4]
for _ in range(times):
    with socket.socket() as sock:
        print("blocking", name(sock.connect_ex(address)))
    with socket.socket() as sock:
        sock.setblocking(False)
        first = name(sock.connect_ex(address))
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        poll.poll()
        print("nonblocking", first, name(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))
