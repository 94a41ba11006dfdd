"""Kill the helper, then connect to what it had an address for.

usage: orphan.py NAME PORT
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import sys

address = str(socket.getaddrinfo(sys.argv[1], None)[0][4][0]), int(sys.argv[2])
helper = os.getppid()
ended = os.pidfd_open(helper)
os.kill(helper, signal.SIGKILL)
select.select([ended], [], [])
with socket.socket() as sock:
    print("blocking", errno.errorcode[sock.connect_ex(address)])
with socket.socket() as sock:
    sock.setblocking(False)
    outcome = sock.connect_ex(address)
    if outcome == errno.EINPROGRESS:
        select.select([], [sock], [])
        outcome = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    print("nonblocking", errno.errorcode[outcome])
