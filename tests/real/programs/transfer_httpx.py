"""Download and upload by httpx's blocking client; print the digest of each.

usage: transfer_httpx.py URL FILE
"""

from __future__ import annotations

import hashlib
import pathlib
import sys

import httpx

url, upload = sys.argv[1:]
with httpx.Client(timeout=30) as client:
    print(hashlib.sha256(client.get(f"{url}/bytes").content).hexdigest())
    print(client.put(f"{url}/digest", content=pathlib.Path(upload).read_bytes()).text)
