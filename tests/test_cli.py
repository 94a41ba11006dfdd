"""Both command lines: what belongs to whom, what is refused, and with which status."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import click
import pytest

from proxywrap import __version__, cli, ctl
from proxywrap.config import Config
from proxywrap.errors import ConfigError, ProxywrapError

URL = "socks5://bob:secret@proxy.example:1080"

NO_URL = "expected a proxy URL like socks5://[USER:PASSWORD@]HOST:PORT"


@dataclass
class Launch:
    """What launch() was called with, and what it is to do."""

    status: int = 0
    error: BaseException | None = None
    calls: list[tuple[list[str], Config, int, str | None]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, command: Sequence[str], config: Config, *, verbosity: int, log_path: str | None
    ) -> int:
        """Stand in for the launcher."""
        self.calls.append((list(command), config, verbosity, log_path))
        self.environ = dict(os.environ)
        if self.error is not None:
            raise self.error
        return self.status


class NotFoundError(ProxywrapError):
    """An error with a status of its own."""

    exit_status = 127


def module(monkeypatch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    """Put a stand-in where the command line imports from."""
    stand_in = ModuleType(name)
    vars(stand_in).update(members)
    monkeypatch.setitem(sys.modules, name, stand_in)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Launch:
    """Stand in for the launcher, in a world without any configuration."""
    for name in ("PROXYWRAP_PROXY", "PROXYWRAP_CONF", "PROXYCHAINS_CONF_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    stand_in = Launch()
    module(monkeypatch, "proxywrap.launcher", launch=stand_in, end_like=lambda status: f"ended by {-status}")
    return stand_in


@pytest.mark.parametrize(
    ("args", "command"),
    [
        (["curl"], ["curl"]),
        (["curl", "-v", "-f", "x", "-x", "y"], ["curl", "-v", "-f", "x", "-x", "y"]),
        (["curl", "--", "-v"], ["curl", "--", "-v"]),
        (["curl", "--help"], ["curl", "--help"]),
        (["curl", "--version", "--demo"], ["curl", "--version", "--demo"]),
        (["--", "curl", "--version"], ["curl", "--version"]),
        (["--", "--odd", "x"], ["--odd", "x"]),
        (["--", "-x"], ["-x"]),
        (["check"], ["check"]),
        (["config", "-f"], ["config", "-f"]),
        (["curl", ""], ["curl", ""]),
    ],
)
def test_everything_after_command_is_its_own(launch: Launch, args: list[str], command: list[str]) -> None:
    """No verb, and no option of ours behind COMMAND."""
    assert cli.main(["-x", URL, *args]) == 0
    assert launch.calls[0][0] == command


@pytest.mark.parametrize("status", [0, 1, 2, 125, 126, 127, 255])
def test_status_is_commands_own(launch: Launch, status: int) -> None:
    """What launch() returns is the exit status."""
    launch.status = status
    assert cli.main(["-x", URL, "x"]) == status


@pytest.mark.parametrize(
    ("args", "verbosity", "log_path"),
    [
        ([], 0, None),
        (["-q"], -1, None),
        (["-v"], 1, None),
        (["-vv"], 2, None),
        (["-v", "-v"], 2, None),
        (["--log", "a.log"], 0, "a.log"),
        (["--log=a.log", "-v"], 1, "a.log"),
    ],
)
def test_options_reach_the_launcher(
    launch: Launch, args: list[str], verbosity: int, log_path: str | None
) -> None:
    """Verbosity is one number, the log a path."""
    assert cli.main([*args, "-x", URL, "x"]) == 0
    assert launch.calls[0][2:] == (verbosity, log_path)


def test_command_ended_by_a_signal(launch: Launch) -> None:
    """The launcher ends the process as COMMAND ended."""
    launch.status = -15
    assert str(cli.main(["-x", URL, "x"])) == "ended by 15"


def test_urls_make_a_chain_in_order(launch: Launch) -> None:
    """-x repeated, attached or apart."""
    assert cli.main(["-x", "http://a:1", "-xsocks5://b:2", "x"]) == 0
    assert [str(uri) for uri in launch.calls[0][1].hops] == ["http://a:1", "socks5://b:2"]


@pytest.mark.parametrize(
    ("args", "verbosity"),
    [([], -1), (["-v"], 1)],
)
def test_quiet_mode_yields_to_verbose(
    launch: Launch, args: list[str], verbosity: int, tmp_path: Path
) -> None:
    """quiet_mode is -q in the file; -v on the command line is stronger."""
    (tmp_path / "a.conf").write_text("quiet_mode\n[ProxyList]\nhttp h 1\n")
    assert cli.main([*args, "-f", "a.conf", "x"]) == 0
    assert launch.calls[0][2] == verbosity


def test_variable_is_read_and_removed(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """COMMAND does not inherit a password."""
    monkeypatch.setenv("PROXYWRAP_PROXY", URL)
    assert cli.main(["x"]) == 0
    assert launch.calls[0][1].source == "$PROXYWRAP_PROXY"
    assert "PROXYWRAP_PROXY" not in launch.environ


def test_variable_is_removed_even_if_unused(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-x and -f win, and the other password still does not reach COMMAND."""
    (tmp_path / "a.conf").write_text("[ProxyList]\nhttp h 1\n")
    for args in (["-x", "http://h"], ["-f", "a.conf"]):
        monkeypatch.setenv("PROXYWRAP_PROXY", URL)
        assert cli.main([*args, "x"]) == 0
        assert launch.calls.pop()[1].source in {"-x", "a.conf"}
        assert "PROXYWRAP_PROXY" not in launch.environ


def test_verbose_tells_where_the_configuration_is(
    launch: Launch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Under -v the source and the notes of the parser are told."""
    (tmp_path / "a.conf").write_text("proxy_dns_old\n[ProxyList]\nhttp h 1\n")
    cli.main(["-f", "a.conf", "x"])
    assert capsys.readouterr().err == ""
    cli.main(["-v", "-f", "a.conf", "x"])
    assert capsys.readouterr().err == (
        "proxywrap: configuration: a.conf\n"
        "proxywrap: a.conf:1: proxy_dns_old: "
        "names are resolved by the last proxy, no other program is started\n"
    )
    assert len(launch.calls) == 2


@pytest.mark.parametrize(("args", "is_told"), [([], True), (["-v"], True), (["-q"], False)])
def test_a_warning_is_for_everybody(
    launch: Launch,
    tmp_path: Path,
    args: list[str],
    is_told: bool,  # noqa: FBT001
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is written but cannot be done is told without -v, and COMMAND runs."""
    (tmp_path / "a.conf").write_text("[ProxyList]\nsocks4 h 1 bob secret\n")
    cli.main([*args, "-f", "a.conf", "x"])
    warning = "a.conf:2: socks4 has no password, only the user name is sent: remove it, or use socks5"
    text = capsys.readouterr().err
    assert (f"proxywrap: {warning}\n" in text) == is_told
    assert "secret" not in text
    assert len(launch.calls) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "expected a COMMAND to run, found none"),
        (["-x", URL], "expected a COMMAND to run, found none"),
        (["-z", "curl"], "No such option '-z'."),
        (["--verbos", "curl"], "No such option '--verbos'."),
        (["-x"], "Option '-x' requires an argument."),
        (["-q", "-v", "curl"], "expected either -q or -v, found both"),
        (["--demo", "-x", URL], "expected no proxy with --demo, which brings its own"),
        (["--demo", "-f", "a"], "expected no proxy with --demo, which brings its own"),
    ],
)
def test_wrong_usage_is_125(
    launch: Launch, args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake before COMMAND is proxywrap's own error, with a word on where help is."""
    assert cli.main(args) == 125
    captured = capsys.readouterr()
    assert captured.err.startswith(f"proxywrap: {message}")
    assert captured.err.endswith("\nTry `proxywrap --help`.\n")
    assert captured.out == ""
    assert not launch.calls


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-x", "nonsense"], f"-x: {NO_URL}, found no :// in it: which kind of proxy is it?"),
        (
            ["-x", "socks5://a", "-x", "bob:secret@b"],
            f"-x (2 of 2): {NO_URL}, found no :// in it: which kind of proxy is it?",
        ),
        (
            ["-x", "socks5://u:secret@h:84586"],
            "-x: expected a port from 1 to 65535, found a number out of this range",
        ),
        (["-f", "a.conf"], "a.conf: expected a file that can be read (-f), found: No such file or directory"),
        (["-f", "b.conf"], "b.conf:2: expected an option, found 'frobnicate'"),
    ],
)
def test_wrong_configuration_is_125(
    launch: Launch,
    tmp_path: Path,
    args: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line with the place and the reason, and COMMAND does not run."""
    (tmp_path / "b.conf").write_text("strict_chain\nfrobnicate\n[ProxyList]\nhttp h 1\n")
    assert cli.main([*args, "x"]) == 125
    assert capsys.readouterr().err == f"proxywrap: {message}\n"
    assert not launch.calls


def test_no_configuration_shows_what_to_do(
    launch: Launch,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every place and two commands, and COMMAND does not run."""

    def nothing_there(_path: str, **_options: object) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr("proxywrap.lookup.load_config", nothing_there)
    assert cli.main(["curl"]) == 125
    text = capsys.readouterr().err
    assert text.startswith("proxywrap: expected to be told which proxies to use")
    assert "  /etc/proxychains.conf\n" in text
    assert "  proxywrap -x socks5://127.0.0.1:1080 COMMAND\n" in text
    assert not launch.calls


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ProxywrapError("no helper"), 125, "proxywrap: no helper\n"),
        (NotFoundError("x: command not found"), 127, "proxywrap: x: command not found\n"),
        (ConfigError("wrong", "a", 1), 125, "proxywrap: a:1: wrong\n"),
        (OSError(24, "Too many open files"), 125, "proxywrap: [Errno 24] Too many open files\n"),
        (click.ClickException("odd"), 125, "proxywrap: odd\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_error_of_the_launcher(
    launch: Launch,
    error: BaseException,
    status: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the launcher raises becomes a line and 125."""
    launch.error = error
    assert cli.main(["-x", URL, "x"]) == status
    assert capsys.readouterr().err.strip("\n") == text.strip("\n")


def test_fault_of_ours_is_not_commands_status(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    """A bug ends with 125 and its traceback, never with the 1 that could be COMMAND's."""
    launch.error = RuntimeError("bug")
    assert cli.main(["-x", URL, "x"]) == 125
    text = capsys.readouterr().err
    assert text.startswith("proxywrap: a fault in proxywrap itself, please report it\nTraceback ")
    assert "RuntimeError: bug" in text
    assert "secret" not in text


def test_error_without_stderr(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """`2>&-` changes no status."""
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.main(["-z"]) == 125
    with open(os.devnull, "w") as closed:
        pass
    monkeypatch.setattr(sys, "stderr", closed)
    assert cli.main(["-z"]) == 125
    assert not launch.calls


@pytest.mark.parametrize(("entry", "name"), [(cli.main, "proxywrap"), (ctl.main, "proxywrapctl")])
def test_version(
    entry: Callable[[Sequence[str]], int], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """--version on stdout, status 0."""
    assert entry(["--version"]) == 0
    assert capsys.readouterr().out == f"{name} {__version__}\n"


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_for_people(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help shows usage, each option, examples, where proxies come from, statuses and completion."""
    assert cli.main([option]) == 0
    text = capsys.readouterr().out
    for part in (
        "[--] COMMAND [ARGS]...",
        "--log FILE",
        "--demo",
        "PROXYWRAP_CONF",
        "126",
        "COMPLETE=bash_source",
    ):
        assert part in text
    assert max(len(line) for line in text.split("\n")) <= 80


# -- --demo ------------------------------------------------------------------


@pytest.mark.parametrize(("args", "command"), [([], ["fetch"]), (["curl", "-s"], ["curl", "-s"])])
def test_demo_runs_through_its_own_proxy(
    launch: Launch,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    command: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """COMMAND, or the demo's own, goes through the demo's proxy; what passed is shown at the end."""

    @dataclass
    class Demo:
        url: str = "socks5://127.0.0.1:9"
        command: tuple[str, ...] = ("fetch",)

        def summary(self) -> str:
            return "what passed"

    @contextlib.contextmanager
    def running_demo() -> Iterator[Demo]:
        yield Demo()

    module(monkeypatch, "proxywrap.testing.demo", running_demo=running_demo)
    launch.status = 7
    assert cli.main(["--demo", *args]) == 7
    ((ran, config, _, _),) = launch.calls
    assert ran == command
    assert [str(uri) for uri in config.hops] == ["socks5://127.0.0.1:9"]
    assert "what passed" in capsys.readouterr().err


# -- the process -------------------------------------------------------------


def run_module(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m proxywrap` with an environment of its own."""
    command = [sys.executable, "-m", "proxywrap", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environ})


def test_module_is_the_command() -> None:
    """`python -m proxywrap` is proxywrap."""
    assert run_module("--version").stdout == f"proxywrap {__version__}\n"
    assert run_module("-z").returncode == 125


@pytest.mark.parametrize("stream", [1, 2])
def test_closed_stream_changes_no_status(stream: int) -> None:
    """`proxywrap … >&-` ends as it would have ended."""
    for args, status in (("--version", 0), ("-z", 125)):
        command = f'exec "$0" -m proxywrap {args} {stream}>&-'
        done = subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, check=False)
        assert done.returncode == status


def complete(words: str) -> set[str]:
    """Return what the shell would be offered for the last of `words`."""
    index = str(len(words.split(" ")) - 1)
    done = run_module(_PROXYWRAP_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=index)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered", "withheld"),
    [
        ("proxywrap --", {"plain,--demo", "plain,--log", "plain,--version"}, set()),
        ("proxywrap -q env", {"plain,env"}, {"plain,--demo"}),
        ("proxywrap env --", {"file,--"}, {"plain,--demo"}),
        ("proxywrap ./", {"file,./"}, set()),
    ],
)
def test_completion(words: str, offered: set[str], withheld: set[str]) -> None:
    """Options first, then programs, then COMMAND's files."""
    found = complete(words)
    assert offered <= found
    assert not withheld & found


def test_completion_survives_a_broken_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of $PATH that is not there is passed over."""
    monkeypatch.setenv("PATH", f"/nonexistent:{os.environ['PATH']}")
    assert "plain,env" in complete("proxywrap env")


def test_little_is_imported_before_command() -> None:
    """What stands before every wrapped command loads no event loop, no DNS and no terminal library."""
    # An editable install imports a finder of its own at start: that does not count.
    program = (
        "import sys; old = set(sys.modules); import proxywrap.cli, proxywrap.lookup;"
        "print(*set(sys.modules) - old)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"asyncio", "rich", "dns", "h11", "cffi", "json", "hashlib", "urllib.parse", "ssl", "subprocess"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize(("options", "version"), [(["-4"], 4), (["-6"], 6), ([], None), (["-4", "-6"], 6)])
def test_ip_version(launch: Launch, options: list[str], version: int | None) -> None:
    """How the first proxy is reached; the last one counts."""
    assert cli.main([*options, "-x", URL, "true"]) == 0
    assert launch.calls[0][1].ip_version == version
