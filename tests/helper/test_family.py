"""The helper's descendants, reaped by a signal handler that may come in the middle of itself."""

from __future__ import annotations

import subprocess
import sys

INTERRUPTED = """
import os, socket
from proxywrap.helper.family import MESSAGE, Family, Message

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
pid = os.fork()
if pid == 0:
    os._exit(3)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
family, seen, waitpid = Family(ours, pid), [], os.waitpid

def interrupted(which, options):
    try:
        return waitpid(which, options)
    finally:
        family.reap()
        seen.append(family.is_gone)

os.waitpid = interrupted
family.reap()
theirs.setblocking(False)
print(seen, family.is_gone, MESSAGE.unpack(theirs.recv(64)) == (Message.LAST_ENDED, 3 << 8))
"""


def test_a_signal_in_the_middle_of_reaping() -> None:
    """Whatever the moment, nobody sees that all are gone before the launcher was told how COMMAND ended."""
    # A process of its own, for all children are reaped.
    said = subprocess.run([sys.executable, "-c", INTERRUPTED], check=True, capture_output=True, text=True)
    assert said.stdout == "[False, False] True True\n"
