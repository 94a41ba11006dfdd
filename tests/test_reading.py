"""A file read anew: what may have changed, and what must not have."""

from __future__ import annotations

import os
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from proxywrap.config import Config
from proxywrap.engines import Engine
from proxywrap.errors import ConfigError
from proxywrap.reading import MAX_FILE_BYTES, current_stamp, load_config, reload_config

FILE = "[ProxyList]\nhttp {} 1\n[chain two]\nhttp b 2\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file, by a name that is good in this directory only."""
    monkeypatch.chdir(tmp_path)
    path = Path("a.conf")
    path.write_text(FILE.format("a"))
    return path


@pytest.fixture
def config(path: Path) -> Config:
    """Return what it says."""
    return load_config(str(path))


def test_it_is_found_from_everywhere(path: Path, config: Config) -> None:
    """Its name in errors is the one that the user gave."""
    path.write_text(FILE.format("c"))
    os.chdir("/")
    new = reload_config(config)
    assert [str(each.uri.host) for each in new.proxies] == ["c"]
    assert new.source == new.file == "a.conf"
    assert new.stamp == current_stamp(new.stamp.path if new.stamp else "")
    assert new.stamp != config.stamp


def test_what_was_chosen_for_the_command_stays(path: Path, config: Config) -> None:
    """-c, --engine and the fake addresses that programs have."""
    path.write_text("engine both\nremote_dns_subnet 10\ntcp_read_time_out 7\n" + FILE.format("c"))
    new = reload_config(config.with_chain("two").with_engine("seccomp"))
    assert new.chain == "two"
    assert new.options.engine is Engine.SECCOMP
    assert new.options.fake_network_v4 == IPv4Network("198.18.0.0/15")
    assert new.options.tcp_read_time_out_ms == 7


def test_other_files_stay_where_they_were(path: Path) -> None:
    """What is relative to the current directory at the start is so still, in the helper's as well."""
    Path("ca.pem").touch()
    path.write_text("[ProxyList]\nhttps a 443 ca=ca.pem\n")
    config = load_config(str(path))
    os.chdir("/")
    assert reload_config(config).proxies[0].uri == config.proxies[0].uri
    assert os.getcwd() == "/"


def replace_by_directory(path: Path) -> None:
    """Put a directory in its place."""
    path.unlink()
    path.mkdir()


def replace_by_pipe(path: Path) -> None:
    """Put a pipe in its place, at which a reader would wait for ever."""
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Path.unlink, "a.conf: expected a file that can be read, found: No such file or directory"),
        (replace_by_directory, "a.conf: expected a regular file, found another kind in its place"),
        (replace_by_pipe, "a.conf: expected a regular file, found another kind in its place"),
        (lambda path: path.write_text("frob\n"), "a.conf:1: expected an option, found 'frob'"),
        (lambda path: path.write_bytes(b"#" * (MAX_FILE_BYTES + 1)), "a.conf: expected a file of at most"),
        (
            lambda path: path.write_text("[ProxyList]\nhttp a 1\n"),
            "a.conf: -c two: expected one of the chains",
        ),
        (lambda path: path.chmod(0o664), "a.conf: expected a file that nobody else may write to, as before"),
        (lambda path: path.chmod(0o646), "a.conf: expected a file that nobody else may write to, as before"),
    ],
)
def test_what_cannot_be_used(path: Path, config: Config, change: object, message: str) -> None:
    """It says why, by the name that the user gave."""
    config = config.with_chain("two")
    assert callable(change)
    change(path)
    with pytest.raises(ConfigError) as caught:
        reload_config(config)
    assert str(caught.value).startswith(message)


def test_another_owner(config: Config) -> None:
    """Whoever could put a file there is not who was trusted at the start."""
    assert config.stamp is not None
    before = replace(config, stamp=config.stamp._replace(owner=1234))
    with pytest.raises(
        ConfigError, match=f"expected a file of the user 1234, as before, found one of {os.geteuid()}"
    ):
        reload_config(before)


def test_a_file_that_all_could_write_to_before(path: Path) -> None:
    """What its user accepted at the start counts."""
    path.chmod(0o666)
    config = load_config(str(path))
    path.write_text(FILE.format("c"))
    assert reload_config(config).proxies != config.proxies


@pytest.mark.parametrize("kind", ["pipe", "descriptor"])
def test_what_is_read_once_only(path: Path, config: Config, kind: str) -> None:
    """A pipe, and a descriptor that the helper does not have."""
    if kind == "pipe":
        reader, writer = os.pipe()
        os.write(writer, path.read_bytes())
        os.close(writer)
    else:
        reader = os.open(path, os.O_RDONLY)
    try:
        once = load_config(f"/dev/fd/{reader}")
    finally:
        os.close(reader)
    assert once.proxies[0].uri == config.proxies[0].uri
    assert once.stamp is None
    with pytest.raises(ConfigError, match="found what is read once only"):
        reload_config(once)


def test_every_change_shows(path: Path) -> None:
    """Its place taken by another file, its length, and its time, which a program may set back."""
    before = current_stamp(str(path.absolute()))
    assert before is not None
    info = path.stat()
    path.write_text(path.read_text().replace("a", "b"))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    after = current_stamp(str(path.absolute()))
    assert after is not None
    assert after != before
    assert current_stamp("/nowhere") is None
