"""The launcher where a library that the user preloads has started a thread: it takes no signal of ours."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from launching import (
    DEADLINE_S,
    NOWHERE,
    PROXYWRAP,
    Listener,
    clean_runtime,
    listener_argv,
    listening,
    run,
)

from proxywrap.testing.running import running
from proxywrap.testing.socksserver import SocksServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAMS = Path(__file__).parent / "programs"
WITHOUT = ["env", "-u", "LD_PRELOAD"]
"""Executes COMMAND without the library: the launcher is what has the thread."""

UNCATCHABLE = {signal.SIGKILL, signal.SIGSTOP}


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have the runtime directory in a place where nothing else is, and nothing is left."""
    for place in clean_runtime():
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
        yield place


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a library that starts a thread."""
    made = tmp_path_factory.mktemp("threaded") / "threaded.so"
    argv = ["cc", "-shared", "-fPIC", "-pthread", "-o", str(made), str(PROGRAMS / "threaded.c")]
    subprocess.run(argv, check=True)
    return made


@pytest.fixture
def environ(library: Path) -> Mapping[str, str]:
    """Return an environment in which it is preloaded."""
    return {**os.environ, "LD_PRELOAD": str(library)}


@pytest.mark.case("start-threads")
@pytest.mark.parametrize("engine", ["preload", "seccomp", "both"])
def test_the_status_is_the_commands(environ: Mapping[str, str], engine: str) -> None:
    """What the helper says reaches the launcher, whichever thread the kernel would like to tell."""
    for status in (0, 3):
        run(["--engine", engine, "sh", "-c", f"exit {status}"], environ=environ, status=status)


def test_each_signal_reaches_the_command_once(environ: Mapping[str, str], tmp_path: Path) -> None:
    """All that can be caught, those of faults among them."""
    numbers = sorted(int(n) for n in signal.valid_signals() - {*UNCATCHABLE, signal.SIGTERM})
    with listening(tmp_path, environ=environ, prefix=WITHOUT) as (process, command):
        assert len(os.listdir(f"/proc/{process.pid}/task")) == 2
        for number in numbers:
            process.send_signal(number)
            assert command.hear() == number
        process.terminate()
        assert command.hear_until(0) == [signal.SIGTERM, 0]
        assert process.wait(DEADLINE_S) == 7


def test_the_keyboard(environ: Mapping[str, str], tmp_path: Path) -> None:
    """Each key is one signal still: the launcher knows what came from the terminal."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(PROXYWRAP, [PROXYWRAP, "-x", NOWHERE, *WITHOUT, *listener_argv(fifo)], environ)
    with fifo.open() as heard:
        command = Listener(heard)
        for key, number in ((b"\x03", signal.SIGINT), (b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)):
            os.write(terminal, key)
            assert command.hear() == number
        os.kill(pid, signal.SIGTERM)
        assert command.hear_until(0) == [signal.SIGTERM, 0]
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(terminal)


def test_stops_and_the_death_of_the_helper(environ: Mapping[str, str], tmp_path: Path) -> None:
    """The launcher hears of its child, and then of COMMAND, though SIGCHLD goes to any thread."""
    with listening(tmp_path, environ=environ, prefix=WITHOUT) as (process, command):
        os.kill(command.helper, signal.SIGKILL)
        assert process.stderr is not None
        assert b"the helper has died" in process.stderr.readline()
        os.kill(command.pid, signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        process.send_signal(signal.SIGCONT)
        assert command.hear() == signal.SIGCONT
        process.terminate()
        assert command.hear_until(0) == [signal.SIGTERM, 0]
        assert process.wait(DEADLINE_S) == 7


@pytest.mark.case("start-threads")
def test_in_a_shell_under_proxychains(tmp_path: Path) -> None:
    """The status is COMMAND's, and our proxy is reached through theirs, which has a thread."""
    text = "import socket; socket.create_connection(('site.test', 80), 20)"
    file = tmp_path / "proxychains.conf"
    with running(SocksServer()) as outer, running(SocksServer()) as inner:
        file.write_text(f"strict_chain\nproxy_dns\n[ProxyList]\nsocks5 127.0.0.1 {outer.port}\n")
        wrapped = [PROXYWRAP, "-q", "-x", inner.url, sys.executable, "-S", "-c", text]
        shell = ["proxychains4", "-q", "-f", str(file), "sh", "-c", '"$@"; exit $(($? + 40))', "sh", *wrapped]
        done = subprocess.run(shell, capture_output=True, timeout=DEADLINE_S, check=False)
        assert done.returncode == 41
        assert f"127.0.0.1:{inner.port}" in [each.destination for each in outer.log]
        assert [each.destination for each in inner.log] == ["site.test:80"]
