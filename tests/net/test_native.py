"""What the kernel offers and Python does not."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from proxywrap.net.native import disconnect, judge_target, scrub_memory
from proxywrap.protocol.wire import Target

ORPHAN = """\
import os, signal, sys
from proxywrap.net.native import become_subreaper

become_subreaper()
if os.fork() == 0:
    if os.fork() == 0:
        signal.pause()
    os._exit(0)
os.wait()
grandchild = int(open("/proc/thread-self/children").read())
os.kill(grandchild, signal.SIGKILL)
assert os.wait() == (grandchild, signal.SIGKILL)
print("its parent")
"""


def test_disconnect() -> None:
    """A connected socket is a fresh one again, the peer hears of it, the descriptor stays."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as sock:
        for _ in range(2):
            sock.connect(listener.getsockname())
            peer, _address = listener.accept()
            disconnect(sock.fileno())
            with peer, pytest.raises(ConnectionResetError):
                peer.recv(1)
            with pytest.raises(OSError, match="not connected"):
                sock.getpeername()


def test_disconnect_what_is_no_socket() -> None:
    """The kernel's error is raised."""
    with open(os.devnull, "rb") as file, pytest.raises(OSError, match="non-socket"):
        disconnect(file.fileno())


def test_become_subreaper() -> None:
    """Orphaned descendants become our children."""
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("its parent\n", "")


def test_scrub_memory() -> None:
    """Every place of the secret within the range, and nothing else."""
    text = b"secret -x user:secret@host\0secre\0secret"
    buffer = ctypes.create_string_buffer(text, len(text))
    start = ctypes.addressof(buffer)
    assert scrub_memory(start, start + len(text) - 1, b"secret") == 2
    assert buffer.raw == b"****** -x user:******@host\0secre\0secret"


@pytest.mark.parametrize("range_bytes", [0, 3])
def test_scrub_memory_of_a_range_too_small(range_bytes: int) -> None:
    """There is nothing to find in it."""
    buffer = ctypes.create_string_buffer(b"secret")
    start = ctypes.addressof(buffer)
    assert scrub_memory(start, start + range_bytes, b"secret") == 0
    assert buffer.value == b"secret"


def judge(path: str) -> tuple[Target, bytes]:
    """Judge a program that is given no arguments and no environment."""
    return judge_target(path, [path], {})


def test_judge_target(tmp_path: Path) -> None:
    """A program, a script, what is neither, what is not there, what gives the rights of another."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    script, text, privileged = tmp_path / "script", tmp_path / "text", tmp_path / "privileged"
    script.write_text("#!/bin/sh\n")
    text.write_text("echo\n")
    shutil.copy(sleep, privileged)
    for path, mode in ((script, 0o755), (text, 0o755), (privileged, 0o2755)):
        path.chmod(mode)
    os.chown(privileged, -1, 1)
    privileged.chmod(0o2755)
    assert judge(sleep) == (Target.OK, b"")
    assert judge(str(script)) == (Target.OK, b"")
    assert judge(str(text)) == (Target.FORMAT, b"")
    assert judge(str(tmp_path / "nothing")) == (Target.OK, b"")
    assert judge(str(privileged)) == (Target.SECURE, b"")
