"""Download and upload by requests; print the digest of each.

usage: transfer_requests.py URL FILE
"""

from __future__ import annotations

import hashlib
import pathlib
import sys

import requests

url, upload = sys.argv[1:]
with requests.Session() as session:
    print(hashlib.sha256(session.get(f"{url}/bytes", timeout=30).content).hexdigest())
    print(session.put(f"{url}/digest", data=pathlib.Path(upload).read_bytes(), timeout=30).text)
