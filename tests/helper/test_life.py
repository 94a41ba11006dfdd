"""The helper's life: as long as COMMAND's descendants, no longer."""

from __future__ import annotations

import os
import select
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proxywrap.helper.family import Message
from proxywrap.protocol.wire import Op, RequestMessage, pack_request, parse_reply

from .asking import DEADLINE_S, TOKEN
from .helping import becomes_true, is_alive, python, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAEMON = """\
import os, signal, sys
with open(sys.argv[1], "wb") as fifo:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            fifo.write(b"%d\\n" % os.getpid())
            fifo.close()
            signal.pause()
        os._exit(0)
    os.wait()
sys.exit(5)
"""


def ask(address: bytes) -> int:
    """Ask a running helper a question; return the errno of its reply."""
    request = RequestMessage(Op.RESOLVE, token=TOKEN, name=b"www.example.org")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.settimeout(DEADLINE_S)
        peer.connect(address)
        peer.send(pack_request(request))
        return parse_reply(peer.recv(1000)).error


@contextmanager
def caught(number: int) -> Iterator[socket.socket]:
    """Have what receives `number` as a byte when the signal comes, to whichever thread."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(DEADLINE_S)
        theirs.setblocking(False)
        saved_handler = signal.signal(number, lambda *_: None)
        saved_fd = signal.set_wakeup_fd(theirs.fileno())
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(saved_fd)
            signal.signal(number, saved_handler)


def test_a_stop_and_a_continuation_are_told(tmp_path: Path) -> None:
    """The stop by a message; the continuation by SIGCONT, for a stopped launcher hears nothing."""
    with running(tmp_path, ["/bin/sleep", "1000"]) as helper:
        _, command = helper.hear()
        os.kill(command, signal.SIGSTOP)
        assert helper.hear() == (Message.STOPPED, signal.SIGSTOP)
        with caught(signal.SIGCONT) as numbers:
            os.kill(command, signal.SIGCONT)
            assert numbers.recv(1)[0] == signal.SIGCONT
        os.kill(command, signal.SIGKILL)
        assert helper.hear() == (Message.LAST_ENDED, signal.SIGKILL)


def test_a_daemon_keeps_its_helper(tmp_path: Path) -> None:
    """COMMAND's status is told at once; names are answered as long as the daemon lives."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with running(tmp_path, [*python(DAEMON), str(fifo)]) as helper:
        with fifo.open() as said:
            daemon = int(said.readline())
        helper.hear()
        assert helper.hear() == (Message.ENDED, 5 << 8)
        assert ask(helper.address) == 0
        assert helper.directory.exists()
        # The first question may be answered before there is an event loop, which does the rest.
        assert becomes_true(lambda: os.readlink(f"/proc/{helper.pid}/fd/2") == os.devnull)
        told = (tmp_path / "told").read_text().split()
        assert [event for event in told if event != "Resolved"][:2] == ["close", "detach"]
        os.kill(daemon, signal.SIGTERM)
        assert helper.hear() == (b"", 0)
        assert helper.wait() == 0
        assert not helper.directory.exists()


def test_a_launcher_that_is_killed_takes_the_command_with_it(tmp_path: Path) -> None:
    """But not what COMMAND has daemonised: that lives on, wrapped."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    text = DAEMON.replace("sys.exit(5)", "signal.pause()")
    with running(tmp_path, [*python(text), str(fifo)]) as helper:
        with fifo.open() as said:
            daemon = int(said.readline())
        _, command = helper.hear()
        assert ask(helper.address) == 0
        pidfd = os.pidfd_open(command)
        helper.channel.close()
        assert select.select([pidfd], [], [], DEADLINE_S)[0], "COMMAND lives on"
        os.close(pidfd)
        assert is_alive(daemon)
        assert ask(helper.address) == 0
        os.kill(daemon, signal.SIGTERM)
        assert helper.wait() == 0
        assert not helper.directory.exists()


def test_a_launcher_that_goes_after_the_command(tmp_path: Path) -> None:
    """Whoever has COMMAND's process id by then is none of ours."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with running(tmp_path, [*python(DAEMON), str(fifo)]) as helper:
        with fifo.open() as said:
            daemon = int(said.readline())
        helper.hear()
        helper.hear()
        helper.channel.close()
        assert ask(helper.address) == 0
        assert is_alive(daemon)
        os.kill(daemon, signal.SIGKILL)
        assert helper.wait() == 0


def test_what_the_user_is_told(tmp_path: Path) -> None:
    """Events as they happen, the rest at the end."""
    with running(tmp_path, ["/bin/sleep", "1000"]) as helper:
        _, command = helper.hear()
        assert ask(helper.address) == 0
        os.kill(command, signal.SIGKILL)
        helper.hear()
        assert (tmp_path / "told").read_text().split() == ["Resolved", "close"]


def test_many_children(tmp_path: Path) -> None:
    """A thousand ends that nobody waited for are one end of the helper's."""
    text = "for i in range(1000):\n if os.fork() == 0: os._exit(0)"
    with running(tmp_path, python(f"import os\n{text}\nos._exit(0)")) as helper:
        helper.hear()
        kinds = [helper.hear()[0]]
        if kinds[0] == Message.ENDED:
            kinds.append(helper.hear()[0])
        assert kinds in ([Message.LAST_ENDED], [Message.ENDED, b""])
        assert helper.wait() == 0
