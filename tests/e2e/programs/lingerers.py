"""Have the helper close what blocks, as another user who knows no token.

usage: lingerers.py UID NAME COUNT SECONDS

Passes COUNT sockets to the abstract name NAME, each with a time to linger and
bytes that nobody reads, and holds none of them itself. Says `passed`, and ends
with stdin.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from contextlib import suppress


def lingering(listener: socket.socket, seconds: int) -> tuple[socket.socket, socket.socket]:
    """Return a socket with more to send than its peer takes, and the peer."""
    sock = socket.socket()
    sock.connect(listener.getsockname())
    peer, _ = listener.accept()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))
    sock.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            sock.send(bytes(1 << 16))
    return sock, peer


def main() -> None:
    """Pass them."""
    uid, name, count, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.setgid(uid)
    os.setuid(uid)
    peers = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for _ in range(count):
            sock, peer = lingering(listener, seconds)
            peers.append(peer)
            with sock, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
                control.connect("\0" + name)
                socket.send_fds(control, [b"x"], [sock.fileno()])
        print("passed", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
