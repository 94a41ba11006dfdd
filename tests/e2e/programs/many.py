"""Connect to many places at the same time and say what came of each.

usage: many.py THREADS PLACE…, each HOST:PORT

`hung up` is a connection that stood and ended before anything was echoed.
"""

from __future__ import annotations

import errno
import socket
import sys
from concurrent.futures import ThreadPoolExecutor


def outcome(place: str) -> str:
    """Return what comes of a connection."""
    host, _, port = place.rpartition(":")
    try:
        address = socket.getaddrinfo(host, int(port), socket.AF_INET, socket.SOCK_STREAM)[0][4]
        with socket.socket() as sock:
            sock.connect(address)
            sock.sendall(b"hello")
            return "connected" if sock.recv(5, socket.MSG_WAITALL) == b"hello" else "hung up"
    except ConnectionResetError:
        return "hung up"
    except OSError as exc:
        return errno.errorcode.get(exc.errno or 0, str(exc))


threads, places = int(sys.argv[1]), sys.argv[2:]
with ThreadPoolExecutor(threads) as pool:
    for place, result in zip(places, pool.map(outcome, places), strict=True):
        print(place, result, sep="\t")
