"""Print the control socket's description, then fetch a page for each line on stdin.

usage: on_demand.py URL
"""

from __future__ import annotations

import os
import sys
import urllib.request

print(os.environ["PROXYWRAP_CHANNEL"], os.getppid(), flush=True)
for _ in sys.stdin:
    with urllib.request.urlopen(sys.argv[1]) as response:
        print(response.read().decode().strip(), flush=True)
