"""Connect COUNT times, one after the other, and say after each what came of it and how long it took.

usage: connects.py HOST PORT COUNT

Waits for a line on stdin before each but the first, unless stdin is at its end.
"""

from __future__ import annotations

import errno
import socket
import sys
import time

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for at in range(count):
    if at:
        sys.stdin.readline()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        print("unresolved", "0.000", flush=True)
        continue
    with socket.socket(found[0]) as sock:
        began = time.monotonic()
        code = sock.connect_ex(found[4])
        took = time.monotonic() - began
        if not code:
            sock.sendall(b"hello")
            sock.shutdown(socket.SHUT_WR)
            echoed = sock.recv(5, socket.MSG_WAITALL)
            code = 0 if echoed == b"hello" else errno.EBADMSG
    print(errno.errorcode[code] if code else "connected", f"{took:.3f}", flush=True)
