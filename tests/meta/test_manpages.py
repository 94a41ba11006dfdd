"""The manual pages are what the README and the programs say, and nothing that can be written is missing."""

from __future__ import annotations

import importlib.util
import subprocess
from typing import TYPE_CHECKING

import pytest

from proxywrap.engines import Engine
from proxywrap.hopoptions import _OPTIONS
from proxywrap.keywords import KEYWORDS
from proxywrap.scheme import KINDS

from .shim_object import ROOT

if TYPE_CHECKING:
    from types import ModuleType

PAGES = ["proxywrap.1", "proxywrapctl.1", "proxywrap.conf.5"]


@pytest.fixture(scope="module")
def manpages() -> ModuleType:
    """Return the module that makes them, which is not installed."""
    spec = importlib.util.spec_from_file_location("manpages", ROOT / "docs/manpages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(page: str) -> str:
    """Return a page as `man` shows it, in wide lines; no warning may be said."""
    seen = subprocess.run(
        ["man", "--warnings", "-l", ROOT / "man" / page],
        env={"LC_ALL": "C.UTF-8", "MANWIDTH": "1000", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stderr == ""
    return seen.stdout


def test_they_are_up_to_date(manpages: ModuleType) -> None:
    """`make man` would change nothing."""
    pages = manpages.pages()
    assert list(pages) == PAGES
    for page, text in pages.items():
        assert (ROOT / "man" / page).read_text("utf-8") == text, "run `make man`"


@pytest.mark.parametrize("page", PAGES)
def test_man_shows_them(page: str) -> None:
    """Each has a name that whatis(1) finds, and no word of markup."""
    text = shown(page)
    name = page.rpartition(".")[0]
    assert f"\n       {name} - " in text
    assert "\\f" not in text
    assert "](" not in text


def test_everything_is_in_them() -> None:
    """Each keyword, kind of proxy and engine is explained, and each option of the programs."""
    configuration, prefix, control = shown("proxywrap.conf.5"), shown("proxywrap.1"), shown("proxywrapctl.1")
    for word in [*KEYWORDS, *(f"{kind}://" for kind in KINDS), *(f"{name}=" for name in _OPTIONS)]:
        assert word in configuration
    for word in [*map(str, Engine), "-f FILE", "-x URL", "-q", "-v", "-c NAME", "-4", "-6", "--log FILE"]:
        assert word in prefix
    for word in ("check", "config", "reload", "serve", "--json", "--from-proxychains FILE", "-h, --help"):
        assert word in control
