"""proxychains-ng's command line, for a proxywrap that is called by its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxywrap.cli import as_proxychains
from proxywrap.proxychains import NAMES, UnknownFlag, translate
from proxywrap.testing import SocksServer, running

PROXYWRAP = Path(sys.executable).parent / "proxywrap"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("curl -q -f x", "-- curl -q -f x"),
        ("-q curl", "-q -- curl"),
        ("-f a.conf curl -s", "-f a.conf -- curl -s"),
        ("-q -f a.conf curl", "-q -f a.conf -- curl"),
        ("-f a.conf -q curl", "-q -f a.conf -- curl"),
        ("-q -q curl", "-q -- curl"),
        ("-f -q curl", "-f -q -- curl"),
        ("curl --", "-- curl --"),
        ("curl --help", "-- curl --help"),
        ("", "--"),
    ],
)
def test_flags(args: str, expected: str) -> None:
    """Its two flags, in either order; whatever follows COMMAND is COMMAND's."""
    assert translate(args.split(), {}) == expected.split()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("-- curl", "no long flags and no --"),
        ("--quiet curl", "no long flags"),
        ("-q --help", "no long flags"),
        ("-quiet curl", "takes for -q"),
        ("-fa.conf curl", "the next word for the FILE"),
        ("-foo curl", "the next word for the FILE"),
        ("-x socks5://h:1 curl", "would run as a COMMAND"),
        ("- curl", "would run as a COMMAND"),
        ("-f", "expected a FILE after -f"),
        ("-f a -f b curl", "found it twice"),
    ],
)
def test_traps(args: str, words: str) -> None:
    """What that tool would misread is told, not done."""
    with pytest.raises(UnknownFlag, match=words):
        translate(args.split(), {})


@pytest.mark.parametrize(("value", "flags"), [("1", ["-q"]), ("1x", ["-q"]), ("0", []), ("", [])])
def test_the_variable_asks_for_silence(value: str, flags: list[str]) -> None:
    """As that tool's library reads it: by its first character."""
    assert translate(["curl"], {"PROXYCHAINS_QUIET_MODE": value}) == [*flags, "--", "curl"]


def test_wrong_usage_is_125_and_speaks_by_that_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Not the status that a COMMAND might have."""
    assert as_proxychains("proxychains4", ["--", "curl"]) == 125
    said = capsys.readouterr().err
    assert said.startswith("proxychains4: expected -q, -f FILE or a COMMAND, found --;")
    assert said.endswith("Try `proxychains4 --help`.\n")
    assert as_proxychains("proxychains", []) == 125
    assert capsys.readouterr().err.startswith("proxychains: expected a COMMAND to run")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_link_by_that_name(tmp_path: Path, name: str) -> None:
    """It runs COMMAND through the proxies of a file of that tool's, and says the name in its help."""
    link = tmp_path / name
    link.symlink_to(PROXYWRAP)
    code = "import socket; socket.create_connection(('site.test', 80)).close(); print('connected')"
    with running(SocksServer(names={"site.test": "127.0.0.1"})) as server:
        # Nothing listens at port 80: the proxy says so.
        configuration = tmp_path / "proxychains.conf"
        configuration.write_text(
            f"strict_chain\nproxy_dns\n[ProxyList]\nsocks5 {server.host} {server.port}\n"
        )
        command = [str(link), "-q", "-f", str(configuration), sys.executable, "-c", code]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert [str(access.host) for access in server.log] == ["site.test"]
    assert "Connection refused" in result.stderr
    helped = subprocess.run([link, "--help"], capture_output=True, text=True, check=True)
    assert helped.stdout.startswith(f"Usage: {name} [-q] [-f FILE] COMMAND")


@pytest.mark.case("config-for-proxychains")
def test_by_that_name_a_file_that_proxychains_takes_runs(tmp_path: Path) -> None:
    """With a warning that quotes the line; by our own name it is an error with its place."""
    link = tmp_path / "proxychains4"
    link.symlink_to(PROXYWRAP)
    configuration = tmp_path / "px.conf"
    configuration.write_text("strict_chain\ntcp_read_time_out = 9\n[ProxyList]\nsocks5 127.0.0.1 9 a b c\n")
    command = ["-f", str(configuration), "echo", "ran"]
    result = subprocess.run([str(link), *command], capture_output=True, text=True, check=True)
    assert result.stdout == "ran\n"
    assert [line.split("`")[1] for line in result.stderr.splitlines() if "`" in line] == [
        "tcp_read_time_out = 9",
        "socks5 127.0.0.1 9 *** *** ***",
    ]
    ours = subprocess.run([PROXYWRAP, *command], capture_output=True, text=True, check=False)
    assert (ours.returncode, ours.stdout) == (125, "")
    assert f"{configuration}:2: expected tcp_read_time_out NUMBER" in ours.stderr


def test_another_name_takes_our_own_flags(tmp_path: Path) -> None:
    """Only those two names are special."""
    link = tmp_path / "pw"
    link.symlink_to(PROXYWRAP)
    command = [str(link), "-x", "socks5://127.0.0.1:9", "--", "echo", "ran"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert result.stdout == "ran\n"
