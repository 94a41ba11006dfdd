"""Connections to first hops that stand ready: made, and told who we are, before anybody asks for one.

Theory of operation
-------------------

A hop with the option `warm=N` has a reserve of N such ways. One that is taken
is good for one connection and replaced behind everybody's back; where there is
none, the connection is made as without the option. Nobody waits for a reserve.

    want ---> fill ---> ready ---> taken
               |  ^       |
          fails|  |pause  | the hop hangs up or speaks, or it is too old
               +--+<------+

- The hop may hang up at any time: each way is watched, and looked at once more
  when it is taken. Only TLS has something to say of its own, a ticket or a key.
- A hop that cannot be reached, or hangs up on whoever says nothing, is tried
  again after pauses that grow, by one way at a time until one has stood.
- What was not asked for for a while is not replaced any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import NamedTuple

from proxywrap.net.way import Way
from proxywrap.uri import ProxyURI

__all__ = ["Reserves", "Terms"]

MAX_AT_ONCE = 8
"""Ways that are made at a time, so that a connect which is under way goes on between them."""

_CHUNK_BYTES = 1 << 16


class Terms(NamedTuple):
    """How long what may take; in seconds."""

    max_age_s: float = 60.0
    """How long a way may stand: Tor gives a client 120 s to ask for something, NATs often a few minutes."""
    unused_s: float = 300.0
    """How long a hop that nobody uses is kept ready: an idle program is to cost its proxy nothing."""
    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0
    steady_s: float = 10.0
    """A way that stood so long was of use, though its hop has hung up: dante does so after 30 s."""


class Reserves:
    """Those of all hops, shared by all wrapped processes.

    Args:
        make: returns a new way to a hop, which has been told who we are.
        spawn: runs a coroutine.
        tell: is told once of each hop for which no way can be kept, and why.
        terms: how long what may take.

    """

    def __init__(
        self,
        make: Callable[[ProxyURI], Awaitable[Way]],
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        tell: Callable[[ProxyURI, str], None],
        terms: Terms = Terms(),  # noqa: B008 - a tuple
    ) -> None:
        self._make = make
        self._spawn = spawn
        self._tell = tell
        self._terms = terms
        self._reserves: dict[ProxyURI, _Reserve] = {}

    def want(self, hop: ProxyURI) -> None:
        """Take note that a connection begins with that hop, and have more ready for the next ones."""
        if not hop.options.warm:
            return
        reserve = self._reserves.get(hop)
        if reserve is None:
            reserve = _Reserve(hop, self._make, self._spawn, self._tell, self._terms)
            self._reserves[hop] = reserve
        reserve.want()

    def take(self, hop: ProxyURI) -> Way | None:
        """Return a way to that hop, which is the caller's then; None where none stands."""
        reserve = self._reserves.get(hop)
        return None if reserve is None else reserve.take()

    def keep(self, hops: Collection[ProxyURI]) -> None:
        """Give up those of all other hops."""
        for hop in self._reserves.keys() - set(hops):
            self._reserves.pop(hop).close()

    def close(self) -> None:
        """Give all up."""
        self.keep(())


class _Reserve:
    """That of one hop; arguments as for all of them."""

    def __init__(
        self,
        hop: ProxyURI,
        make: Callable[[ProxyURI], Awaitable[Way]],
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        tell: Callable[[ProxyURI, str], None],
        terms: Terms,
    ) -> None:
        self._hop = hop
        self._make = make
        self._spawn = spawn
        self._tell = tell
        self._terms = terms
        self._ready: list[_Ready] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._failures = 0
        self._is_trusted = False
        """Whether the last way that was tried has stood, so that several may be made at once."""
        self._has_told = False
        self._is_closed = False
        self._used_s = now_s()

    def want(self) -> None:
        """Keep on for a while."""
        self._used_s = now_s()
        self._fill()

    def take(self) -> Way | None:
        """Return the youngest way that stands still."""
        while self._ready:
            ready = self._ready[-1]
            if now_s() - ready.since_s >= self._terms.max_age_s:  # this host has slept
                self._expire(ready)
            elif not ready.is_sound():
                self._lose(ready)
            else:
                self._ready.remove(ready)
                self._failures = 0
                self._fill()
                return ready.release()
        return None

    def close(self) -> None:
        """End everything."""
        self._is_closed = True
        if self._pause is not None:
            self._pause.cancel()
        for task in self._tasks:
            task.cancel()
        for ready in self._ready:
            ready.release().close()
        self._ready.clear()

    def _fill(self) -> None:
        """Begin to make what is missing."""
        is_unused = now_s() - self._used_s >= self._terms.unused_s
        if self._is_closed or self._pause is not None or is_unused:
            return
        missing = self._hop.options.warm - len(self._ready)
        while len(self._tasks) < min(missing, MAX_AT_ONCE if self._is_trusted else 1):
            task = self._spawn(self._add())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _add(self) -> None:
        try:
            way = await self._make(self._hop)
        except Exception as exc:  # noqa: BLE001 - nobody waits for it, and nobody is to end by it
            self._stop_for_a_while(str(exc))
            return
        finally:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine runs in a task
            self._tasks.discard(task)
        self._is_trusted = True
        self._ready.append(_Ready(way, self._terms.max_age_s, self._lose, self._expire))
        self._fill()

    def _expire(self, ready: _Ready) -> None:
        self._ready.remove(ready)
        ready.release().close()
        self._failures = 0
        self._fill()

    def _lose(self, ready: _Ready) -> None:
        """Take note that the hop has hung up, or said what nobody has asked for."""
        self._ready.remove(ready)
        ready.release().close()
        self._is_trusted = False
        if now_s() - ready.since_s < self._terms.steady_s:
            self._stop_for_a_while("it hangs up on a connection that waits")
        else:
            self._failures = 0
            self._fill()

    def _stop_for_a_while(self, reason: str) -> None:
        self._is_trusted = False
        if not self._has_told:
            self._has_told = True
            self._tell(self._hop, reason)
        if self._pause is None:
            pause_s = min(self._terms.first_pause_s * 2**self._failures, self._terms.longest_pause_s)
            self._failures = min(self._failures + 1, 16)
            self._pause = asyncio.get_running_loop().call_later(pause_s, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._fill()


class _Ready:
    """A way that stands, watched until it is released."""

    def __init__(
        self,
        way: Way,
        max_age_s: float,
        on_loss: Callable[[_Ready], None],
        on_age: Callable[[_Ready], None],
    ) -> None:
        self.since_s = now_s()
        self._way = way
        self._on_loss = on_loss
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(way.lent.fileno(), self._look)
        self._timer = self._loop.call_later(max_age_s, on_age, self)

    def release(self) -> Way:
        """Return the way, which is the caller's then."""
        self._loop.remove_reader(self._way.lent.fileno())
        self._timer.cancel()
        return self._way

    def is_sound(self) -> bool:
        """Tell whether the hop is there still, and has said nothing."""
        tls = self._way.tls
        try:
            while (data := self._way.lent.receive_now(_CHUNK_BYTES)) is not None:
                if not data or tls is None or not tls.hear(data):
                    return False
        except OSError:  # ssl.SSLError is one
            return False
        return True

    def _look(self) -> None:
        if not self.is_sound():
            self._on_loss(self)


def now_s() -> float:
    """Return the time as hops and NATs have it, who do not sleep when this host does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
