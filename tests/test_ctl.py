"""proxywrapctl: the configuration in effect, and the options of the server for testing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import ModuleType

import pytest

from proxywrap import ctl
from proxywrap.address import Endpoint

URL = "socks5://bob:secret@proxy.example:1080"


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave none but what a test makes, in the current directory."""
    for name in ("PROXYWRAP_PROXY", "PROXYWRAP_CONF", "PROXYCHAINS_CONF_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_config_prints_each_line_with_its_origin(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is in effect, where it was written, and no credentials."""
    (tmp_path / "a.conf").touch(mode=0o600)
    (tmp_path / "a.conf").write_text(
        "proxy_dns_old\ntcp_read_time_out 5 # short\nlocalnet 10.0.0.0/255.0.0.0\n"
        "[ProxyList]\nsocks5 h 1 bob secret\nhttp://bob:secret@i:2\n",
    )
    assert ctl.main(["config", "-f", "a.conf"]) == 0
    assert capsys.readouterr().out == (
        "# found in: a.conf\n"
        "# note: a.conf:1: proxy_dns_old: names are resolved by the last proxy, no other program is started\n"
        "dynamic_chain                            # default\n"
        "tcp_read_time_out 5                      # a.conf:2\n"
        "tcp_connect_time_out 10000               # default\n"
        "localnet 10.0.0.0/8                      # a.conf:3\n"
        "[ProxyList]\n"
        "socks5://***@h:1                         # a.conf:5\n"
        "http://***@i:2                           # a.conf:6\n"
    )


def test_config_of_urls(capsys: pytest.CaptureFixture[str]) -> None:
    """-x has no lines, and its password is masked."""
    assert ctl.main(["config", "-x", URL]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# found in: -x\n")
    assert text.endswith("socks5://***@proxy.example:1080          # -x\n")
    assert "secret" not in text


def test_config_shows_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written but cannot be done."""
    (tmp_path / "a.conf").write_text("[ProxyList]\nsocks4 h 1 bob secret\n")
    assert ctl.main(["config", "-f", "a.conf"]) == 0
    text = capsys.readouterr().out
    assert "\n# warning: a.conf:2: socks4 has no password, only" in text
    assert "secret" not in text


def test_serve_cannot_listen_on_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The resolver's error is told in its words."""
    assert ctl.main(["serve", "--listen", "no.such.host.invalid:0"]) == 125
    said = capsys.readouterr().err
    assert said.startswith("proxywrapctl: --listen no.such.host.invalid:0: ")
    assert "Unknown error" not in said


def test_config_shows_odd_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern that is no UTF-8 is shown escaped."""
    (tmp_path / "a.conf").write_bytes(b"allow_unwrapped /\xff\n[ProxyList]\nhttp h 1\n")
    assert ctl.main(["config", "-f", "a.conf"]) == 0
    assert "allow_unwrapped /\\udcff" in capsys.readouterr().out


@dataclass
class Serve:
    """What serve() was called with."""

    calls: list[tuple[object, ...]] = field(default_factory=list)

    def __call__(
        self,
        listen: Endpoint,
        users: Mapping[bytes, bytes],
        names: Mapping[str, object],
        delay_s: float,
        log_path: str | None,
    ) -> int:
        """Stand in for the server."""
        self.calls.append((listen, users, names, delay_s, log_path))
        return 3


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Stand in for the server."""
    stand_in, module = Serve(), ModuleType("proxywrap.testing.serve")
    vars(module)["serve"] = stand_in
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return stand_in


LOCAL = Endpoint(IPv4Address("127.0.0.1"), 1080)


@pytest.mark.parametrize(
    ("args", "call"),
    [
        ([], (LOCAL, {}, {}, 0.0, None)),
        (["--listen", "127.0.0.1:0"], (Endpoint(IPv4Address("127.0.0.1"), 0), {}, {}, 0.0, None)),
        (["--listen", "[::1]:9"], (Endpoint(IPv6Address("::1"), 9), {}, {}, 0.0, None)),
        (["--listen", "localhost:9"], (Endpoint("localhost", 9), {}, {}, 0.0, None)),
        (
            ["--user", "bob:se:cret", "--user", "eve:"],
            (LOCAL, {b"bob": b"se:cret", b"eve": b""}, {}, 0.0, None),
        ),
        (
            ["--name", "Web.Example.=192.0.2.1", "--name", "six=::1"],
            (LOCAL, {}, {"web.example": IPv4Address("192.0.2.1"), "six": IPv6Address("::1")}, 0.0, None),
        ),
        (["--delay", "0.5", "--log", "x"], (LOCAL, {}, {}, 0.5, "x")),
    ],
)
def test_serve_takes_its_options(serve: Serve, args: list[str], call: tuple[object, ...]) -> None:
    """Addresses, users and names arrive as values, and its status is ours."""
    assert ctl.main(["serve", *args]) == 3
    assert serve.calls == [call]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--listen", "1080"], "--listen: expected HOST:PORT, found '1080'"),
        (["--listen", ":1080"], "--listen: expected HOST:PORT, found ':1080'"),
        (
            ["--listen", "h:84586"],
            "--listen: expected a port from 1 to 65535, found '84586'",
        ),
        (["--listen", "a b:1"], "--listen: expected a host name, found a character"),
        (["--user", "secret"], "--user: expected NAME:PASSWORD, found no ':' in it\n"),
        (["--user", ":secret"], "--user: expected NAME:PASSWORD, found nothing before the ':'\n"),
        (["--name", "web"], "--name: expected NAME=ADDRESS, found no '=' in 'web'\n"),
        (["--name", "=192.0.2.1"], "--name: expected a host name, found an empty one\n"),
        (["--name", "a=b"], "--name: expected an IPv4 or IPv6 address after a=, found 'b'\n"),
        *(
            (["--delay", text], f"--delay: expected a number of seconds, 0 or more, found {text!r}\n")
            for text in ("-1", "x", "nan", "inf")
        ),
        (["--frob"], "No such option '--frob'."),
        (["extra"], "Got unexpected extra argument (extra)"),
    ],
)
def test_wrong_serve(serve: Serve, args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option of the server is 125 with the option's name, and quotes no password."""
    assert ctl.main(["serve", *args]) == 125
    text = capsys.readouterr().err
    assert text.startswith(f"proxywrapctl: {message}")
    assert text.endswith("\nTry `proxywrapctl serve --help`.\n")
    assert "secret" not in text
    assert not serve.calls


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "expected a verb, check, config, reload or serve, found none"),
        (["frob"], "No such command 'frob'."),
    ],
)
def test_wrong_verb(args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One of the verbs must be there."""
    assert ctl.main(args) == 125
    assert capsys.readouterr().err == f"proxywrapctl: {message}\nTry `proxywrapctl --help`.\n"


def test_serve_hides_its_users_from_ps() -> None:
    """The password of --user is not in the arguments of the running server."""
    argv = [str(Path(sys.executable).parent / "proxywrapctl"), "serve"]
    argv += ["--listen", "127.0.0.1:0", "--user", "me:quite-secret"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline()
            assert b"quite-secret" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        finally:
            server.terminate()
    assert server.returncode == 0


@pytest.mark.parametrize(
    ("place", "write"),
    [
        ("https://example.org/path", ": write example.org:443"),
        ("http://me:secret@[2001:db8::1]:7/", ": write [2001:db8::1]:7"),
        ("gopher://example.org/", ""),
    ],
)
def test_a_url_in_the_place_of_a_destination(
    place: str, write: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What to write is shown, and nothing of its credentials."""
    assert ctl.main(["check", "-x", "socks5://127.0.0.1:9", "--to", place]) == 125
    said = capsys.readouterr().err.splitlines()[0]
    assert said == f"proxywrapctl: --to: expected HOST:PORT, found a URL{write}"
