"""Notifications passed on: by whom, in whose name, and with what."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper.notices import Notices, open_notices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEND = (
    "import socket, sys; socket.socket(1, 2).sendto(sys.argv[2].encode(), sys.argv[1].replace('@', chr(0)))"
)


class Manager:
    """A service manager, and the helper's end of the launcher's channel."""

    def __init__(self, address: str) -> None:
        self.inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inbox.bind("\0" + address[1:] if address.startswith("@") else address)
        self.inbox.setblocking(False)
        found = open_notices({"NOTIFY_SOCKET": address})
        assert found is not None
        self.notices: Notices = found
        environ: dict[str, str] = {}
        self.notices.put_into(environ)
        self.path = environ["NOTIFY_SOCKET"]
        self.ours, self.helper = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.helper.setblocking(False)

    def say(self, text: str, *fds: int) -> None:
        """Say something as the process that this is."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(self.path.replace("@", "\0", 1))
            socket.send_fds(sock, [text.encode()], fds)

    def heard(self, command: int) -> tuple[list[str], list[str]]:
        """Return what the manager and the helper are told."""
        self.notices.pass_on(command, self.ours)
        return _read(self.inbox), _read(self.helper)


def _read(sock: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(sock.recv(1 << 16).decode())
        except BlockingIOError:
            return found


@pytest.fixture(params=["path", "abstract", "no-directory"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Manager]:
    """Run a manager with an address of either kind; or where no directory can be made."""
    path = f"{tmp_path}/notify"
    if request.param == "no-directory":
        monkeypatch.setattr("proxywrap.helper.notices.places", lambda: iter(["/proc"]))
    made = Manager("@" + path if request.param == "abstract" else path)
    yield made
    made.notices.close()
    assert not os.path.exists(os.path.dirname(made.path))
    for sock in (made.inbox, made.ours, made.helper):
        sock.close()


def test_the_command(manager: Manager) -> None:
    """Its words go on as they are, one that names another process too."""
    other = os.getppid()
    manager.say("READY=1\nSTATUS=up")
    manager.say(f"MAINPID={other}\nX=1")
    assert manager.heard(os.getpid()) == (["READY=1\nSTATUS=up", f"MAINPID={other}\nX=1"], [])


def test_a_process_id(manager: Manager) -> None:
    """COMMAND that names itself means the launcher; what tells more of that process is left out."""
    argv = [sys.executable, "-S", "-c", f"import os, sys; sys.argv[2] %= os.getpid(); {SEND}", manager.path]
    with subprocess.Popen([*argv, "READY=1\nMAINPID=%d\nMAINPIDFDID=3\nX=1"]) as command:
        command.wait()
        assert manager.heard(command.pid) == ([f"READY=1\nMAINPID={os.getpid()}\nX=1"], [])


def test_another_descendant(manager: Manager) -> None:
    """Its words are the helper's to pass on, in its own name, while it is there."""
    argv = [sys.executable, "-S", "-c", f"{SEND}; input()", manager.path, "READY=1"]
    with subprocess.Popen([*argv], stdin=subprocess.PIPE) as child:
        assert manager.notices.inbox.recv(100, socket.MSG_PEEK) == b"READY=1"
        assert manager.heard(1) == ([], ["READY=1"])
        child.communicate()


def test_a_stranger(manager: Manager) -> None:
    """Nobody hears who is no descendant of ours, and its descriptors are closed."""
    reading, writing = os.pipe()
    manager.say("READY=1", writing)
    os.close(writing)
    assert manager.heard(1) == ([], [])
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_barrier(manager: Manager) -> None:
    """A descriptor goes on, and is the manager's alone."""
    reading, writing = os.pipe()
    manager.say("BARRIER=1", writing)
    os.close(writing)
    manager.notices.pass_on(os.getpid(), manager.ours)
    text, fds, _flags, _address = socket.recv_fds(manager.inbox, 100, 1)
    assert text == b"BARRIER=1"
    os.write(fds[0], b"x")
    os.close(fds[0])
    assert os.read(reading, 2) == b"x"
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_manager_without_room(manager: Manager) -> None:
    """What it has no room for waits, in order, and so does what comes later."""
    said: list[str] = []
    while not manager.notices.is_waiting:
        said.append(f"STATUS={len(said)}")
        manager.say(said[-1])
        manager.notices.pass_on(os.getpid(), manager.ours)
    heard = _read(manager.inbox)
    while manager.notices.is_waiting:
        heard += manager.heard(os.getpid())[0]
    assert heard + _read(manager.inbox) == said


def test_nobody_waits() -> None:
    """Without a manager, or with one that is outside of a virtual machine, COMMAND's environment stays."""
    assert open_notices({}) is None
    assert open_notices({"NOTIFY_SOCKET": "vsock:2:1234"}) is None
