"""The server in a thread of its own, for tests that are not asynchronous."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from proxywrap.testing.socksserver import SocksServer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from proxywrap.scheme import Scheme
    from proxywrap.testing.accesslog import Access
    from proxywrap.testing.script import Script

__all__ = ["RunningServer", "running"]


class RunningServer:
    """A `SocksServer` that runs in another thread; its methods block."""

    def __init__(self, server: SocksServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self.host = server.host
        self.port = server.port
        self.url = server.url

    @property
    def log(self) -> list[Access]:
        """The requests, in order of arrival; entries change while their connection lives."""
        return list(self._server.log)

    def url_for(self, scheme: Scheme) -> str:
        """Return the server as a proxy of `scheme`, with the first user's credentials."""
        return self._server.url_for(scheme)

    def set_script(self, script: Script) -> None:
        """Behave like `script` towards connections that come from now on."""
        self._server.script = script

    def hold(self, count: int | None = None) -> None:
        """Answer no request until `count` more have arrived, or until `release`."""
        self._call(lambda: self._server.hold(count))

    def release(self) -> None:
        """Answer what was held."""
        self._call(self._server.release)

    def wait_for_requests(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until `count` requests have arrived since the start.

        Raises:
            TimeoutError: they have not within `timeout_s`.

        """
        self._wait(self._server.wait_for_requests(count), timeout_s)

    def wait_idle(self, timeout_s: float = 10.0) -> None:
        """Wait until no client is connected and every entry is complete.

        Raises:
            TimeoutError: some are, after `timeout_s`.

        """
        self._wait(self._server.wait_idle(), timeout_s)

    def _call(self, what: Callable[[], None]) -> None:
        async def call() -> None:
            what()

        self._wait(call(), None)

    def _wait(self, coroutine: Coroutine[object, object, None], timeout_s: float | None) -> None:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            future.result(timeout_s)
        finally:
            future.cancel()


@contextlib.contextmanager
def running(server: SocksServer) -> Iterator[RunningServer]:
    """Run `server` in a thread until the block ends.

    ::

    with running(SocksServer(names={"site.test": "127.0.0.1"})) as server:
        subprocess.run(["curl", "--proxy", server.url, ...])
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        async with server:
            started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()

    def body() -> None:
        try:
            asyncio.run(main())
        except BaseException as exc:
            if started.done():
                raise
            started.set_exception(exc)

    thread = threading.Thread(target=body, name="socks server")
    thread.start()
    try:
        loop, stop = started.result()
        try:
            yield RunningServer(server, loop)
        finally:
            loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join()
