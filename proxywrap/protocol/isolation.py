"""On whose behalf a chain is gone through, for proxies that keep connections apart by their credentials.

Tor, for one: connections with different credentials take different circuits
(IsolateSOCKSAuth), and so leave it at different places. The credentials tell
nothing, for they are a digest with a key that nobody else has.

The user name is the one by which Tor knows that the password is nothing but
such a value (spec.torproject.org, socks-extensions, "Interpreting usernames
and passwords"). To any other proxy it is as good as another.
"""

from __future__ import annotations

from typing import NamedTuple

from proxywrap.address import Host, unmapped
from proxywrap.hopoptions import Isolate

__all__ = ["UNASKED", "USERNAME", "Isolation"]

USERNAME = b"<torS0X>0"

_DIGEST_BYTES = 16


class Isolation(NamedTuple):
    """Who asks for what; neither, where proxies are only found out about.

    `secret` is the same for all of one helper's connections. `process` names
    the application's process as no other one ever was. `destination` is the
    host at the end of the chain, without its port: who is there can join what
    comes by several.
    """

    secret: bytes = b""
    process: bytes = b""
    destination: Host | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Isolation(process={self.process!r}, destination={self.destination!r})"

    def credentials(self, isolate: Isolate) -> tuple[bytes, bytes]:
        """Return the user name and the password."""
        from hashlib import blake2s  # noqa: PLC0415 - libcrypto comes with it, for few chains

        what = self.process if isolate is Isolate.PROCESS else _spelled(self.destination)
        digest = blake2s(isolate.encode() + b"\0" + what, digest_size=_DIGEST_BYTES, key=self.secret)
        return USERNAME, digest.hexdigest().encode()


UNASKED = Isolation()
"""Of connections that no application has asked for."""


def _spelled(host: Host | None) -> bytes:
    return b"" if host is None else str(unmapped(host)).encode("utf-8", "surrogateescape")
