"""When the file is looked at, and what happens to one that cannot be used."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from proxywrap.config import Config
from proxywrap.events import Event, Reloaded
from proxywrap.helper.reload import Reloader
from proxywrap.parser import config_from_urls
from proxywrap.reading import load_config

FILE = "[ProxyList]\nhttp {} 1\n"


class Bench:
    """A reloader of a file, with a clock that the test sets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now_s = 0.0
        self.adopted: list[Config] = []
        self.events: list[Event] = []
        path.write_text(FILE.format("a"))
        config = load_config(str(path))
        self.reloader = Reloader(config, self.adopted.append, self.events.append, lambda: self.now_s)

    def write(self, text: str, *, age_s: float = 0.0) -> None:
        """Change the file, some time ago."""
        self.path.write_text(text)
        self.set_age(age_s)

    def set_age(self, age_s: float) -> None:
        """Have it look as if it had been changed then; its ctime is what cannot be set."""
        changed_s = time.time() - age_s
        os.utime(self.path, (changed_s, changed_s))

    def look(self, after_s: float) -> list[str]:
        """Look some time later; return the hosts of what was adopted since."""
        self.now_s += after_s
        self.reloader.look()
        hosts = [str(entry.uri.host) for config in self.adopted for entry in config.proxies]
        self.adopted.clear()
        return hosts


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a reloader of a file."""
    return Bench(tmp_path / "a.conf")


def test_a_change_counts_when_it_has_rested(bench: Bench) -> None:
    """What is being written is not half read."""
    assert bench.look(1.5) == []
    bench.write("[Pro")
    assert bench.look(1.0) == []
    bench.write(FILE.format("b"))
    assert bench.look(1.0) == []
    assert bench.look(1.0) == ["b"]
    assert bench.look(1.0) == []
    assert bench.events == [Reloaded(str(bench.path), None)]


def test_an_old_change_counts_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request came since."""
    bench.write(FILE.format("b"))
    later_s = time.time() + 3600
    monkeypatch.setattr("proxywrap.helper.reload.time.time", lambda: later_s)
    assert bench.look(3600) == ["b"]


def test_it_looks_once_in_a_second(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests there are."""
    looks: list[str] = []
    monkeypatch.setattr("proxywrap.helper.reload.current_stamp", looks.append)
    for _ in range(1000):
        bench.look(0.01)
    assert 9 <= len(looks) <= 10


def test_a_broken_file_is_told_of_once(bench: Bench) -> None:
    """What is in effect stays; the next change is looked at again."""
    bench.write("frob\n")
    for _ in range(5):
        assert bench.look(1.0) == []
    (event,) = bench.events
    assert isinstance(event, Reloaded)
    assert event.error == f"{bench.path}:1: expected an option, found 'frob'"
    bench.write(FILE.format("b"))
    bench.look(1.0)
    assert bench.look(1.0) == ["b"]


def test_a_file_that_is_gone_for_a_moment(bench: Bench) -> None:
    """Whoever replaces it need not be quick."""
    bench.path.unlink()
    assert bench.look(1.0) == bench.look(1.0) == []
    assert bench.events == []
    bench.write(FILE.format("b"))
    bench.look(1.0)
    assert bench.look(1.0) == ["b"]


def test_asked_for_it_does_not_wait(bench: Bench) -> None:
    """Whoever asks has done writing; a file that is not there is told of."""
    bench.write(FILE.format("b"))
    assert bench.reloader.reload() is None
    assert bench.look(0) == ["b"]
    assert bench.look(2.0) == []
    bench.path.unlink()
    expected = f"{bench.path}: expected a file that can be read, found: No such file or directory"
    assert bench.reloader.reload() == expected
    assert bench.events == [Reloaded(str(bench.path), None), Reloaded(str(bench.path), expected)]


def test_warnings_are_told(bench: Bench) -> None:
    """As at the start."""
    bench.write("[ProxyList]\nsocks4 a 1 bob secret\n")
    bench.reloader.reload()
    (event,) = bench.events
    assert isinstance(event, Reloaded)
    assert "socks4 has no password" in event.warnings[0]


def test_no_file() -> None:
    """There is nothing to look at; whoever asks hears that."""
    events: list[Event] = []
    reloader = Reloader(config_from_urls(["http://a"]), lambda _: None, events.append, lambda: 100.0)
    reloader.look()
    assert not reloader.has_file
    assert reloader.source == "-x"
    assert reloader.reload() == "-x: expected a file that can be read anew, found what is read once only"
    assert events == [
        Reloaded("-x", "-x: expected a file that can be read anew, found what is read once only")
    ]
