"""The own addresses of datagram sockets that are connected to name servers."""

from __future__ import annotations

import socket

PLACES = [
    (socket.AF_INET, "203.0.113.53"),
    (socket.AF_INET6, "2001:db8:5::53"),
    (socket.AF_INET6, "::ffff:203.0.113.53"),
    (socket.AF_INET, "127.0.0.53"),
]

for family, server in PLACES:
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        print(sock.getsockname())
        sock.bind(("", 0))
        port = sock.getsockname()[1]
        sock.connect((server, 53))
        host, same, *more = sock.getsockname()
        print(host, same == port, more, sock.getpeername())
with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    with socket.create_connection(listener.getsockname()) as sock:
        print(sock.getsockname()[0], sock.getpeername()[0])
