"""The command as whoever starts it sees it: signals, status, descriptors, and what is left."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from launching import (
    DEADLINE_S,
    NOWHERE,
    PROXYWRAP,
    Listener,
    deserted,
    listener_argv,
    listening,
    run,
    start,
    state,
)

import proxywrap
from proxywrap.testing.running import running
from proxywrap.testing.socksserver import SocksServer

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPPERS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
UNCATCHABLE = (signal.SIGKILL, signal.SIGSTOP)


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have the runtime directory in a place where nothing else is, and nothing is left."""
    with TemporaryDirectory(prefix="pw-", dir="/tmp") as name:  # short, for the path of a socket
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)
        assert os.listdir(name) == []


def python(text: str, *args: str | Path) -> list[str]:
    """Return a COMMAND that runs a Python program."""
    return [sys.executable, "-S", "-c", text, *map(str, args)]


# ---
# What is run


@pytest.mark.parametrize("status", [0, 1, 125, 126, 127, 255])
def test_the_status_is_the_commands(status: int) -> None:
    """Whatever it is."""
    run(["/bin/sh", "-c", f"exit {status}"], status=status)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGKILL, signal.SIGPIPE, signal.SIGINT, signal.SIGSEGV, signal.SIGRTMAX]
)
def test_a_fatal_signal_is_the_launchers_too(number: int) -> None:
    """And nobody dumps core twice."""
    run(["/bin/sh", "-c", f"ulimit -c 0; kill -{number} $$"], status=-number)


def test_the_search_of_path(tmp_path: Path) -> None:
    """As execvp() does it: the first that may be executed, 126 where there is only another, 127 for none."""
    text, directory, good = (tmp_path / name for name in ("text", "directory", "good"))
    for each in (text, directory, good):
        each.mkdir()
    (text / "tool").write_text("echo text\n")
    (directory / "tool").mkdir()
    (good / "tool").write_text("#!/bin/sh\necho good\n")
    (good / "tool").chmod(0o755)

    def search(name: str, *places: Path, status: int = 0) -> str:
        environ = {**os.environ, "PATH": ":".join(map(str, places))}
        return run([name], environ=environ, status=status).stdout

    assert search("tool", tmp_path, text, directory, good) == "good\n"
    for place in (text, directory):
        search("tool", place, status=126)
        run([place / "tool"], status=126)
    search("tool", tmp_path, status=127)
    search("", good, status=127)
    run([tmp_path / "nothing"], status=127)
    run([good / "tool" / "below"], status=127)


def test_an_empty_entry_of_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the current directory, and so is one dot."""
    tool = tmp_path / "tool"
    tool.write_text("echo $0\n")
    tool.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for entry in ("", "."):
        assert run(["tool"], environ={**os.environ, "PATH": f"/usr/bin:{entry}"}).stdout == "./tool\n"


def test_a_script_without_an_interpreter(tmp_path: Path) -> None:
    """It is the shell's, with its arguments."""
    script = tmp_path / "script"
    script.write_text('echo "$0|$1|$2"\n')
    script.chmod(0o755)
    assert run([script, "a b", "-c"]).stdout == f"{script}|a b|-c\n"


def test_a_script_with_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    """127, as the kernel and the shell have it."""
    script = tmp_path / "script"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    run([script], status=127)


# ---
# Surroundings


def test_the_environment() -> None:
    """Only what the shim needs is added, even where Python adds something to its own."""
    environ = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"], "A": "="}
    lines = run(["env"], environ=environ, status=None)
    names = {line.partition("=")[0] for line in lines.stdout.splitlines()}
    assert names == {*environ, "LD_PRELOAD", "PROXYWRAP_CHANNEL"}


def test_an_own_preload_stays() -> None:
    """Behind ours."""
    environ = {**os.environ, "LD_PRELOAD": "libm.so.6"}
    assert run(["/bin/sh", "-c", "echo $LD_PRELOAD"], environ=environ).stdout.endswith(".so:libm.so.6\n")


ENTRY = """\
import os, signal, sys
mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
ignored = [n for n in signal.valid_signals() - {13, 25} if signal.getsignal(n) is signal.SIG_IGN]
open_ = [fd for fd in range(3) if os.path.exists(f"/proc/self/fd/{fd}")]
with open(sys.argv[1], "w") as out:
    print(len(mask), *map(int, ignored), *map(str, open_), sep=" ", file=out)
sys.exit(3)
"""


def _enter(tmp_path: Path, *numbers: int, blocks: bool = False) -> str:
    def before() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        if blocks:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    out = tmp_path / "out"
    with start(python(ENTRY, out), before=before) as process:
        assert process.wait(DEADLINE_S) == 3
    return out.read_text().strip()


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    """Also SIGCHLD, with which nobody could wait for a child, and SIGINT."""
    assert _enter(tmp_path, signal.SIGCHLD) == "0 17 0 1 2"
    assert _enter(tmp_path, signal.SIGINT, signal.SIGTERM) == "0 2 15 0 1 2"
    assert _enter(tmp_path, signal.SIGHUP, signal.SIGIO, signal.SIGCONT) == "0 1 18 29 0 1 2"


def test_a_full_mask(tmp_path: Path) -> None:
    """Every signal is blocked in COMMAND too, and hinders nobody."""
    assert int(_enter(tmp_path, blocks=True).split()[0]) > 50


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors(tmp_path: Path, closed: str) -> None:
    """They are closed in COMMAND, and nothing of ours is in their place."""
    out = tmp_path / "out"
    shell = ["/bin/sh", "-c", f'exec "$@" {closed}', "-", PROXYWRAP, "-x", NOWHERE, *python(ENTRY, out)]
    done = subprocess.run(shell, capture_output=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 3
    assert done.stderr == b""
    expected = [n for n, word in enumerate(("<&-", ">&-", "2>&-")) if word not in closed.split()]
    assert out.read_text().split()[1:] == list(map(str, expected))


def test_a_background_process_does_not_hold_the_pipe(tmp_path: Path) -> None:
    """Whoever reads what COMMAND writes sees the end when COMMAND ends."""
    pid = tmp_path / "pid"
    shell = f"sleep 1000 >/dev/null 2>&1 & echo $! >{pid}; echo out; echo err >&2"
    done = run(["/bin/sh", "-c", shell])
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    sleeper = int(pid.read_text())
    assert state(sleeper) == "S"
    helper = int(Path(f"/proc/{sleeper}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(sleeper, signal.SIGKILL)
    assert deserted([helper])


def test_the_command_runs_before_asyncio_is_imported() -> None:
    """What the launcher has loaded by then is little."""
    text = """\
import importlib.abc, os, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {"asyncio", "ssl", "json", "proxywrap.report"}:
            assert os.environ.get("STARTED"), name
sys.meta_path.insert(0, Finder())
import proxywrap.helper.process as process
start = process.start_command
def started(*args):
    os.environ["STARTED"] = "1"
    return start(*args)
process.start_command = started
from proxywrap.cli import main
sys.exit(main(sys.argv[1:]))
"""
    argv = [sys.executable, "-c", text, "-x", NOWHERE, "sh", "-c", "exit 4"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stderr) == (4, "")


# ---
# Places


@pytest.mark.parametrize(
    "first",
    ["", "relative", "/nowhere/at/all", "/proc", "{tmp}/with space", "{tmp}/a:b", "{tmp}/" + "x" * 90],
)
def test_a_runtime_directory_that_will_not_do(tmp_path: Path, runtime: Path, first: str) -> None:
    """The next place is taken."""
    first = first.replace("{tmp}", str(tmp_path))
    if first.startswith(str(tmp_path)):
        Path(first).mkdir()
    environ = {**os.environ, "XDG_RUNTIME_DIR": first, "TMPDIR": str(runtime)}
    shown = run(["/bin/sh", "-c", "echo $PROXYWRAP_CHANNEL"], environ=environ).stdout
    assert f":{runtime}/proxywrap-" in shown


def test_a_umask_that_leaves_nothing() -> None:
    """The runtime directory is ours all the same, and COMMAND has the umask."""
    with start(["/bin/sh", "-c", "umask"], before=lambda: os.umask(0o777)) as process:
        assert process.communicate(timeout=DEADLINE_S) == (b"0777\n", b"")


def test_a_package_where_ld_preload_cannot_name_it(tmp_path: Path) -> None:
    """The shim is loaded by way of a link."""
    place = tmp_path / "a b:c"
    package = Path(proxywrap.__path__[0])
    shutil.copytree(package, place / "proxywrap", ignore=shutil.ignore_patterns("__pycache__"))
    text = f"import sys; sys.path.insert(0, {str(place)!r}); from proxywrap.cli import main; sys.exit(main())"
    probe = python("print(next(l for l in open('/proc/self/maps') if '_preload' in l))")
    argv = [sys.executable, "-B", "-c", text, "-x", NOWHERE, *probe]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{place}/proxywrap/_preload" in done.stdout


def test_a_package_without_the_shim(tmp_path: Path) -> None:
    """COMMAND is not run, and nothing is left."""
    package = Path(proxywrap.__path__[0])
    ignored = shutil.ignore_patterns("__pycache__", "_preload*")
    shutil.copytree(package, tmp_path / "proxywrap", ignore=ignored)
    text = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from proxywrap.cli import main; sys.exit(main())"
    )
    argv = [sys.executable, "-B", "-c", text, "-x", NOWHERE, "echo", "bare"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stdout) == (125, "")
    assert "install proxywrap anew" in done.stderr


# ---
# Secrets


@pytest.mark.parametrize("given", ["-x", "joined", "environment"])
def test_no_password_is_shown(tmp_path: Path, given: str) -> None:
    """Neither by the launcher, nor by the helper, nor by COMMAND."""
    url = "socks5://someone:s3cr%40t@127.0.0.1:9"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    options = {"-x": ["-x", url], "joined": [f"-x{url}"], "environment": []}[given]
    environ = {**os.environ, "PROXYWRAP_PROXY": url} if given == "environment" else dict(os.environ)
    argv = [PROXYWRAP, *options, *listener_argv(fifo)]
    with subprocess.Popen(argv, env=environ) as process, fifo.open() as heard:
        command = Listener(heard)
        for pid in (process.pid, command.helper, command.pid):
            for name in ("cmdline", "environ"):
                shown = Path(f"/proc/{pid}/{name}").read_bytes()
                assert b"s3cr" not in shown
        process.terminate()
        assert process.wait(DEADLINE_S) == 7


# ---
# Signals


def test_each_signal_reaches_the_command_once(tmp_path: Path) -> None:
    """All that can be caught, those that we use ourselves among them."""
    numbers = sorted(int(n) for n in signal.valid_signals() - {*UNCATCHABLE, signal.SIGTERM})
    with listening(tmp_path) as (process, command):
        for number in numbers:
            process.send_signal(number)
            assert command.hear() == number
        process.terminate()
        assert command.hear_until(0) == [signal.SIGTERM, 0]
        assert process.wait(DEADLINE_S) == 7


def test_signals_before_the_command_runs(tmp_path: Path) -> None:
    """They wait for it."""
    numbers = (signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD, signal.SIGCONT, signal.SIGIO, signal.SIGRTMAX)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def block() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    with start(listener_argv(fifo), before=block) as process:
        for number in numbers:
            process.send_signal(number)
        with fifo.open() as heard:
            command = Listener(heard)
            assert sorted(command.hear() for _ in numbers) == sorted(numbers)
            process.terminate()
            assert command.hear_until(0) == [signal.SIGTERM, 0]
            assert process.wait(DEADLINE_S) == 7


def test_a_timer_that_was_set_before(tmp_path: Path) -> None:
    """`alarm(2)` outlives exec: it is COMMAND's."""

    def before() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        signal.setitimer(signal.ITIMER_REAL, 0.1)

    with listening(tmp_path, before=before) as (process, command):
        assert command.hear() == signal.SIGALRM
        process.terminate()
        assert process.wait(DEADLINE_S) == 7


def test_a_stop_is_mirrored_and_so_is_going_on(tmp_path: Path) -> None:
    """Whether COMMAND itself or the launcher is told to."""
    with listening(tmp_path) as (process, command):
        for goes_on in (process.pid, command.pid):
            os.kill(command.pid, signal.SIGSTOP)
            assert os.waitpid(process.pid, os.WUNTRACED)[1] == signal.SIGSTOP << 8 | 0x7F
            os.kill(goes_on, signal.SIGCONT)
            assert command.hear() == signal.SIGCONT
            assert os.WIFCONTINUED(os.waitpid(process.pid, os.WCONTINUED)[1])
        process.send_signal(signal.SIGUSR1)
        process.terminate()
        assert command.hear_until(0) == [signal.SIGUSR1, signal.SIGTERM, 0]
        assert process.wait(DEADLINE_S) == 7


@pytest.mark.parametrize("delay_s", [0, 0.02, 0.3])
def test_the_helper_killed_at_once(delay_s: float) -> None:
    """Whatever the helper has come to say, COMMAND's status is the launcher's."""
    script = f"sleep {delay_s}; kill -9 $PPID; sleep 0.1; exit 3"
    with start(["/bin/sh", "-c", script if delay_s else script.partition("; ")[2]]) as process:
        assert process.wait(DEADLINE_S) == 3


@pytest.mark.parametrize("number", STOPPERS)
def test_a_stop_by_a_signal_of_the_keyboards(number: int) -> None:
    """Sent to the launcher, it stops COMMAND and so the launcher."""
    with start(["/bin/sh", "-c", "echo; exec sleep 1000"]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        process.send_signal(signal.SIGCONT)
        process.terminate()
        assert process.wait(DEADLINE_S) == -signal.SIGTERM


def test_the_keyboard(tmp_path: Path) -> None:
    """Each key is one signal; a hang-up reaches COMMAND though only the session's leader is told."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PROXYWRAP, [PROXYWRAP, "-x", NOWHERE, *listener_argv(fifo)])
    with fifo.open() as heard:
        command = Listener(heard)
        for key, number in ((b"\x03", signal.SIGINT), (b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)):
            os.write(terminal, key)
            assert command.hear() == number
        os.kill(pid, signal.SIGUSR1)
        assert command.hear() == signal.SIGUSR1
        os.close(terminal)
        assert command.hear() == signal.SIGHUP
        os.kill(pid, signal.SIGTERM)
        assert command.hear_until(0)[-2:] == [signal.SIGTERM, 0]
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_a_leader_of_a_session(tmp_path: Path) -> None:
    """Signals and status are as ever, and COMMAND is in the launcher's group."""
    with listening(tmp_path, is_leader=True) as (process, command):
        assert os.getpgid(command.pid) == process.pid
        assert os.getpgid(command.helper) == command.helper
        process.terminate()
        assert process.wait(DEADLINE_S) == 7


# ---
# Violent ends


def test_kill_of_the_launcher(tmp_path: Path) -> None:
    """COMMAND and the helper end with it."""
    with listening(tmp_path) as (process, command):
        process.kill()
        process.wait(DEADLINE_S)
        assert command.hear() == 0
        assert deserted([command.pid, command.helper])


def test_kill_of_the_helper(tmp_path: Path, runtime: Path) -> None:
    """The launcher takes its place: signals, stops and the status are as before."""
    with listening(tmp_path) as (process, command):
        os.kill(command.helper, signal.SIGKILL)
        assert process.stderr is not None
        assert b"the helper has died" in process.stderr.readline()
        assert list(runtime.iterdir()) == []
        process.send_signal(signal.SIGUSR1)
        assert command.hear() == signal.SIGUSR1
        os.kill(command.pid, signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        process.send_signal(signal.SIGCONT)
        assert command.hear() == signal.SIGCONT
        process.terminate()
        assert command.hear_until(0) == [signal.SIGTERM, 0]
        assert process.wait(DEADLINE_S) == 7


def test_kill_of_the_command(tmp_path: Path) -> None:
    """The launcher dies of the same signal."""
    with listening(tmp_path) as (process, command):
        os.kill(command.pid, signal.SIGKILL)
        assert process.wait(DEADLINE_S) == -signal.SIGKILL
        assert deserted([command.helper])


def test_kill_of_the_helper_and_of_the_command(tmp_path: Path) -> None:
    """In whatever order the launcher hears of it."""
    with listening(tmp_path) as (process, command):
        os.kill(command.helper, signal.SIGSTOP)
        os.kill(command.pid, signal.SIGKILL)
        os.kill(command.helper, signal.SIGKILL)
        assert process.wait(DEADLINE_S) == -signal.SIGKILL


# ---
# One in another


def test_a_wrapper_in_a_wrapper() -> None:
    """The inner one's proxy is reached through the outer one's."""
    text = "import socket, sys; socket.create_connection(('site.test', 80), 20)"
    with running(SocksServer(names={"inner.test": "127.0.0.1"})) as outer, running(SocksServer()) as inner:
        argv = [PROXYWRAP, "-q", "-x", outer.url, PROXYWRAP, "-q", "-x", f"socks5://inner.test:{inner.port}"]
        subprocess.run([*argv, *python(text)], capture_output=True, timeout=DEADLINE_S, check=False)
        assert [each.destination for each in outer.log] == [f"inner.test:{inner.port}"]
        assert [each.destination for each in inner.log] == ["site.test:80"]
