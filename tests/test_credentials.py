"""Passwords in files of their own, and files that everybody can read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proxywrap import ctl
from proxywrap.errors import ConfigError
from proxywrap.lookup import Sources, find_config
from proxywrap.reading import load_config, reload_config


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a directory with a password, and one below it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    for path, text in (("pw", "s3cret:/@ %41\n"), ("conf/pw", "other\r\nsecond line\n")):
        Path(path).write_text(text)
        Path(path).chmod(0o600)
    return tmp_path


def write(text: str, *, mode: int = 0o600) -> str:
    """Write a configuration below the current directory."""
    path = Path("conf/a.conf")
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    "line",
    [
        "socks5 h 1 bob pass=@{}",
        "socks5://bob:pass=@{}@h:1",
        "http://bob:pass=@{}@h:1",
    ],
)
def test_a_password_file(here: Path, line: str) -> None:
    """Its first line as it stands; relative to the file that names it, or absolute."""
    for name, password in (("pw", b"other"), ("../pw", b"s3cret:/@ %41"), (here / "pw", b"s3cret:/@ %41")):
        config = load_config(write(f"[ProxyList]\n{line.format(name)}\n[chain b]\n{line.format(name)}\n"))
        assert [entry.uri.password for entry in config.proxies] == [password]
        assert [entry.uri.password for entry in config.chains[0].proxies] == [password]
        assert config.proxies[0].uri.username == b"bob"
        assert not config.warnings


@pytest.mark.parametrize("source", ["-x", "variable"])
def test_in_a_url(source: str) -> None:
    """Relative to the current directory."""
    url = "socks5://bob:pass=@pw@h:1"
    variables = {"PROXYWRAP_PROXY": url} if source == "variable" else {}
    config = find_config(Sources(urls=[url] if source == "-x" else [], environ=variables))
    assert config.hops[0].password == b"s3cret:/@ %41"


def test_read_anew() -> None:
    """With the file that names it, from wherever."""
    config = load_config(write("[ProxyList]\nsocks5 h 1 bob pass=@pw\n"))
    Path("conf/pw").write_text("newer")
    os.chdir("/")
    assert reload_config(config).proxies[0].uri.password == b"newer"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "expected pass=@FILE, found no name of a file after it"),
        ("none", "expected a password in "),
        (".", "conf/.: expected a regular file, found another kind"),
        ("empty", "conf/empty: expected a password in its first line, found none"),
        ("long", "conf/long: expected a password of at most 255 bytes, found 256"),
    ],
)
def test_a_file_that_cannot_be_used(name: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the line that names it, and nothing that it holds."""
    Path("conf/empty").write_text("\nsecret\n")
    Path("conf/long").write_text("x" * 256)
    path = write(f"[ProxyList]\n\nsocks5 h 1 bob pass=@{name}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert message in str(caught.value)
    assert "xxx" not in str(caught.value)
    assert ctl.main(["config", "--check", path]) == 1
    assert message in capsys.readouterr().err


def test_a_configuration_that_everybody_can_read() -> None:
    """It is warned of where it holds a password."""
    warning = "conf/a.conf: everybody can read the password in this file: chmod o-r conf/a.conf"
    lines = "[ProxyList]\nsocks5 h 1 bob secret\nhttp://bob:secret@h:1\n"
    assert load_config(write(lines, mode=0o644)).warnings == (warning,)
    assert load_config(write(lines, mode=0o640)).warnings == ()
    assert load_config(write("[ProxyList]\nsocks5 h 1 bob\nhttp h 1\n", mode=0o644)).warnings == ()
    assert load_config(write("[ProxyList]\nhttp h 1 bob pass=@pw\n", mode=0o644)).warnings == ()


def test_a_password_file_that_everybody_can_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, however often it is named."""
    Path("conf/pw").chmod(0o644)
    path = write("[ProxyList]\nsocks5 h 1 bob pass=@pw\nsocks5 i 1 bob pass=@pw\n")
    (warning,) = load_config(path).warnings
    assert (
        warning == f"{here}/conf/pw: everybody can read the password in this file: chmod o-r {here}/conf/pw"
    )
    assert ctl.main(["config", "--check", path]) == 0
    assert f"warning: {warning}\n" in capsys.readouterr().out
