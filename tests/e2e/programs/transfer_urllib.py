"""Download and upload by urllib; print the digest of each.

usage: transfer_urllib.py URL FILE
"""

from __future__ import annotations

import hashlib
import pathlib
import sys
import urllib.request

url, upload = sys.argv[1:]
with urllib.request.urlopen(f"{url}/bytes") as response:
    print(hashlib.sha256(response.read()).hexdigest())
request = urllib.request.Request(f"{url}/digest", data=pathlib.Path(upload).read_bytes(), method="PUT")
with urllib.request.urlopen(request) as response:
    print(response.read().decode())
