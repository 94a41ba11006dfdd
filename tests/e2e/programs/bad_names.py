"""Ask for names that cannot be, then for one that can.

usage: bad_names.py NAME
"""

from __future__ import annotations

import socket
import sys

NAMES = [
    "n" * 256,
    ".".join(["n" * 63] * 4),
    "n" * 64 + ".test",
    "two..dots.test",
    ".test",
    "n" * 5000,
    "sp ace.test",
]
for name in NAMES:
    for ask in (socket.gethostbyname, lambda it: socket.getaddrinfo(it, 80), socket.gethostbyname_ex):
        try:
            print("found", ask(name))
        except (OSError, UnicodeError):
            print("refused")
print(socket.gethostbyname(sys.argv[1]) != "")
