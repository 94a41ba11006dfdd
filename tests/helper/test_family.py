"""The helper's descendants, reaped by a signal handler that may come in the middle of itself."""

from __future__ import annotations

import os
import socket

import pytest

from proxywrap.helper.family import MESSAGE, Family, Message


def test_a_signal_in_the_middle_of_reaping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the moment, nobody sees that all are gone before the launcher was told how COMMAND ended."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        family, seen = Family(ours, pid), []
        waitpid = os.waitpid

        def interrupted(which: int, options: int) -> tuple[int, int]:
            try:
                return waitpid(which, options)
            finally:
                family.reap()
                seen.append(family.is_gone)

        monkeypatch.setattr(os, "waitpid", interrupted)
        family.reap()
        assert family.is_gone
        assert True not in seen
        theirs.setblocking(False)
        assert MESSAGE.unpack(theirs.recv(64)) == (Message.LAST_ENDED, 3 << 8)
