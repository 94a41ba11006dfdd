"""The ways through SSH servers that there are, and what is common to them.

Nothing of them is imported before there is one: most chains have no ssh.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint, parse_host
from proxywrap.errors import ProxyUnreachable
from proxywrap.scheme import Scheme
from proxywrap.uri import ProxyURI

if TYPE_CHECKING:
    from proxywrap.net.children import Children
    from proxywrap.net.connector import Deadlines
    from proxywrap.net.tunnel import Below, Tunnel

__all__ = ["Tunnels"]

NOWHERE = Endpoint(IPv4Address("127.0.0.1"), 1)
"""What is asked for where only the server itself is of interest: nobody listens there."""

MAX_LOGINS = 8
"""How many log in by the same hops at a time: sshd turns away some of more than ten (MaxStartups)."""

LONGEST_QUERY_S = 5.0
"""How long ssh may take to say what its configuration is."""


class Tunnels:
    """All tunnels of one event loop.

    Args:
        environ: ssh's environment.
        version: of IP, by which alone first hops are reached; None for either.

    `moments_s` are those of the last tunnel through each server (`Tunnel`).

    """

    def __init__(self, environ: Mapping[str, str], version: int | None = None) -> None:
        self._environ = environ
        self._children: Children | None = None
        self._version = version
        self._tunnels: set[Tunnel] = set()
        self._logins: dict[tuple[ProxyURI, ...], asyncio.Semaphore] = {}
        self.moments_s: dict[ProxyURI, Sequence[float]] = {}

    def owns(self, pid: int) -> bool:
        """Tell whether a process is ours, and not the user's."""
        return self._children is not None and self._children.owns(pid)

    def _workers(self) -> Children:
        """Return what starts ssh, from its first use on."""
        if self._children is None:
            from proxywrap.net.children import Children  # noqa: PLC0415 - see above

            self._children = Children(self._environ)
        return self._children

    async def turn(self, hops: Sequence[ProxyURI]) -> Callable[[], None]:
        """Wait until one more may log in by those of `hops` that are SSH servers.

        Returns:
            What to call when it has, or has given up; more than once does no harm.

        """
        servers = tuple(hop for hop in hops if hop.scheme is Scheme.SSH)
        if not servers:
            return _nothing
        gate = self._logins.setdefault(servers, asyncio.Semaphore(MAX_LOGINS))
        await gate.acquire()
        releases = [gate.release]

        def release() -> None:
            if releases:
                releases.pop()()

        return release

    async def place(self, hop: ProxyURI) -> Endpoint:
        """Return where the server is, as ssh's configuration has it: for the hop before.

        Raises:
            ProxyUnreachable: ssh does not say.

        """
        from proxywrap.net.sshargv import place_query  # noqa: PLC0415 - see above

        said = await self._ask(place_query(hop))
        words = dict(line.partition(" ")[::2] for line in said.splitlines())
        try:
            return Endpoint(parse_host(words["hostname"]), int(words["port"]))
        except (KeyError, ValueError):
            reason = f"ssh does not say where it is: does `ssh -G {hop.host}` print a hostname and a port?"
            raise ProxyUnreachable(reason, errno=errno.ECONNREFUSED) from None

    async def _ask(self, argv: Sequence[str]) -> str:
        """Return what a program prints, in a pipe's length at most."""
        ended = asyncio.Event()
        reading, writing = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        try:
            child = self._workers().start(argv, (null, writing, null), ended.set)
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LONGEST_QUERY_S):
                        await ended.wait()
            finally:
                child.kill()
            return _read_now(reading)
        except OSError as exc:
            raise _cannot_start(exc) from exc
        finally:
            for fd in (reading, writing, null):
                os.close(fd)

    async def open(
        self,
        hop: ProxyURI,
        target: Endpoint | None,
        deadlines: Deadlines,
        below: Below | None,
        on_login: Callable[[], None],
    ) -> Tunnel:
        """Return a tunnel to `target` by way of the server `hop`.

        Args:
            hop: the server.
            target: as it is to be asked for it; None to find out only whether it lets us in.
            deadlines: to connect to it, and for each answer.
            below: what leads to it, owned; None where ssh connects to it.
            on_login: called when it has let us in.

        Raises:
            ProxyUnreachable: it is not there, not the one that it should be, or ssh is not.
            ProxyRefused: it does not let us in, or not to the destination.
            TruncatedError: it hangs up.
            LocalProtocolError: ssh cannot be asked for that.

        """
        from proxywrap.net.sshargv import forwarding  # noqa: PLC0415 - see above
        from proxywrap.net.tunnel import Tunnel  # noqa: PLC0415

        try:
            argv = forwarding(hop, target or NOWHERE, self._version, is_passed=below is not None)
            tunnel = Tunnel(self._workers(), argv, below)
        except BaseException as exc:
            if below is not None:
                below.close()
            if isinstance(exc, OSError):
                raise _cannot_start(exc) from exc
            raise
        tunnel.on_over = self._tunnels.discard
        self._tunnels.add(tunnel)
        self.moments_s[hop] = tunnel.moments_s
        try:
            await tunnel.until_authenticated(deadlines)
            on_login()
            if target is not None:
                await tunnel.until_open(deadlines.read_s)
        except BaseException:
            tunnel.give_up()
            raise
        return tunnel

    def kill(self) -> None:
        """End all, whatever is under way."""
        for tunnel in self._tunnels:
            tunnel.kill()

    async def close(self, limit_s: float) -> None:
        """Wait until all that was sent is on its way, for so long, and end everything."""
        if self._tunnels:
            await asyncio.gather(*(tunnel.end(limit_s) for tunnel in list(self._tunnels)))


def _read_now(fd: int) -> str:
    os.set_blocking(fd, False)
    with suppress(BlockingIOError):
        return os.read(fd, 1 << 16).decode("utf-8", "replace")
    return ""


def _cannot_start(exc: OSError) -> ProxyUnreachable:
    advice = "install OpenSSH's client" if isinstance(exc, FileNotFoundError) else "may you run it?"
    reason = f"ssh cannot be started: {exc.strerror}: {advice}"
    return ProxyUnreachable(reason, errno=errno.ECONNREFUSED)


def _nothing() -> None:
    """Take part in no queue."""
