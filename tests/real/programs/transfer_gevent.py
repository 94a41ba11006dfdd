"""Download and upload by urllib on greenlets, both at once; print the digest of each.

usage: transfer_gevent.py URL FILE
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import hashlib  # noqa: E402  the sockets are to be patched before anybody sees them
import pathlib  # noqa: E402
import sys  # noqa: E402
import urllib.request  # noqa: E402

import gevent  # noqa: E402


def ask(request: str | urllib.request.Request) -> bytes:
    """Return the body of the answer to one request."""
    with urllib.request.urlopen(request) as response:
        return bytes(response.read())


url, upload = sys.argv[1:]
put = urllib.request.Request(f"{url}/digest", data=pathlib.Path(upload).read_bytes(), method="PUT")
jobs = [gevent.spawn(ask, f"{url}/bytes"), gevent.spawn(ask, put)]
gevent.joinall(jobs, raise_error=True)
print(hashlib.sha256(jobs[0].value).hexdigest())
print(jobs[1].value.decode())
