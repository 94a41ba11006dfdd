"""Browsers, their sandboxes on and without a word about a proxy, at a page that only the proxy can find."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import NAME, wrap
from e2e.kit.foreign import running

from .marionette import render
from .page import SUMS, Site, site
from .user import User

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.kit.chains import Chain
    from e2e.kit.clients import Words
    from e2e.kit.world import World

CHROMIUM = ["chromium", "--headless", "--disable-gpu", "--dump-dom"]
PREFERENCES = 'user_pref("marionette.port", {port});\n'


@pytest.fixture
def page(world: World) -> Iterator[Site]:
    """Serve the page."""
    with world.running(site()) as made:
        yield made


def _shown(document: str) -> list[str]:
    found = re.search(r'<pre id="sums">(.*?)</pre>', document, re.DOTALL)
    return found[1].splitlines() if found else [document]


def _is_confined(pid: int) -> bool:
    """Return whether a process has a seccomp filter, and processes and a network of its own."""
    ours, its = Path("/proc/self"), Path(f"/proc/{pid}")
    namespaces = ("ns/pid", "ns/net")
    parted = [(its / name).readlink() != (ours / name).readlink() for name in namespaces]
    return all(parted) and "\nSeccomp:\t2\n" in (its / "status").read_text()


def _see_page(world: World, prefix: Words, page: Site, user: User, *options: str) -> None:
    """Have Chromium show the page; what it runs the page's script in must be confined."""
    renderers: dict[int, bool] = {}

    def look() -> None:
        renderers.update((pid, _is_confined(pid)) for pid in user.processes("--type=renderer"))

    page.at_gate = look
    result = world.run([*prefix, *user.words, *CHROMIUM, *options, page.url])
    assert _shown(result.text) == SUMS
    assert renderers != {}
    assert all(renderers.values()), renderers


def test_chromium_in_a_user_namespace(world: World, one_hop: Chain, page: Site, user: User) -> None:
    """The sandbox that it has where an ordinary user may make namespaces."""
    _see_page(world, wrap(one_hop.urls), page, user)
    assert NAME in one_hop.asked_of(0)
    assert world.judge.leaks == []


def test_chromium_in_its_setuid_sandbox(world: World, one_hop: Chain, page: Site, user: User) -> None:
    """The older sandbox is a setuid program, so the configuration must allow it by name."""
    configuration = user.home / "configuration"
    configuration.write_text(f"allow_unwrapped */chrome-sandbox\n[ProxyList]\n{one_hop.urls[0]}\n")
    _see_page(world, wrap([], "-f", configuration), page, user, "--disable-namespace-sandbox")
    assert NAME in one_hop.asked_of(0)
    assert world.judge.leaks == []


def test_firefox(world: World, one_hop: Chain, page: Site, user: User) -> None:
    """Told by its remote control where to go, and asked what it sees there."""
    port, profile = world.port(), user.directory("profile")
    (profile / "user.js").write_text(PREFERENCES.format(port=port))
    firefox = ["firefox-esr", "--headless", "--marionette", "--profile", profile]
    with running(world, [*wrap(one_hop.urls), *user.words, *firefox], ("127.0.0.1", port)):
        document = world.call(render, port, page.url)
    assert _shown(document) == SUMS
    assert NAME in one_hop.asked_of(0)
    assert world.judge.leaks == []
