"""Listen in the helper's place, as another user, and tell what comes.

usage: impostor.py UID TOKEN PLACE...

A PLACE is a path, whose directory is made, or @NAME, an abstract one. Says
`ready`, then a line for each connection: `nothing`, or what was sent there:
the operation, the name, whether the token is in it, how many descriptors.
"""

from __future__ import annotations

import array
import os
import selectors
import socket
import struct
import sys

REQUEST = struct.Struct("=IHH16s24sIi256s")


def listen(place: str) -> socket.socket:
    """Bind it, with room for everybody."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if place.startswith("@"):
        sock.bind("\0" + place[1:])
    else:
        os.umask(0)
        os.mkdir(os.path.dirname(place))
        sock.bind(place)
    sock.listen()
    return sock


def told(connection: socket.socket, token: bytes) -> str:
    """Return what a connection tells us, and hang up."""
    with connection:
        data, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(64))
    if not data:
        return "nothing"
    fds = array.array("i")
    for _level, _kind, part in control:
        fds.frombytes(part)
    _version, op, _detail, _token, _addr, name_bytes, _number, name = REQUEST.unpack(data[: REQUEST.size])
    return f"op={op} name={name[:name_bytes].decode()} token={token in data} descriptors={len(fds)}"


def main() -> None:
    """Serve until stdin ends."""
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
    with selectors.DefaultSelector() as selector:
        for place in sys.argv[3:]:
            selector.register(listen(place), selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _events in selector.select():
                if key.fileobj is sys.stdin:
                    return
                assert isinstance(key.fileobj, socket.socket)
                connection, _ = key.fileobj.accept()
                print(told(connection, bytes.fromhex(sys.argv[2])), flush=True)


if __name__ == "__main__":
    main()
