"""Print the first address of each name.

usage: resolve.py NAME...
"""

from __future__ import annotations

import socket
import sys

for name in sys.argv[1:]:
    print(socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)[0][4][0])
