"""What a program has sent through a proxy that stops reading: the launcher ends with COMMAND all the same."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from launching import DEADLINE_S, PROXYWRAP, clean_runtime, deserted, state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEND = """\
import os, socket, sys
with open(sys.argv[1], "w") as out:
    print(os.getppid(), file=out)
sock = socket.create_connection(("site.test", 80), 20)
sock.settimeout(0.5)
try:
    while True:
        sock.send(bytes(1 << 16))
except TimeoutError:
    sys.exit(3)
"""
"""A COMMAND that sends until nobody takes any more, and ends; it leaves the helper's process id in a file."""

SHELL = """\
import os, signal, subprocess, sys
signal.signal(signal.SIGINT, lambda *_: None)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = subprocess.Popen(sys.argv[1:], process_group=0)
os.tcsetpgrp(0, job.pid)
status = job.wait()
os.tcsetpgrp(0, os.getpgid(0))
print("status", status, flush=True)
signal.pause()
"""
"""What a shell with job control does."""


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have the runtime directory in a place where nothing else is, and nothing is left."""
    for place in clean_runtime():
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
        yield place


@contextmanager
def _proxy(path: Path) -> Iterator[str]:
    """Run a SOCKS5 proxy on a Unix socket, which is relayed to; it never reads what it is to pass on."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        accepted: list[socket.socket] = []

        def serve() -> None:
            try:
                while True:
                    peer, _address = listener.accept()
                    accepted.append(peer)
                    peer.recv(3)
                    peer.sendall(b"\5\0")
                    peer.recv(100)
                    peer.sendall(b"\5\0\0\1\0\0\0\0\0\0")
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"socks5://unix:{path}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for peer in accepted:
                peer.close()


@pytest.mark.case("start-stuck-proxy")
@pytest.mark.parametrize("engine", ["preload", "seccomp"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_launcher_ends_with_the_command(tmp_path: Path, engine: str, number: int) -> None:
    """What is left is the helper's affair, which holds no pipe, until somebody ends it or the time is up."""
    told = tmp_path / "helper"
    with _proxy(tmp_path / "proxy") as url:
        argv = [PROXYWRAP, "-x", url, "--engine", engine, sys.executable, "-S", "-c", SEND, str(told)]
        done = subprocess.run(argv, capture_output=True, timeout=DEADLINE_S, check=False)
        ended_s = time.monotonic()
        helper = int(told.read_text())
        assert (done.returncode, done.stderr) == (3, b"")
        assert state(helper) in {"S", "R"}
        os.kill(helper, number)
        assert deserted([helper])
        assert time.monotonic() - ended_s < DEADLINE_S


@pytest.mark.case("start-stuck-proxy")
def test_a_second_key_ends_the_helper_too(tmp_path: Path) -> None:
    """Ctrl-C at the prompt of the shell to which the launcher has returned."""
    told = tmp_path / "helper"
    with _proxy(tmp_path / "proxy") as url:
        pid, terminal = pty.fork()
        if pid == 0:
            command = [PROXYWRAP, "-x", url, sys.executable, "-S", "-c", SEND, str(told)]
            os.execv(sys.executable, [sys.executable, "-S", "-c", SHELL, *command])
        shown = b""
        while b"status 3" not in shown:
            shown += os.read(terminal, 1000)
        helper = int(told.read_text())
        assert state(helper) in {"S", "R"}
        os.write(terminal, b"\x03")
        assert deserted([helper])
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
