"""Connect without blocking to a listener of this program's own; print how often that was not over at once.

usage: at_once.py TIMES
"""

from __future__ import annotations

import errno
import select
import socket
import sys

listener = socket.create_server(("127.0.0.1", 0))
late = 0
for _ in range(int(sys.argv[1])):
    with socket.socket() as client, select.epoll() as waiter:
        client.setblocking(False)
        assert client.connect_ex(listener.getsockname()) == errno.EINPROGRESS
        own = client.getsockname()
        server, peer = listener.accept()
        with server:
            waiter.register(client, select.EPOLLOUT)
            waiter.register(server, select.EPOLLOUT)
            late += len(waiter.poll(1)) != 2 or own != peer
print(late)
