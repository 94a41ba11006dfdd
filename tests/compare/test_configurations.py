"""The same files read by proxychains4 and by proxywrap: which proxies are asked, and for what."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from e2e.kit.clients import PROGRAMS, PROXYWRAP
from e2e.kit.dead import DEAD
from e2e.kit.world import World

from proxywrap.protocol.greeting import NOBODY
from proxywrap.testing import SocksServer

from .configurations import CONFIGURATIONS, DIFFERENCES, NAME, OTHER, REMOTE, SIX, Configuration
from .far import serving

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from proxywrap.testing.accesslog import Access

LOCAL = "127.0.0.2"


class Seen(NamedTuple):
    """What a wrapper did with a file: how the connections ended, and what each proxy was asked for.

    Not with which error: to proxychains4 every one is ECONNREFUSED.
    """

    outcomes: list[str]
    asked: dict[str, list[str]]

    def without_lots(self) -> Seen:
        """Return what does not depend on the lots that were drawn."""
        everything = sorted({request.split()[0] for requests in self.asked.values() for request in requests})
        return Seen(self.outcomes, {"some": everything})


class Scene:
    """Proxies and destinations in a world of their own."""

    def __init__(self, world: World, stack: contextlib.ExitStack) -> None:
        self._world = world
        for address in (REMOTE, OTHER, "198.51.100.8"):
            self._add(address)
        self._add(SIX)
        names = {NAME: REMOTE}
        users = {b"alice": b"secret", b"bob": b""}
        self._proxies = {
            "a": stack.enter_context(world.running(SocksServer(names=names))),
            "b": stack.enter_context(world.running(SocksServer(names=names))),
            "c": stack.enter_context(world.running(SocksServer(names=names))),
            "u": stack.enter_context(world.running(SocksServer(names=names, users=users))),
        }
        self._ports = {name: server.port for name, server in self._proxies.items()}
        self._ports["dead"] = stack.enter_context(world.running(DEAD["refused"]())).port
        self._ports["silent"] = stack.enter_context(world.running(DEAD["silent"]())).port
        self._ports["port"], self._ports["port2"] = world.port(), world.port()
        for port in (self._ports["port"], self._ports["port2"]):
            for host in (REMOTE, OTHER, SIX, LOCAL):
                stack.enter_context(world.running(serving(_echo, host, port)))

    def _add(self, address: str) -> None:
        enter = ["nsenter", f"--net={self._world.namespace}"]
        subprocess.run([*enter, "ip", "addr", "add", address, "dev", "lo"], check=True)

    def run(self, wrapper: list[object], configuration: Configuration) -> Seen:
        """Connect behind a wrapper that reads the configuration's file."""
        file = self._world.directory / "compared.conf"
        file.write_bytes(configuration.text.format(**self._ports).encode())
        for server in self._proxies.values():
            server.log.clear()
        argv = [sys.executable, PROGRAMS / "connects.py", configuration.host, self._ports["port"]]
        result = self._world.run([*wrapper, "-f", file, *argv, configuration.times], expect=None)
        self._world.judge.acquit()
        outcomes = [
            "connected" if line.startswith("connected ") else "failed" for line in result.text.splitlines()
        ]
        asked = {
            name: [self._request(access) for access in server.log if _is_request(access)]
            for name, server in self._proxies.items()
        }
        return Seen(outcomes, {name: requests for name, requests in asked.items() if requests})

    def _request(self, access: Access) -> str:
        """Return a request in words, with letters for the proxies' ports."""
        destination = access.destination
        for name, port in self._ports.items():
            destination = destination.replace(f":{port}", f":{name}")
        return " ".join(filter(None, [destination, access.scheme, access.username]))


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.write_eof()


def _is_request(access: Access) -> bool:
    """Tell whether something was asked for: proxywrap greets a proxy before it relies on it."""
    return access.host is not None and access.destination != str(NOBODY)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Set it."""
    with World() as world, contextlib.ExitStack() as stack:
        yield Scene(world, stack)


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.id)
def test_a_file_means_the_same(scene: Scene, configuration: Configuration) -> None:
    """The same proxies are asked for the same things, and the program sees the same, but for DIFFERENCES."""
    theirs = scene.run(["proxychains4", "-q"], configuration)
    ours = scene.run([PROXYWRAP, "-q"], configuration)
    if configuration.is_drawn:
        theirs, ours = theirs.without_lots(), ours.without_lots()
    if configuration.id in DIFFERENCES:
        assert ours != theirs, DIFFERENCES[configuration.id]
    else:
        assert ours == theirs
