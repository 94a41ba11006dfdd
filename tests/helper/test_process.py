"""How COMMAND starts, and how little of it the helper keeps."""

from __future__ import annotations

import errno
import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper.family import Message
from proxywrap.protocol.wire import Op, RequestMessage, pack_request, parse_reply

from .asking import DEADLINE_S, TOKEN
from .helping import Teller, python, running

if TYPE_CHECKING:
    from _collections_abc import dict_items
    from pathlib import Path

QUESTION = pack_request(RequestMessage(Op.RESOLVE, token=TOKEN, name=b"www.example.org"))


def ask(address: bytes) -> int:
    """Ask a running helper a question; return the errno of its reply."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.settimeout(DEADLINE_S)
        peer.connect(address)
        peer.send(QUESTION)
        return parse_reply(peer.recv(1000)).error


def test_a_command_that_ends(tmp_path: Path) -> None:
    """Its start and its status are told, and by then nothing of the helper's is left."""
    with running(tmp_path, ["/bin/sh", "-c", "exit 3"]) as helper:
        kind, pid = helper.hear()
        assert kind == Message.STARTED
        assert pid > 0
        assert helper.hear() == (Message.LAST_ENDED, 3 << 8)
        assert not helper.directory.exists()
        assert helper.hear() == (b"", 0)
        assert helper.wait() == 0


def test_a_command_that_is_killed(tmp_path: Path) -> None:
    """The status is the kernel's, signal and all."""
    with running(tmp_path, ["/bin/sh", "-c", "kill -9 $$"]) as helper:
        helper.hear()
        assert helper.hear() == (Message.LAST_ENDED, signal.SIGKILL)


@pytest.mark.parametrize(
    ("path", "error"), [("/nowhere/at/all", errno.ENOENT), ("/etc/passwd", errno.EACCES), ("/", errno.EACCES)]
)
def test_a_command_that_cannot_be_executed(tmp_path: Path, path: str, error: int) -> None:
    """The errno is told, and the helper ends."""
    with running(tmp_path, [path]) as helper:
        assert helper.hear() == (Message.EXEC_FAILED, error)
        assert helper.hear() == (b"", 0)
        assert helper.wait() == 0
        assert not helper.directory.exists()


def test_the_commands_surroundings(tmp_path: Path) -> None:
    """Group, session, directory and umask are the launcher's, mask and dispositions as they were given."""
    text = """\
import os, signal, sys
print(
    os.getpgid(0),
    os.getsid(0),
    os.getcwd(),
    os.umask(0),
    *sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
    *(n for n in (signal.SIGINT, signal.SIGCHLD, signal.SIGPWR) if signal.getsignal(n) is signal.SIG_IGN),
    *(name for name in os.environ if name != "LC_CTYPE"),
    file=open(sys.argv[1], "w"),
)
"""
    out = tmp_path / "out"
    dispositions = {int(n): signal.SIG_IGN for n in (signal.SIGCHLD, signal.SIGPWR)}
    mask = frozenset({signal.SIGUSR1, signal.SIGTERM})
    with running(
        tmp_path, [*python(text), str(out)], mask=mask, dispositions=dispositions, environ={"A": "1"}
    ) as helper:
        helper.hear()
        assert helper.hear() == (Message.LAST_ENDED, 0)
    umask = os.umask(0)
    os.umask(umask)
    expected = [os.getpgid(0), os.getsid(0), os.getcwd(), umask, 10, 15, 17, 30, "A"]
    assert out.read_text().split() == list(map(str, expected))


def test_a_signal_that_waits_is_the_commands(tmp_path: Path) -> None:
    """Sent before exec, it is not Python's to catch: COMMAND dies of it."""

    class Raising(dict[int, signal.Handlers]):
        def items(self) -> dict_items[int, signal.Handlers]:
            signal.raise_signal(signal.SIGINT)
            return super().items()

    with running(tmp_path, ["/bin/echo"], dispositions=Raising({signal.SIGINT: signal.SIG_DFL})) as helper:
        helper.hear()
        assert helper.hear() == (Message.LAST_ENDED, signal.SIGINT)


def test_the_helper_keeps_nothing(tmp_path: Path) -> None:
    """No pipe of COMMAND's, no directory; its group is its own, and it does not die by the keyboard."""
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    with os.fdopen(read_end, "rb"), running(tmp_path, ["/bin/sleep", "1000"]) as helper:
        os.close(write_end)
        _, command = helper.hear()
        assert ask(helper.address) == 0  # it has settled down
        links = {fd: os.readlink(f"/proc/{helper.pid}/fd/{fd}") for fd in _descriptors(helper.pid)}
        assert links["0"] == links["1"] == os.devnull
        assert not any(link.startswith("pipe:") for fd, link in links.items() if fd != "2")
        assert os.readlink(f"/proc/{helper.pid}/cwd") == "/"
        assert os.getpgid(helper.pid) == helper.pid
        assert os.getpgid(command) == os.getpgid(0)
        for name in ("SIGINT", "SIGQUIT", "SIGHUP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGTERM"):
            os.kill(helper.pid, signal.Signals[name])
        assert ask(helper.address) == 0
        os.kill(command, signal.SIGTERM)
        assert helper.hear() == (Message.LAST_ENDED, signal.SIGTERM)
        assert helper.wait() == 0


def _descriptors(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/fd")


def test_a_launcher_that_is_gone_before_the_command_runs(tmp_path: Path) -> None:
    """COMMAND is killed, and nothing is left."""
    with running(tmp_path, ["/bin/sleep", "1000"]) as helper:
        helper.channel.close()
        assert helper.wait() == 0
        assert not helper.directory.exists()


def test_an_error_of_ours_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever looks for the reason finds it on stderr."""

    def fail() -> Teller:
        raise ZeroDivisionError

    with running(tmp_path, ["/bin/sleep", "1000"], open_report=fail) as helper:
        _, command = helper.hear()
        assert helper.wait() == 1
        os.kill(command, signal.SIGKILL)
    assert "ZeroDivisionError" in capfd.readouterr().err
