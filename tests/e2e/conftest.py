"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme

from .kit import foreign, origins
from .kit.building import Builder
from .kit.chains import Chain, chain
from .kit.clients import NAME, Stage
from .kit.world import UNREACHABLE, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Names:
    """Destinations beside NAME that the foreign proxies know."""

    unreachable: str = "far.test"
    unreachable_address: str = UNREACHABLE


HOSTS = {NAME: origins.ORIGIN, Names().unreachable: UNREACHABLE}
PASSWORD = "s3cret:/@%"
"""Holds everything that a URL gives a meaning to."""


@pytest.fixture(scope="session")
def shared_world() -> Iterator[World]:
    """One namespace for all tests; `world` is how a test gets at it."""
    with World() as made:
        yield made


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    """Lend the world, and judge the test at its end: no leak, no process and no file is left."""
    yield shared_world
    stayed = shared_world.wait_deserted()
    leaks = shared_world.judge.acquit()
    files = shared_world.runtime_files()
    for name in files:
        subprocess.run(["rm", "-rf", shared_world.directory / "run" / name], check=True)
    assert stayed == {}, "processes were left behind"
    assert leaks == [], "something went past the wrapper"
    assert files == [], "files were left behind"


@pytest.fixture(scope="session")
def stage(shared_world: World) -> Iterator[Stage]:
    """Run the destinations: web server, echo server and sshd, all on ORIGIN."""
    repositories, upload = shared_world.directory / "git", shared_world.directory / "upload"
    repositories.mkdir()
    upload.write_bytes(origins.PAYLOAD)
    with (
        shared_world.running(origins.http(repositories)) as web,
        shared_world.running(origins.echo()) as echo,
        foreign.sshd(shared_world, origins.ORIGIN) as sshd,
    ):
        yield Stage(shared_world, web, echo, sshd, upload, repositories)


@pytest.fixture(scope="session")
def proxy(shared_world: World) -> Iterator[Callable[[str], str]]:
    """Return the URL of a foreign proxy by its name; each is started when it is first wanted."""
    urls: dict[str, str] = {}
    makers = {
        "microsocks": lambda: foreign.microsocks(shared_world, HOSTS),
        "microsocks-password": lambda: foreign.microsocks(shared_world, HOSTS, password=PASSWORD),
        "dante": lambda: foreign.dante(shared_world, HOSTS),
        "ssh-D": lambda: foreign.ssh_dynamic(shared_world, HOSTS),
        "tinyproxy": lambda: foreign.tinyproxy(shared_world, HOSTS),
    }
    with ExitStack() as stack:

        def start(name: str) -> str:
            if name not in urls:
                urls[name] = stack.enter_context(makers[name]())
            return urls[name]

        yield start


@pytest.fixture
def one_hop(world: World) -> Iterator[Chain]:
    """One SOCKS5 server with a password."""
    with chain(world, [Scheme.SOCKS5]) as made:
        yield made


@pytest.fixture
def three_hops(world: World) -> Iterator[Chain]:
    """SOCKS5 with a password, then SOCKS4a, then HTTP CONNECT."""
    with chain(world, [Scheme.SOCKS5, Scheme.SOCKS4A, Scheme.HTTP]) as made:
        yield made


@pytest.fixture
def names() -> Names:
    """Return what the foreign proxies know beside NAME."""
    return Names()


@pytest.fixture(scope="session")
def compiled(shared_world: World) -> Builder:
    """Return what compiles the programs."""
    return Builder(shared_world.directory)
