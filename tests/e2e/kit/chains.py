"""Chains of the bundled server, on the world's loop; only the last hop knows where NAME leads."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxywrap.scheme import Scheme
from proxywrap.testing import Script, SocksServer

from .clients import NAME
from .origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .world import World

__all__ = ["Chain", "chain"]

USERS = {b"alice": b"p@ss:w/rd"}


@dataclass(frozen=True, slots=True)
class Chain:
    """Running servers, and the URLs that lead through them in order."""

    servers: list[SocksServer]
    urls: list[str]

    def asked_of(self, hop: int) -> set[str]:
        """Return the hosts that a hop was asked to connect to."""
        return {str(access.host) for access in self.servers[hop].log}


def _waits(script: Script | None) -> bool:
    """Return whether a script waits for the destination to speak first, which a next hop never does."""
    return script is not None and script.is_coalescing


@contextlib.contextmanager
def chain(world: World, schemes: Sequence[Scheme], script: Script | None = None) -> Iterator[Chain]:
    """Run one server for each scheme, each behaving like `script`; those of SOCKS5 ask for a password."""
    with contextlib.ExitStack() as stack:
        servers = []
        for number, scheme in enumerate(schemes, 1):
            server = SocksServer(
                names={NAME: ORIGIN} if number == len(schemes) else {},
                users=USERS if scheme is Scheme.SOCKS5 else {},
                script=script if number == len(schemes) or not _waits(script) else None,
            )
            servers.append(stack.enter_context(world.running(server)))
        yield Chain(
            servers, [server.url_for(scheme) for server, scheme in zip(servers, schemes, strict=True)]
        )
