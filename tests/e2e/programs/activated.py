"""A service started by its socket: what it is sent goes to NAME and comes back. usage: NAME PORT."""

from __future__ import annotations

import os
import socket
import sys

assert os.environ["LISTEN_PID"] == str(os.getpid())
assert os.environ["LISTEN_FDS"] == "1"
listener = socket.socket(fileno=3)
caller, _ = listener.accept()
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as upstream:
    upstream.sendall(caller.recv(100))
    caller.sendall(upstream.recv(100))
caller.close()
