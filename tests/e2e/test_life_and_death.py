"""How a wrapped program ends, and that nothing is left of the wrapper when it does.

The `world` fixture of every test waits for the last process and looks for files.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest

from .kit.clients import NAME, PROGRAMS, wrap
from .kit.world import factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kit.clients import Stage
    from .kit.world import Command, World

NOWHERE = "socks5://127.0.0.1:9"
SIGNALS = [sys.executable, PROGRAMS / "signals.py"]


def _line(process: Command) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def _start(world: World) -> tuple[Command, int, int]:
    """Start signals.py, and return its launcher, its helper's process id and its own."""
    process = world.start([*wrap(NOWHERE), *SIGNALS], stdin=subprocess.PIPE)
    word, command, helper = _line(process).split()
    assert word == "ready"
    return process, int(helper), int(command)


@pytest.mark.parametrize("status", [0, 1, 3, 124, 125, 255])
def test_the_status_is_the_commands_own(world: World, status: int) -> None:
    """Whatever it is."""
    world.run([*wrap(NOWHERE), "sh", "-c", f"exit {status}"], expect=status)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE, signal.SIGINT]
)
def test_a_fatal_signal_is_the_launchers_too(world: World, number: signal.Signals) -> None:
    """Who waits for the launcher learns which signal killed COMMAND."""
    world.run([*wrap(NOWHERE), "sh", "-c", f"ulimit -c 0; kill -{number.value} $$"], expect=-number)


def test_a_command_that_is_not_there_is_127(world: World) -> None:
    """One line, as a shell would say it."""
    result = world.run([*wrap(NOWHERE), "no-such-program-anywhere"], expect=127)
    assert len(result.complaints) == 1
    assert "no-such-program-anywhere" in result.complaints[0]


def test_a_command_that_cannot_be_executed_is_126(world: World, stage: Stage) -> None:
    """A file without the x bit, and a directory."""
    for path in (stage.upload, world.directory):
        result = world.run([*wrap(NOWHERE), path], expect=126)
        assert len(result.complaints) == 1
        assert str(path) in result.complaints[0]


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"])
def test_a_signal_to_the_launcher_arrives_once(world: World, name: str) -> None:
    """COMMAND hears of it, and when it ends by itself its status is the launcher's."""
    process, _, _ = _start(world)
    with process:
        process.send_signal(signal.Signals[name])
        assert _line(process) == f"got {name}"
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=20 * factor())
        assert stdout == b"got SIGTERM\n"
        assert process.returncode == 7


def test_kill_of_the_launcher_leaves_nothing(world: World) -> None:
    """As Popen.kill() does it: COMMAND and the helper end too."""
    process, _, _ = _start(world)
    with process:
        process.kill()
        process.wait()
        assert world.wait_deserted() == {}


def test_kill_of_the_helper_leaves_nothing(world: World) -> None:
    """COMMAND lives on, without a network; a signal still reaches it, and after it nothing is left."""
    process, helper, _ = _start(world)
    with process:
        os.kill(helper, signal.SIGKILL)
        assert process.stdin is not None
        process.stdin.write(b"still there\n")
        process.stdin.flush()
        assert _line(process) == "line still there"
        process.terminate()
        assert _line(process) == "got SIGTERM"
        process.wait(20 * factor())
        assert world.wait_deserted() == {}


def test_without_a_helper_every_connect_is_refused(
    world: World,
    stage: Stage,
    proxy: Callable[[str], str],
) -> None:
    """Nothing falls back to a direct connection, and a pending connect ends too."""
    argv = [sys.executable, PROGRAMS / "orphan.py", NAME, stage.web.port]
    result = world.run([*wrap(proxy("microsocks")), *argv], expect=None)
    assert result.text.splitlines() == ["blocking ECONNREFUSED", "nonblocking ECONNREFUSED"]
    assert world.judge.leaks == []


def test_kill_of_the_command_leaves_nothing(world: World) -> None:
    """And the launcher dies of the same signal."""
    process, _, command = _start(world)
    with process:
        os.kill(command, signal.SIGKILL)
        assert process.wait(20 * factor()) == -signal.SIGKILL
        assert world.wait_deserted() == {}


def test_a_supervisor_that_signals_everybody_ends_everything(world: World) -> None:
    """SIGTERM to the launcher, the helper and COMMAND at once, as systemd sends it."""
    process = world.start([*wrap(NOWHERE), "sh", "-c", "echo $PPID $$; exec sleep 1000"])
    with process:
        helper, command = map(int, _line(process).split())
        for pid in (process.pid, helper, command):
            os.kill(pid, signal.SIGTERM)
        assert process.wait(20 * factor()) == -signal.SIGTERM
        assert world.wait_deserted() == {}


@pytest.mark.parametrize("parting", ["end", "kill"])
def test_a_daemon_lives_on_with_its_wrapper(
    world: World,
    stage: Stage,
    proxy: Callable[[str], str],
    parting: str,
) -> None:
    """The launcher's end, or its being killed, takes nothing from what COMMAND has daemonised."""
    fifo, target = world.directory / "fifo", world.directory / "fetched"
    os.mkfifo(fifo)
    argv = [
        sys.executable,
        PROGRAMS / "daemon.py",
        stage.url,
        fifo,
        target,
        "end" if parting == "end" else "stay",
    ]
    with world.start([*wrap(proxy("microsocks")), *argv]) as process:
        daemon = int(_line(process).split()[0])
        if parting == "kill":
            process.kill()
        assert process.wait(20 * factor()) == (0 if parting == "end" else -signal.SIGKILL)
        assert daemon in world.residents()
        fifo.write_text("now\n")
        assert world.wait_deserted() == {}
        assert target.read_text() == "it works\n"
    fifo.unlink()
    target.unlink()


def test_a_reader_that_leaves_ends_the_pipeline(world: World) -> None:
    """SIGPIPE kills a wrapped writer as it kills an unwrapped one."""
    script = '"$@" | head -c 10 >/dev/null; echo ${PIPESTATUS[0]}'
    assert world.run(["bash", "-c", script, "bash", *wrap(NOWHERE), "yes"]).text == "141"


def test_a_pipeline_of_two_wrapped_programs(world: World, stage: Stage, proxy: Callable[[str], str]) -> None:
    """Two wrappers side by side do not get into each other's way."""
    words = " ".join(map(str, wrap(proxy("microsocks"))))
    script = f"{words} curl -sS {stage.url}/bytes | {words} curl -sS -T - {stage.url}/digest"
    digest = world.run(["sha256sum", stage.upload]).text.split()[0]
    assert world.run(["bash", "-o", "pipefail", "-c", script]).text == digest


def test_a_wrapped_program_in_the_background_of_a_script(world: World) -> None:
    """`wait` in a shell gets the status."""
    script = '"$@" & wait $!; echo status $?'
    result = world.run(["sh", "-c", script, "sh", *wrap(NOWHERE), "sh", "-c", "exit 5"])
    assert result.text == "status 5"


# A shell with job control.


@pytest.fixture
def shell(world: World) -> Iterator[pexpect.spawn[str]]:
    """Start an interactive bash on a terminal."""
    argv = world.inside(["bash", "--norc", "--noprofile", "-i"])
    env = {**world.environment(), "TERM": "dumb"}
    child = pexpect.spawn(argv[0], argv[1:], env=env, timeout=20 * factor(), encoding="utf-8", echo=False)
    child.sendline("PS1='pro''mpt> '; bind 'set enable-bracketed-paste off' 2>/dev/null; stty -echo")
    child.expect_exact("prompt> ")
    yield child
    child.sendline("exit 0")
    child.expect(pexpect.EOF)
    child.close()


def _command_line() -> str:
    return " ".join(map(str, [*wrap(NOWHERE), *SIGNALS]))


def _end(shell: pexpect.spawn[str]) -> None:
    """End signals.py in the foreground, which only SIGTERM does."""
    shell.sendcontrol("z")
    shell.expect("Stopped")
    shell.expect_exact("prompt> ")
    shell.sendline("kill %1; fg")
    shell.expect_exact("got SIGTERM\r\n")
    shell.expect_exact("prompt> ")


def test_ctrl_c_arrives_once(shell: pexpect.spawn[str]) -> None:
    """The terminal sends it to the whole group; the launcher does not send it a second time."""
    shell.sendline(_command_line())
    shell.expect("ready [0-9 ]+\r\n")
    shell.sendintr()
    shell.expect_exact("got SIGINT\r\n")
    shell.sendline("still there")
    shell.expect_exact("line still there\r\n")
    assert "SIGINT" not in str(shell.before)
    shell.sendcontrol("\\")
    shell.expect_exact("got SIGQUIT\r\n")
    assert "SIGINT" not in str(shell.before)
    _end(shell)


def test_ctrl_c_ends_what_does_not_catch_it(shell: pexpect.spawn[str]) -> None:
    """The shell learns that the job died of SIGINT."""
    shell.sendline(" ".join(map(str, wrap(NOWHERE))) + " sh -c 'echo rea''dy; exec sleep 1000'")
    shell.expect_exact("ready\r\n")
    shell.sendintr()
    shell.expect_exact("prompt> ")
    shell.sendline("echo status $?")
    shell.expect_exact("status 130\r\n")
    shell.expect_exact("prompt> ")


def test_ctrl_z_stops_and_fg_continues(shell: pexpect.spawn[str]) -> None:
    """The job is stopped for the shell, and goes on where it was, with the terminal."""
    shell.sendline(_command_line())
    shell.expect("ready ([0-9]+) [0-9]+\r\n")
    for _ in range(2):
        shell.sendcontrol("z")
        shell.expect("Stopped")
        shell.expect_exact("prompt> ")
        shell.sendline("fg")
        shell.expect("signals.py")
        shell.sendline("awake")
        shell.expect_exact("line awake\r\n")
    shell.sendintr()
    shell.expect_exact("got SIGINT\r\n")
    _end(shell)


def test_a_command_that_stops_itself_stops_the_job(shell: pexpect.spawn[str]) -> None:
    """SIGSTOP to COMMAND alone is enough for the shell to have its prompt back."""
    shell.sendline(" ".join(map(str, wrap(NOWHERE))) + " sh -c 'kill -STOP $$; echo con''tinued'")
    shell.expect("Stopped")
    shell.expect_exact("prompt> ")
    shell.sendline("fg")
    shell.expect_exact("continued\r\n")
    shell.expect_exact("prompt> ")
