"""One way through an SSH server: an `ssh -W` from its start to its end.

Theory of operation
-------------------

ssh has one end of a socketpair as stdin and stdout; the other end is the way.
We keep a copy of ssh's end, so that it is we who say when nothing more comes:
ssh closes a copy of its own for that, of which nobody hears. stderr tells what
it is doing (`sshlog`), and is read as long as ssh runs, or it would block.

Behind other hops ssh gets its connection from a ProxyCommand that finds it as
a message on stderr, a socketpair too then: ssh closes every other descriptor.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from proxywrap.errors import ProxyRefused, ProxyUnreachable, TimedOut
from proxywrap.net.carrier import Carrier
from proxywrap.net.children import Children
from proxywrap.net.connector import Deadlines
from proxywrap.net.lent import ANSWERS_EACH
from proxywrap.net.sshlog import SshLog

__all__ = ["Below", "Tunnel"]

LONGEST_END_S = 60.0
"""How long a way that nobody uses any more may take to end, as long as FIN_WAIT2 lasts (tcp(7))."""

LINGER_S = 2.0
"""How much longer ssh may take for its last bytes, in the end, when it has read all of them."""

_CHUNK_BYTES = 1 << 16

_LAST_CHUNKS = 16
"""As much as there can be to be read when ssh has ended."""

_LINE_BYTES = 1 << 12
"""What is heard of a line: a server's banner can be as long as it likes."""


class Below:
    """What leads to the server: a socket, and a carrier for its bytes where it does not lead there by itself.

    `on_end` is called when the carrier has ended.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.carrier: Carrier | None = None
        self.on_end: Callable[[], None] = _nothing

    def note_end(self) -> None:
        """Have no carrier any more."""
        self.carrier = None
        self.on_end()

    def finish(self) -> None:
        """Let the carrier end when it has sent all: nothing more will come from ssh."""
        if self.carrier is None:
            return
        if self.carrier.has_sent_all:
            self.carrier.close()
        else:
            self.carrier.on_sent = self.carrier.close

    def close(self) -> None:
        """Close everything now."""
        self.sock.close()
        if self.carrier is not None:
            self.carrier.abort()


class Tunnel:
    """One ssh; made by `Tunnels`.

    Args:
        children: starts it.
        argv: how it is called.
        below: what leads to its server, owned; None where it connects by itself.

    `sock` is the way, non-blocking, its taker's. `moments_s` are those of the
    start, of the connection, of the login and of the destination's answer.
    `on_over` is called once, when `is_over`.

    Raises:
        OSError: ssh cannot be started.

    """

    def __init__(self, children: Children, argv: Sequence[str], below: Below | None) -> None:
        self.log = SshLog()
        self.moments_s = [time.monotonic()]
        self.is_broken = False
        self.has_stirred = asyncio.Event()
        self.on_over: Callable[[Tunnel], None] = _forget
        self._on_break: Callable[[], None] = _nothing
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._partial = b""
        self._below = below
        if below is not None:
            below.on_end = self._stir
        self.sock, self._theirs = socket.socketpair()
        self.sock.setblocking(False)
        self._ears, mouth = _hearing(below)
        try:
            fd = self._theirs.fileno()
            self._child = children.start(argv, (fd, fd, mouth), self._note_end)
        except OSError:
            self.sock.close()
            self._theirs.close()
            os.close(self._ears)
            raise
        finally:
            os.close(mouth)
        self._loop.add_reader(self._ears, self._hear)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and all is on its way that it has said to its server."""
        return self._child.has_ended and (self._below is None or self._below.carrier is None)

    # -- use ---------------------------------------------------------------

    async def until_authenticated(self, deadlines: Deadlines) -> None:
        """Wait until the server has let us in, or more is known.

        Raises:
            ProxyUnreachable: it is not there, not the one that it should be, or too slow.
            ProxyRefused: it does not let us in.
            TruncatedError: it is no SSH server.

        """
        until_s = self._loop.time() + deadlines.connect_s
        login_by_s = math.inf
        log = self.log
        while not (log.is_authenticated or log.is_open or log.refusal):
            if self._child.has_ended:
                raise log.fault()
            if log.is_connected and login_by_s == math.inf:
                login_by_s = self._loop.time() + ANSWERS_EACH * deadlines.read_s
            by_s = login_by_s if log.is_connected else until_s
            if not await self._stirs_until(by_s, deadlines.read_s):
                if log.is_connected:
                    raise TimedOut(deadlines.read_s)
                reason = (
                    f"cannot be connected to within {deadlines.connect_s:g} s: is its address right, "
                    "and no firewall in between?"
                )
                raise ProxyUnreachable(reason, errno=errno.ETIMEDOUT)

    async def until_open(self, limit_s: float) -> None:
        """Wait until the destination is connected to.

        Raises:
            ProxyRefused: it is not.
            TruncatedError: the server hangs up.

        """
        by_s = self._loop.time() + limit_s
        while not self.log.is_open:
            if self.log.refusal is not None:
                raise self.log.refusal
            if self._child.has_ended:
                raise self.log.fault()
            if not await self._stirs_until(by_s, limit_s):
                reason = f"did not connect to it within {limit_s:g} s"
                raise ProxyRefused(reason, errno=errno.ETIMEDOUT, is_destination_fault=True)

    async def _stirs_until(self, by_s: float, limit_s: float) -> bool:
        """Return whether anything happens by then, and within `limit_s`."""
        if by_s <= self._loop.time():
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(min(limit_s, by_s - self._loop.time())):
                await self.has_stirred.wait()
                return True
        return False

    def tell_break(self, on_break: Callable[[], None]) -> None:
        """Call `on_break` when ssh ends without its server having ended the way, or at once if it has."""
        self._on_break = on_break
        if self.is_broken:
            on_break()

    # -- the end -----------------------------------------------------------

    def kill(self) -> None:
        """End it now."""
        self._on_break = _nothing
        self._child.kill()

    def give_up(self) -> None:
        """End it now, and with it the way, which nobody has taken."""
        self.sock.close()
        self.kill()

    def release(self) -> None:
        """Let it end by itself: nobody uses the way any more."""
        self._on_break = _nothing
        if self._timer is None and not self.is_over:
            self._timer = self._loop.call_later(LONGEST_END_S, self.kill)

    async def end(self, limit_s: float) -> None:
        """Wait until all is on its way, for so long, and end it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not (self.log.has_sent_all or self.log.is_shared or self.is_over):
                    await self.has_stirred.wait()
                async with asyncio.timeout(LINGER_S):
                    await self._until_over()
        self.kill()
        if self._below is not None:
            self._below.close()
        await self._until_over()

    async def _until_over(self) -> None:
        while not self.is_over:
            await self.has_stirred.wait()

    def _note_end(self) -> None:
        self._hear(_LAST_CHUNKS)
        self._loop.remove_reader(self._ears)
        os.close(self._ears)
        self._theirs.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._below is not None:
            self._below.finish()
        if self.log.is_open and not (self.log.has_received_all or self.log.is_shared):
            self.is_broken = True
            self._on_break()
        self._stir()

    # -- what it says ------------------------------------------------------

    def _hear(self, chunks: int = 1) -> None:
        """Read so much of what it says, that others get their turn."""
        try:
            for _ in range(chunks):
                data = os.read(self._ears, _CHUNK_BYTES)
                if not data:
                    break
                first, *others = data.split(b"\n")
                lines = [self._partial + first[: _LINE_BYTES - len(self._partial)], *others]
                self._partial = lines.pop()[:_LINE_BYTES]
                for line in lines:
                    self._take(line.decode("utf-8", "replace"))
            else:
                return
        except BlockingIOError:
            return
        except ConnectionResetError:  # the connection that it was passed has not been taken
            pass
        self._loop.remove_reader(self._ears)

    def _take(self, line: str) -> None:
        log, had_received_all = self.log, self.log.has_received_all
        log.take(line)
        reached = (log.is_connected, log.is_authenticated, log.is_open or log.refusal is not None)
        while len(self.moments_s) <= sum(reached):
            self.moments_s.append(time.monotonic())
        if log.has_received_all and not had_received_all:
            with suppress(OSError):  # the way is closed
                self._theirs.shutdown(socket.SHUT_WR)
        self._stir()

    def _stir(self) -> None:
        self.has_stirred.set()
        self.has_stirred = asyncio.Event()
        if self.is_over:
            self.on_over(self)


def _hearing(below: Below | None) -> tuple[int, int]:
    """Return where ssh is heard, and its stderr; the socket that is passed on is ssh's then."""
    if below is None:
        ears, mouth = os.pipe()
        os.set_blocking(ears, False)
        return ears, mouth
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    socket.send_fds(ours, [b"."], [below.sock.fileno()])
    below.sock.close()
    return ours.detach(), theirs.detach()


def _nothing() -> None:
    """Until someone cares."""


def _forget(_tunnel: Tunnel) -> None:
    """Until someone cares."""
