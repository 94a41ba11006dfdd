"""Send one datagram and end.

usage: one_datagram.py ADDRESS PORT
"""

from __future__ import annotations

import socket
import sys

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.sendto(b"one", (sys.argv[1], int(sys.argv[2])))
