"""`proxywrapctl config --check` and `--from-proxychains`."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxywrap import ctl

GOOD = """\
dynamic_chain
tcp_read_time_out 500
localnet 10.0.0.0/8
dnat 192.0.2.1:80 192.0.2.2
allow_unwrapped sudo
proxy_dns_old
[ProxyList]
socks5 a 1 bob secret
http b 2
[chain two]
random_chain
chain_len = 2
socks5 c 3
socks5 d 4
[chain turns]
round_robin_chain
socks5 c 3
socks5 d 4
[chain all]
strict_chain
socks5 c 3
socks5 d 4
[rules]
resolve local *.lan
block *:25
direct *.corp.example app=git
chain two 192.0.2.0/24
"""

BAD = """\
Strict_Chain
localnet 10.0.0.0
[proxies]
socks5 h 1
[ProxyList]
socks5 h 0
http h 1 bob secret x
socks4 h 1 bob secret
[chain one]
http h x
[rules]
deny *
direct *
direct a
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a file in the current directory."""
    monkeypatch.chdir(tmp_path)
    path = Path("a.conf")
    path.touch(mode=0o600)
    return path


def test_what_a_file_means(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In sentences, in the order in which it is decided; its password is not told."""
    file.write_text(GOOD)
    assert ctl.main(["config", "--check", "a.conf"]) == 0
    assert capsys.readouterr() == (
        """\
a.conf: correct
note: a.conf:6: proxy_dns_old: names are resolved by the last proxy, no other program is started
  what is connected to 192.0.2.1:80 goes to 192.0.2.2 in its place
  *:25 is refused (line 25)
  *.corp.example, asked for by programs like git, is connected to directly (line 26)
  192.0.2.0/24 goes through the chain two (line 27)
  loopback destinations are connected to directly
  10.0.0.0/8 is connected to directly; names are not affected
  everything else goes through the chain ProxyList
  the chain ProxyList is those of these 2 proxies that work, in their order: socks5://***@a:1, http://b:2
  the chain two is 2 of these 2 proxies, by chance: socks5://c:3, socks5://d:4
  the chain turns is the next 1 of these 2 proxies, in turn: socks5://c:3, socks5://d:4
  the chain all is all of these 2 proxies, in their order, and fails when one of them does: \
socks5://c:3, socks5://d:4
  names like *.lan are resolved here
  other names are resolved by the last proxy; here 198.18.0.0/15 stands for them
  the first proxy has 10 s to be connected, each proxy 0.5 s for each answer
  programs like sudo may run unwrapped, and connect directly
""",
        "",
    )


def test_ssh_has_a_configuration_of_its_own(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a file does not say of such a hop, ssh says."""
    file.write_text("[ProxyList]\nssh://me@gate\n")
    assert ctl.main(["config", "--check", "a.conf"]) == 0
    said = capsys.readouterr().out
    assert "  the chain ProxyList is ssh://***@gate\n" in said
    assert "by this host's ssh, with its configuration, keys and agent\n" in said


def test_all_that_is_wrong_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line once, with its number; not those below a section that is none, nor what would follow."""
    file.write_text(BAD)
    assert ctl.main(["config", "--check", "a.conf"]) == 1
    told = capsys.readouterr()
    places = [line.partition(": expected")[0] for line in told.err.splitlines()]
    assert places == [f"proxywrapctl: a.conf:{line}" for line in (1, 2, 3, 6, 7, 10, 12)]
    assert told.out == (
        "warning: a.conf:8: socks4 has no password, only the user name is sent: remove it, or use socks5\n"
        "warning: a.conf:14: this rule can never match: line 13 has taken all of it\n"
    )
    assert "secret" not in told.err


SHORT = """\
[ProxyList]
http h 1
[chain a]
[chain b]
random_chain
chain_len = 2
http h 1
[rules]
chain c *
"""


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", [None]), ("[ProxyList]\n", [None]), (SHORT, [3, 6, 9])],
    ids=["", "list", "chains"],
)
def test_what_only_the_whole_file_shows(
    file: Path, text: str, lines: list[int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Proxies and chains that are missing, too."""
    file.write_text(text)
    assert ctl.main(["config", "--check", "a.conf"]) == 1
    places = [line.partition(": expected")[0] for line in capsys.readouterr().err.splitlines()]
    assert places == ["proxywrapctl: a.conf" + ("" if line is None else f":{line}") for line in lines]


@pytest.mark.parametrize("option", ["--check", "--from-proxychains"])
def test_no_such_file(option: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which is an error like the others, as one that is too large is."""
    file.unlink()
    assert ctl.main(["config", option, "a.conf"]) == 1
    expected = "a.conf: expected a file that can be read, found: No such file or directory"
    assert capsys.readouterr() == ("", f"proxywrapctl: {expected}\n")
    file.write_bytes(b"#" * (1 << 20) + b"\n")
    assert ctl.main(["config", option, "a.conf"]) == 1
    assert "at most 1048576 bytes" in capsys.readouterr().err


def test_a_translation_is_a_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed can be used, its credentials included."""
    file.write_text("quiet_mode\n[ProxyList]\nsocks5 h 66616 bob secret\n")
    assert ctl.main(["config", "--from-proxychains", "a.conf"]) == 0
    text, error = capsys.readouterr()
    assert text.endswith("takes port 66616 for 1080\nsocks5 h 1080 bob secret\n")
    assert not error
    file.write_text(text)
    assert ctl.main(["config", "--check", "a.conf"]) == 0


def test_what_cannot_be_translated(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is printed; the line is an error, and so is a list that has nothing left."""
    file.write_text("[ProxyList]\nsocks5 h 1\nHTTP h 1\n")
    assert ctl.main(["config", "--from-proxychains", "a.conf"]) == 1
    text, error = capsys.readouterr()
    assert "\nsocks5 h 1\n" in text
    assert error.startswith("proxywrapctl: a.conf:3: expected one of http, socks4, ")
    file.write_text("[ProxyList]\nsocks5 h 0\n")
    assert ctl.main(["config", "--from-proxychains", "a.conf"]) == 1
    assert capsys.readouterr().err == (
        "proxywrapctl: a.conf, translated: expected a proxy below [ProxyList], found none\n"
    )


def test_one_at_a_time(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each says what is to be printed."""
    assert ctl.main(["config", "--check", str(file), "-x", "http://h"]) == 125
    assert "expected one of -f or -x, --check and --from-proxychains, found more" in capsys.readouterr().err


def test_who_looks_names_up(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the rules, the first of which counts; the same file comes out of `config`."""
    rules = "[rules]\nresolve remote *.test a.lan\nresolve local *.lan\n"
    file.write_text(f"[ProxyList]\nsocks5://h:1 isolate=process tor=1\n{rules}")
    assert ctl.main(["config", "--check", "a.conf"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("  names like *.test, a.lan are resolved by the Tor at the end of ProxyList")
    assert lines[at + 1] == "  names like *.lan are resolved here"
    assert ctl.main(["config", "-f", "a.conf"]) == 0
    shown = [line.partition("  #")[0].rstrip() for line in capsys.readouterr().out.splitlines()]
    assert "socks5://h:1 isolate=process tor=1" in shown
    assert shown[-3:] == rules.splitlines()
