"""Close a connection, and ask over a second one what the server saw of the end of the first.

usage: farewell.py NAME PORT blocking|nonblocking

The server answers the second only when the FIN of the first has arrived, so a
descriptor that is kept open anywhere makes this wait for ever.
"""

from __future__ import annotations

import select
import socket
import sys

name, port, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
address = str(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][4][0]), port
first = socket.socket()
if how == "blocking":
    first.connect(address)
else:
    first.setblocking(False)
    first.connect_ex(address)
    select.select([], [first], [])
first.send(b"mark me\nlast words")
first.close()
with socket.create_connection(address) as second:
    second.sendall(b"gone me\n")
    print(bytes.fromhex(second.makefile().readline()).decode())
