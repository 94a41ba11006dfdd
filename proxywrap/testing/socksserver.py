"""A SOCKS4, SOCKS4a, SOCKS5 and HTTP CONNECT server on one port, for tests.

The dialogue is the flows of `proxywrap.protocol` in the server's role; here are
the sockets, the names, and what a test wants to go wrong::

    async with SocksServer(names={"site.test": "127.0.0.1"}) as server:
        ...  # server.host, server.port, server.url
    assert server.log[0].destination == "site.test:80"

Names are fixed. One that is not among them is unreachable, so that a test's
names cannot come true by accident; with `resolve` the system is asked for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hmac
import socket
import time
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from proxywrap.address import Endpoint, Host, normalise_name, parse_host
from proxywrap.errors import ProtocolError, ProxyRefused
from proxywrap.net.driver import run
from proxywrap.net.stream import StreamIO
from proxywrap.protocol.command import TOR_COMMANDS, Command
from proxywrap.protocol.effects import Flow, Send
from proxywrap.protocol.handshake import send_reply, server_handshake
from proxywrap.scheme import Scheme
from proxywrap.testing.acceptor import Acceptor
from proxywrap.testing.accesslog import PENDING, SUCCEEDED, Access, AccessLog
from proxywrap.testing.gate import Gate
from proxywrap.testing.relay import CHUNK_BYTES, relay
from proxywrap.testing.script import CutError, Script, ScriptedIO
from proxywrap.testing.torlookups import TorLookups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxywrap.protocol.request import Request

__all__ = ["SocksServer"]

CONNECT_TIMEOUT_S = 10.0
"""How long a destination may take to answer; proxychains-ng's own default."""

COALESCE_WAIT_S = 1.0
"""How long a coalescing reply waits for a destination that may not speak first."""

BACKLOG = 4096


class SocksServer:
    """A proxy server to test against.

    Args:
        host: address to listen on.
        port: port to listen on; 0 for any free one.
        users: who may pass, name to password; anybody where it is empty. A
            user with an empty password may pass by SOCKS4 too.
        names: what each name, or address, leads to: an address, or an endpoint
            where the port is another one too.
        resolve: whether other names are looked up by the system.
        script: what goes wrong; `server.script` may be replaced at any time and
            holds for connections that come then.
        log_path: file that the access log is appended to, as JSON lines.

    `tor` may be set at any time to what it finds for names and addresses, and
    makes it a Tor.

    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        users: Mapping[bytes, bytes] | None = None,
        names: Mapping[str, Host | Endpoint] | None = None,
        resolve: bool = False,
        script: Script | None = None,
        log_path: str | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.script = script or Script()
        self._users = dict(users or {})
        self._names = {_fold(name): _to_target(value) for name, value in (names or {}).items()}
        self._resolve = resolve
        self._log_path = log_path
        self.tor: TorLookups | None = None
        self._log = AccessLog()
        self._gate = Gate()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stack = contextlib.AsyncExitStack()
        self._untouched: set[socket.socket] = set()

    # ---
    # For the test

    @property
    def log(self) -> list[Access]:
        """The requests, in order of arrival."""
        return self._log.entries

    @property
    def url(self) -> str:
        """The server as a SOCKS5 proxy."""
        return self.url_for(Scheme.SOCKS5)

    def url_for(self, scheme: Scheme) -> str:
        """Return the server as a proxy of `scheme`, with the first user's credentials."""
        userinfo = ""
        for username, password in self._users.items():
            userinfo = quote(username, safe="") + "@"
            if scheme not in {Scheme.SOCKS4, Scheme.SOCKS4A}:
                userinfo = f"{quote(username, safe='')}:{quote(password, safe='')}@"
            break
        return f"{scheme}://{userinfo}{Endpoint(parse_host(self.host), self.port)}"

    def hold(self, count: int | None = None) -> None:
        """Answer no request until `count` more have arrived, or until `release`."""
        self._gate.hold(count)

    def release(self) -> None:
        """Answer what was held."""
        self._gate.release()

    async def wait_for_requests(self, count: int) -> None:
        """Wait until `count` requests have arrived since the start."""
        await self._gate.wait_for(count)

    async def wait_idle(self) -> None:
        """Wait until no client is connected."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # ---
    # Life

    async def __aenter__(self) -> Self:
        """Listen."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        self.port = listener.getsockname()[1]
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(listener.close)
            listener.setblocking(False)
            if self._log_path is not None:
                file = open(self._log_path, "a", encoding="ascii")  # noqa: ASYNC230, SIM115 - once, at the start
                self._log = AccessLog(stack.enter_context(file))
            stack.push_async_callback(self._end_clients)
            stack.callback(Acceptor(listener, self._take).close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening, end every connection and close the log."""
        await self._stack.aclose()

    async def _end_clients(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.wait_idle()

    # ---
    # One client

    def _take(self, client: socket.socket, origin: str) -> None:
        """Begin to serve a client; no coroutine, for one that is stopped at once must be known, too."""

        def end(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if client in self._untouched:  # stopped before there was a transport to close it
                self._untouched.discard(client)
                client.close()

        # asyncio does so for sockets that say they are TCP's, which this one, of a plain listener, does not.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._untouched.add(client)
        task = asyncio.get_running_loop().create_task(self._receive(client, origin))
        self._tasks.add(task)
        task.add_done_callback(end)

    async def _receive(self, client: socket.socket, origin: str) -> None:
        reader, writer = await asyncio.open_connection(sock=client)
        self._untouched.discard(client)
        try:
            await self._attend(ScriptedIO(reader, writer, self.script), origin)
        finally:
            writer.close()

    async def _attend(self, io: ScriptedIO, origin: str) -> None:
        access = Access(time.time(), origin)
        try:
            await self._serve(io, access, self.script)
        except (CutError, asyncio.CancelledError):
            # Cancelled only by __aexit__, which waits for the end of the task.
            if access.result == PENDING:
                access.result = "cut"
        except (ProtocolError, ProxyRefused, OSError) as exc:
            access.result = str(exc)
        finally:
            if access.host is None:
                self._log.open(access)
            self._log.close(access)

    async def _serve(self, io: ScriptedIO, access: Access, script: Script) -> None:
        check = self._check if self._users else None
        commands = {Command.CONNECT, *(TOR_COMMANDS if self.tor is not None else ())}
        request = await run(server_handshake(check, commands), io)
        access.take(request, self._log.login_of(request))
        self._log.open(access)
        await self._gate.enter()
        if script.reply is not None:
            await io.send_all(script.reply)
            raise CutError
        try:
            if request.cmd is not Command.CONNECT:
                await self._look_up(request, io, access, script)
                return
            destination = await self._dial(request, script)
        except OSError as exc:
            access.result = errno.errorcode[_errno(exc)]
            await run(send_reply(request, _errno(exc)), io)
            return
        try:
            access.result = SUCCEEDED
            await self._answer(request, io, destination, access, script)
            # The script is for handshakes; what follows is nobody's to tear up.
            await relay(StreamIO(io.reader, io.writer), destination, access)
        finally:
            destination.writer.close()

    async def _look_up(self, request: Request, io: ScriptedIO, access: Access, script: Script) -> None:
        if script.refuse is not None:
            raise OSError(script.refuse, "the script refuses")
        assert self.tor is not None  # noqa: S101 - nobody else takes the command
        found = self.tor.answer(request.destination.host)
        access.result = SUCCEEDED
        await run(send_reply(request, bound=found), io)

    def _check(self, username: bytes, password: bytes) -> bool:
        return username in self._users and hmac.compare_digest(self._users[username], password)

    async def _dial(self, request: Request, script: Script) -> StreamIO:
        if script.refuse is not None:
            raise OSError(script.refuse, "the script refuses")
        wanted = request.destination
        target = self._names.get(_fold(str(wanted.host)), wanted.host)
        if not isinstance(target, Endpoint):
            target = Endpoint(target, wanted.port)
        if isinstance(target.host, str) and not self._resolve:
            raise OSError(errno.EHOSTUNREACH, "not one of the names")
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return StreamIO(*await asyncio.open_connection(str(target.host), target.port))

    async def _answer(
        self, request: Request, io: ScriptedIO, destination: StreamIO, access: Access, script: Script
    ) -> None:
        host, port = destination.writer.get_extra_info("sockname")[:2]
        reply = _collect(send_reply(request, bound=Endpoint(parse_host(host), port)))
        first = b""
        if script.is_coalescing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COALESCE_WAIT_S):
                    first = await destination.reader.read(CHUNK_BYTES)
        await io.send_all(reply + first)
        access.received_bytes += len(first)


def _fold(name: str) -> str:
    host = parse_host(name)
    return normalise_name(host) if isinstance(host, str) else str(host)


def _to_target(value: Host | Endpoint) -> Host | Endpoint:
    target = parse_host(value) if isinstance(value, str) else value
    if isinstance(target, str):
        raise ValueError(f"expected an address for a name to lead to, found {value!r}")  # noqa: TRY004 - text
    return target


def _errno(exc: OSError) -> int:
    if isinstance(exc, TimeoutError):
        return errno.ETIMEDOUT
    # Errors of the resolver have negative numbers, several addresses have none.
    return exc.errno if exc.errno is not None and exc.errno in errno.errorcode else errno.EHOSTUNREACH


def _collect(flow: Flow[None]) -> bytes:
    """Return what a flow that only sends would send."""
    return b"".join(effect.data for effect in flow if isinstance(effect, Send))
