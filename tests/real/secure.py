"""A web server with a certificate for NAME: node's own, as http/1.1 and as h2."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trustme
from e2e.kit.clients import NAME
from e2e.kit.foreign import running
from e2e.kit.origins import ORIGIN, PAYLOAD

from .ours import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.kit.world import World

__all__ = ["Secure", "secure_web"]


@dataclass(frozen=True, slots=True)
class Secure:
    """A running server, and the certificate of the authority that vouches for it."""

    port: int
    authority: Path

    @property
    def url(self) -> str:
        """The server, by the name."""
        return f"https://{NAME}:{self.port}"


@contextlib.contextmanager
def secure_web(world: World) -> Iterator[Secure]:
    """Run the server: GET /bytes, PUT or POST /digest, GET /version for the version of HTTP."""
    home = world.directory / "tls"
    home.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(home / "authority.pem")
    authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(home / "server.pem")
    (home / "payload").write_bytes(PAYLOAD)
    port = world.port()
    argv = ["node", OURS / "secure_web.mjs", ORIGIN, port, home / "server.pem", home / "payload"]
    with running(world, argv, (ORIGIN, port)):
        yield Secure(port, home / "authority.pem")
