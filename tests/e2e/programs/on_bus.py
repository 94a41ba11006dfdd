"""What may be said on the system bus, in each way of saying it.

Each message is sent to a listener in the bus's place, and what arrives there is told.
"""

from __future__ import annotations

import ctypes
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
    "pwritev2": lambda sock, data: os.pwritev(sock.fileno(), [data[:3], data[3:]], -1),
    "writev": lambda sock, data: os.writev(sock.fileno(), [data[:3], data[3:]]),
    "duplicate": lambda sock, data: sock.dup().send(data),
}

libc = ctypes.CDLL(None, use_errno=True)
libc.fdopen.restype = ctypes.c_void_p


def told(result: int | None) -> str:
    """Return what a function of libc has come to."""
    return errno.errorcode[ctypes.get_errno()] if result in {None, -1} else "done"


def moved(function: Callable[..., int], *args: int | None) -> str:
    """Return what a function of Python's has come to."""
    try:
        function(*args)
    except OSError as exc:
        return errno.errorcode[exc.errno or 0]
    return "done"


def piped() -> int:
    """Return the end of a pipe that has a message to a resolver in it."""
    reading, writing = os.pipe()
    os.write(writing, message("org.freedesktop.resolve1"))
    return reading


def filed() -> int:
    """Return a file that has one."""
    fd = os.memfd_create("message")
    os.write(fd, message("org.freedesktop.resolve1"))
    return fd


HIDDEN: dict[str, Callable[[int], str]] = {
    "sendfile": lambda fd: moved(os.sendfile, fd, filed(), 0, 100),
    "splice": lambda fd: moved(os.splice, piped(), fd, 100),
    "fdopen w": lambda fd: told(libc.fdopen(fd, b"w")),
    "fdopen r+": lambda fd: told(libc.fdopen(fd, b"r+")),
    "fdopen r": lambda fd: told(libc.fdopen(fd, b"r")),
    "dprintf": lambda fd: told(libc.dprintf(fd, b"hello")),
}
"""Ways of saying something that nobody can look at."""


def connected(path: str) -> socket.socket:
    """Return a socket that is connected to a path."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    return sock


def elsewhere(path: str, key: str) -> None:
    """Have the bus at another place, of which the program tells itself, and ask there."""
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:{key}={path.lstrip(chr(0))}"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen()
        with connected(path) as sock:
            print(key, moved(lambda: sock.send(message("org.freedesktop.resolve1"))))


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
    for hidden, move in HIDDEN.items():
        with connected(BUS) as sock, listener.accept()[0] as bus:
            print(hidden, move(sock.fileno()))
            sock.shutdown(socket.SHUT_WR)
            print(hidden, bus.recv(1000))
    elsewhere("/run/another_socket", "path")
    elsewhere("\0another", "abstract")
    # Beside the bus, under numbers that it had, the same bytes are anybody's.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        print(ours.send(message("org.freedesktop.resolve1")) == len(theirs.recv(1000)))
