"""The helper's descendants, reaped by a signal handler that may come in the middle of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


OURS = """
import os, socket, sys
from proxywrap.helper import family as module
from proxywrap.helper.family import MESSAGE, Family, Message

def child():
    release, hold = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(hold)
        os.read(release, 1)
        os._exit(3)
    os.close(release)
    return pid, hold

def end(process):
    os.close(process[1])
    os.waitid(os.P_PID, process[0], os.WEXITED | os.WNOWAIT)

if sys.argv[1] == "by-parent":
    module._children = module.all_children
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
theirs.setblocking(False)
helpful, daemon, command = child(), child(), child()
family = Family(ours, command[0])
family.is_ours = lambda pid: pid == helpful[0]
end(command)
family.reap()
print(family.is_gone, MESSAGE.unpack(theirs.recv(64)) == (Message.ENDED, 3 << 8))
end(daemon)
family.reap()
print(family.is_gone)
os.close(helpful[1])
os.waitpid(helpful[0], 0)
"""


@pytest.mark.parametrize("how", ["children", "by-parent"])
def test_who_works_for_us_is_not_waited_for(how: str) -> None:
    """The last one is COMMAND's last descendant, whether the kernel lists children or not."""
    argv = [sys.executable, "-c", OURS, how]
    said = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert said.stdout == "False True\nTrue\n"
