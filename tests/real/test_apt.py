"""apt-get as root, whose methods fetch as another user, from a repository that only the proxy can find."""

from __future__ import annotations

import contextlib
import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import NAME, wrap
from e2e.kit.origins import PAYLOAD, PAYLOAD_DIGEST, digest, serving, until_closed
from e2e.kit.web import Answer, read_request

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterator

    from e2e.kit.chains import Chain
    from e2e.kit.world import World

CONTROL = """\
Package: payload
Version: 1
Architecture: all
Maintainer: nobody <nobody@site.test>
Description: random bytes
"""
METHOD = "/usr/lib/apt/methods/http"


def _users_of(program: str) -> set[int]:
    """Return who runs a program, on the whole machine."""
    users = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cmdline").read_bytes().split(b"\0")[0].decode() == program:
                users.add(entry.stat().st_uid)
    return users


class Repository:
    """A directory on the web, and who was there for packages."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = 0
        self.users: set[int] = set()

    def build(self) -> None:
        """Make the package and the index of it."""
        root = self.directory / "root"
        (root / "DEBIAN").mkdir(parents=True)
        (root / "DEBIAN" / "control").write_text(CONTROL)
        (root / "payload").write_bytes(PAYLOAD)
        self._run("dpkg-deb", "-Znone", "--build", "root", "payload.deb")
        (self.directory / "Packages").write_bytes(self._run("apt-ftparchive", "packages", "payload.deb"))
        (self.directory / "Release").write_bytes(self._run("apt-ftparchive", "release", "."))

    def _run(self, *command: str) -> bytes:
        return subprocess.run(command, cwd=self.directory, check=True, stdout=subprocess.PIPE).stdout

    def answer(self, target: str) -> Answer:
        """Serve a file."""
        path = self.directory / target.removeprefix("/").removeprefix("./")
        if not path.is_file():
            return Answer(b"", "404 Not Found")
        if path.suffix == ".deb":
            self.users |= _users_of(METHOD)
        return Answer(path.read_bytes())


@contextlib.asynccontextmanager
async def _served(repository: Repository) -> AsyncIterator[Repository]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(repository.answer((await read_request(reader, writer)).target).pack())
        await until_closed(writer)

    async with serving(handle) as origin:
        repository.port = origin.port
        yield repository


@pytest.fixture
def repository(world: World, scratch: Path) -> Iterator[Repository]:
    """Serve a repository with one package, which nobody signed."""
    made = Repository(scratch / "repository")
    made.build()
    with world.running(_served(made)):
        yield made


@pytest.fixture
def machine(world: World, repository: Repository) -> Iterator[Path]:
    """Return a directory that is apt's whole machine: nothing installed, one source."""
    root = world.directory / "machine"
    for name in (
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "var/lib/dpkg",
        "var/cache/apt/archives/partial",
    ):
        (root / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    source = f"deb [trusted=yes] http://{NAME}:{repository.port} ./\n"
    (root / "etc/apt/sources.list").write_text(source)
    yield root
    subprocess.run(["rm", "-rf", root], check=True)


def test_apt_get(world: World, one_hop: Chain, repository: Repository, machine: Path) -> None:
    """The index and the package arrive, and they were fetched by the user that apt has for it."""
    options = ["-q", "-o", f"Dir={machine}", "-o", f"Dir::State::status={machine}/var/lib/dpkg/status"]
    apt = [*wrap(one_hop.urls), "apt-get", *options, "-o", "Dir::Bin::methods=/usr/lib/apt/methods"]
    world.run([*apt, "update"])
    world.run([*apt, "install", "--download-only", "-y", "payload"])
    (package,) = (machine / "var/cache/apt/archives").glob("*.deb")
    unpacked = machine / "unpacked"
    subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
    assert digest((unpacked / "payload").read_bytes()) == PAYLOAD_DIGEST
    assert repository.users == {pwd.getpwnam("_apt").pw_uid}
    assert one_hop.asked_of(0) == {NAME}
    assert world.judge.leaks == []
