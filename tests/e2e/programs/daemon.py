"""Leave a daemon behind that fetches a page when it is told to, and end.

usage: daemon.py URL FIFO FILE stay|end

The daemon reads a line from FIFO, fetches URL and writes the body to FILE. Its
process id is printed; with `stay` the process that started it waits for ever.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import urllib.request

url, fifo, target, parting = sys.argv[1:]
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if (pid := os.fork()) != 0:
        os.write(writer, str(pid).encode())
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    pathlib.Path(fifo).read_text()
    with urllib.request.urlopen(url) as response:
        pathlib.Path(target).write_bytes(response.read())
    os._exit(0)
os.wait()
print(os.read(reader, 100).decode(), os.getppid(), flush=True)
if parting == "stay":
    signal.pause()
