"""Send from a port, close the socket, bind the next one to the same port; print how often it was busy.

usage: rebind.py ROUNDS
"""

from __future__ import annotations

import errno
import socket
import sys


def _bound(place: tuple[str, int]) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind(place)
    except OSError:
        sock.close()
        raise
    return sock


def main() -> None:
    """Take the number of rounds."""
    sink = _bound(("127.0.0.1", 0))
    with _bound(("127.0.0.1", 0)) as first:
        place = first.getsockname()
    busy = 0
    for _ in range(int(sys.argv[1])):
        try:
            sock = _bound(place)
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                raise
            busy += 1
            continue
        with sock:
            sock.sendto(b"x", sink.getsockname())
    print(busy)


main()
