"""What may be said on the system bus, in each way of saying it.

Each message is sent to a listener in the bus's place, and what arrives there is told.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

BUS = "/run/dbus/system_bus_socket"


def message(destination: str, body: bytes = b"") -> bytes:
    """Return the part of a method call that matters, with the field for its destination."""
    name = destination.encode()
    return b"l\1\0\1" + b"\6\1s\0" + len(name).to_bytes(4, "little") + name + b"\0" + body


PLAIN = message("org.freedesktop.DBus", b"org.freedesktop.resolve1")
WAYS: dict[str, Callable[[socket.socket, bytes], int]] = {
    "send": lambda sock, data: sock.send(data),
    "sendmsg": lambda sock, data: sock.sendmsg([b"", data]),
    "write": lambda sock, data: os.write(sock.fileno(), data),
    "writev": lambda sock, data: os.writev(sock.fileno(), [data[:3], data[3:]]),
    "duplicate": lambda sock, data: sock.dup().send(data),
}

os.makedirs(os.path.dirname(BUS))
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(BUS)
    listener.listen()
    for way, send in WAYS.items():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(BUS)
            bus, _ = listener.accept()
            with bus:
                send(sock, PLAIN)
                for name in ("org.freedesktop.resolve1", "org.freedesktop.Avahi"):
                    try:
                        send(sock, message(name))
                    except OSError as exc:
                        print(way, name, errno.errorcode[exc.errno or 0])
                    else:
                        print(way, name, "sent")
                send(sock, PLAIN)
                print(way, bus.recv(1000) == 2 * PLAIN)
    # Beside the bus, under numbers that it had, the same bytes are anybody's.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        print(ours.send(message("org.freedesktop.resolve1")) == len(theirs.recv(1000)))
