"""Where the runtime directory is made: nowhere that somebody else could put another in its place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper import directory

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an empty directory with a short path that the environment names as the best place."""
    with tempfile.TemporaryDirectory(prefix="pw-", dir="/tmp") as made:
        monkeypatch.setenv("XDG_RUNTIME_DIR", made)
        monkeypatch.delenv("TMPDIR", raising=False)
        yield Path(made)


def test_modes(given: Path) -> None:
    """Where others may write, the sticky bit must keep them from what is ours."""
    fit = []
    for mode in (0o700, 0o755, 0o777, 0o770, 0o1777, 0o1770):
        given.chmod(mode)
        if str(given) in directory.places():
            fit.append(mode)
    assert fit == [0o700, 0o755, 0o1777, 0o1770]


def test_owners(given: Path) -> None:
    """Root's and our own are used."""
    os.chown(given, 4242, 0)
    assert str(given) not in directory.places()
    os.chown(given, directory.OVERFLOW_UID, 0)
    assert str(given) in directory.places()


@pytest.mark.parametrize("place", ["relative", "/tmp/a b", "/tmp/a:b", "/tmp/" + "n" * 50, "/tmp/not/there"])
def test_paths(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """One that LD_PRELOAD or a socket's address cannot hold, or that is not there, is passed over."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", place)
    assert place not in directory.places()


def test_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many variables name it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp/")
    monkeypatch.setenv("TMPDIR", "/tmp")
    assert list(directory.places()).count("/tmp") == 1


def test_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there is no directory, and nothing to be removed."""
    monkeypatch.setattr(directory, "places", lambda: iter(["/proc", "/sys"]))
    assert directory.make_directory() is None
    directory.remove_directory(None)


def test_names() -> None:
    """A helper is known by the names of its sockets."""
    assert directory.is_reload_name("/tmp/proxywrap-0/reload")
    assert directory.is_reload_name(directory.abstract_reload_name("proxywrap-0"))
    assert not directory.is_reload_name("/tmp/other-0/reload")
    assert not directory.is_reload_name("proxywrap-0/control")
