"""The server for testing, spoken to by the client's flows."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import socket
import struct
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.address import Endpoint
from proxywrap.errors import ProxyRefused, RemoteProtocolError, TruncatedError
from proxywrap.net.asking import ask_last
from proxywrap.net.connector import AttemptFailed, Deadlines
from proxywrap.net.hopnames import HopNames
from proxywrap.net.tunnels import Tunnels
from proxywrap.net.waymaking import WayMaker
from proxywrap.protocol.isolation import UNASKED
from proxywrap.scheme import Scheme
from proxywrap.testing import Access, Script, SocksServer, TorLookups
from proxywrap.uri import parse_uri

from .destinations import BANNER, DEADLINE_S, LOOPBACK, banner, connect, destination, echo, through

if TYPE_CHECKING:
    from pathlib import Path

SITE = Endpoint("site.test", 80)
LIMITS = Deadlines(5, 5)
COMMANDS = ["RESOLVE"] * 3 + ["RESOLVE_PTR"] * 3
SCHEMES = [Scheme.SOCKS4, Scheme.SOCKS4A, Scheme.SOCKS5, Scheme.HTTP]
each_scheme = pytest.mark.parametrize("scheme", SCHEMES)
RESET = struct.pack("ii", 1, 0)


def server_for(site: Endpoint, **more: object) -> SocksServer:
    """Return a server that knows `site` by name."""
    return SocksServer(names={"site.test": site}, **more)  # type: ignore[arg-type]


@each_scheme
@pytest.mark.parametrize("by_name", [True, False])
def test_round_trip(scheme: Scheme, by_name: bool) -> None:  # noqa: FBT001
    """Both directions work, and the log tells what was asked for."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site) as server:
            wanted = SITE if by_name else site
            async with through(server.url_for(scheme), wanted) as io:
                await io.send_all(b"hello")
                io.writer.write_eof()
                assert await io.reader.read() == b"hello"
            await server.wait_idle()
        (access,) = server.log
        spoken = Scheme.SOCKS4A if by_name and scheme is Scheme.SOCKS4 else scheme
        spoken = Scheme.SOCKS4 if not by_name and scheme is Scheme.SOCKS4A else spoken
        assert access.destination == str(wanted)
        assert (access.scheme, access.is_name, access.result) == (spoken, by_name, "ok")
        assert (access.sent_bytes, access.received_bytes) == (5, 5)
        assert access.username is None

    asyncio.run(scenario())


def test_answers_are_not_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each goes out at once, though the one before it is not acknowledged yet (RFC 896)."""
    seen: list[int] = []
    receive = SocksServer._receive

    async def spy(self: SocksServer, client: socket.socket, origin: str) -> None:
        seen.append(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await receive(self, client, origin)

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site) as server:
            async with through(server.url, SITE):
                pass
            await server.wait_idle()

    monkeypatch.setattr(SocksServer, "_receive", spy)
    asyncio.run(scenario())
    assert len(seen) == 1
    assert seen[0]


@pytest.mark.parametrize("scheme", [Scheme.SOCKS5, Scheme.HTTP])
def test_users(scheme: Scheme) -> None:
    """Only who is known may pass, and the log has the name but not the password."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site, users={b"us er": b"se:cr@t"}) as server:
            async with through(server.url_for(scheme), SITE) as io:
                io.writer.write_eof()
                assert await io.reader.read() == b""
            for userinfo in ("us er:wrong@", "nobody:x@", "us er:@", ""):
                with pytest.raises(ProxyRefused) as caught:
                    async with through(f"{scheme}://{userinfo}127.0.0.1:{server.port}", SITE):
                        pass
                assert caught.value.errno == errno.EACCES
            await server.wait_idle()
        assert server.log[0].username == "us er"
        assert [access.result == "ok" for access in server.log] == [True, False, False, False, False]
        assert "se:cr@t" not in repr(server.log)

    asyncio.run(scenario())


def test_socks4_user_without_password() -> None:
    """SOCKS4 has no password, so such a user may pass, and one with a password may not."""

    async def scenario() -> None:
        users = {b"Fred": b"", b"Ann": b"secret"}
        async with destination(echo) as site, server_for(site, users=users) as server:
            async with through(server.url_for(Scheme.SOCKS4), SITE):
                pass
            with pytest.raises(ProxyRefused, match="the user name was refused"):
                async with through(f"socks4://Ann@127.0.0.1:{server.port}", SITE):
                    pass

    asyncio.run(scenario())


def test_names_are_fixed() -> None:
    """A name leads where it was said to, and an unknown one nowhere."""

    async def scenario() -> None:
        async with (
            destination(banner) as site,
            SocksServer(
                names={"Port.Same.": "127.0.0.1", "site.test": site, "198.51.100.7": site}, resolve=False
            ) as server,
        ):
            for wanted in (
                SITE,
                Endpoint("port.same", site.port),
                Endpoint(IPv4Address("198.51.100.7"), 9),
                site,
            ):
                async with through(server.url, wanted) as io:
                    assert await io.read_exactly(len(BANNER)) == BANNER
            for name in ("localhost", "unknown.test"):
                with pytest.raises(ProxyRefused, match="host unreachable") as caught:
                    async with through(server.url, Endpoint(name, site.port)):
                        pass
                assert caught.value.errno == errno.EHOSTUNREACH
            await server.wait_idle()
        assert [access.result for access in server.log] == ["ok"] * 4 + ["EHOSTUNREACH"] * 2

    asyncio.run(scenario())


def test_names_of_the_system() -> None:
    """They are looked up where the test wants it."""

    async def scenario() -> None:
        async with destination(banner) as site, SocksServer(resolve=True) as server:
            async with through(server.url, Endpoint("localhost", site.port)) as io:
                assert await io.read_exactly(len(BANNER)) == BANNER
            with pytest.raises(ProxyRefused, match="host unreachable"):
                async with through(server.url, Endpoint("nothing.invalid", 80)):
                    pass

    asyncio.run(scenario())


def test_name_must_lead_to_an_address() -> None:
    """A name for a name would be looked up by somebody."""
    with pytest.raises(ValueError, match=r"expected an address for a name to lead to, found 'other\.test'"):
        SocksServer(names={"site.test": "other.test"})


@each_scheme
def test_refused_destination(scheme: Scheme) -> None:
    """The client gets the destination's own answer."""

    async def scenario() -> None:
        with socket.create_server((str(LOOPBACK), 0)) as closed:
            nobody = Endpoint(LOOPBACK, closed.getsockname()[1])
        async with SocksServer() as server:
            with pytest.raises(ProxyRefused) as caught:
                async with through(server.url_for(scheme), nobody):
                    pass
            assert caught.value.errno == errno.ECONNREFUSED
            assert caught.value.is_destination_fault
            await server.wait_idle()
        assert server.log[0].result == "ECONNREFUSED"

    asyncio.run(scenario())


def test_hold_until_all_have_arrived() -> None:
    """No request is answered before the last of them is there."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site) as server:
            server.hold(20)
            answered = 0

            async def one() -> None:
                nonlocal answered
                async with through(server.url, SITE):
                    answered += 1

            async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
                for _ in range(19):
                    group.create_task(one())
                await server.wait_for_requests(19)
                assert answered == 0
                group.create_task(one())
            assert answered == 20

    asyncio.run(scenario())


def test_hold_until_released() -> None:
    """Without a number, the test decides."""

    async def scenario() -> None:
        async with destination(banner) as site, server_for(site) as server:
            server.hold()

            async def one() -> bytes:
                async with through(server.url, SITE) as io:
                    return await io.read_exactly(len(BANNER))

            async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
                task = group.create_task(one())
                await server.wait_for_requests(1)
                assert not task.done()
                assert server.log[0].result == "pending"
                server.release()
            assert task.result() == BANNER

    asyncio.run(scenario())


@each_scheme
@pytest.mark.parametrize(
    "script",
    [Script(is_trickling=True), Script(is_coalescing=True), Script(is_coalescing=True, is_trickling=True)],
)
def test_banner_arrives_whole(scheme: Scheme, script: Script) -> None:
    """Not a byte of a server that speaks first is lost, however the segments fall."""

    async def scenario() -> None:
        async with (
            destination(banner) as site,
            server_for(site, script=script) as server,
            through(server.url_for(scheme), SITE) as io,
        ):
            assert await io.read_exactly(len(BANNER)) == BANNER
            io.writer.write_eof()
            assert await io.reader.read() == b""
            await server.wait_idle()
            assert server.log[0].received_bytes == len(BANNER)

    asyncio.run(scenario())


def test_reply_and_banner_in_one_segment() -> None:
    """One read of the socket sees both."""

    async def scenario() -> None:
        script = Script(is_coalescing=True)
        async with (
            destination(banner) as site,
            server_for(site, script=script) as server,
            connect(server.port) as io,
        ):
            await io.send_all(b"\x04\x01\x00\x50\x00\x00\x00\x01\x00site.test\x00")
            assert await io.reader.read(4096) == b"\x00\x5a" + bytes(6) + BANNER

    asyncio.run(scenario())


def test_coalescing_with_a_silent_destination() -> None:
    """The reply comes all the same, if late."""

    async def scenario() -> None:
        script = Script(is_coalescing=True)
        async with (
            destination(echo) as site,
            server_for(site, script=script) as server,
            through(server.url, SITE) as io,
        ):
            io.writer.write_eof()
            assert await io.reader.read() == b""

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EACCES])
def test_refusal_by_script(error: int) -> None:
    """Every request gets the errno that the script has."""

    async def scenario() -> None:
        async with SocksServer(script=Script(refuse=error)) as server:
            with pytest.raises(ProxyRefused) as caught:
                async with through(server.url, SITE):
                    pass
            assert caught.value.errno == error
            await server.wait_idle()
        assert server.log[0].result == errno.errorcode[error]

    asyncio.run(scenario())


def test_reply_by_script() -> None:
    """Replies that no errno stands for can be had too."""

    async def scenario() -> None:
        async with SocksServer(script=Script(reply=b"\x05\x07\x00\x01" + bytes(6))) as server:
            with pytest.raises(ProxyRefused, match="REP 7"):
                async with through(server.url, SITE):
                    pass

    asyncio.run(scenario())


def test_garbage() -> None:
    """The client meets something that is no proxy, and later connections a good one."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site, script=Script(garbage=b"HTTP/1.0")) as server:
            with pytest.raises(RemoteProtocolError, match="is it an HTTP proxy"):
                async with through(server.url, SITE):
                    pass
            server.script = Script()
            async with through(server.url, SITE):
                pass

    asyncio.run(scenario())


@pytest.mark.parametrize("size", range(12))
def test_truncation(size: int) -> None:
    """The connection ends after so many bytes, wherever that is."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site, script=Script(truncate_at=size)) as server:
            # Who has let us in and closes has answered, as ssh -D does.
            with pytest.raises(ProxyRefused if size == 2 else TruncatedError):
                async with through(server.url, SITE):
                    pass
            await server.wait_idle()
        assert server.log[0].result in {"cut", "ok"}

    asyncio.run(scenario())


def test_delay() -> None:
    """Every message waits."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site, script=Script(delay_s=0.01)) as server:
            start = asyncio.get_running_loop().time()
            async with through(server.url, SITE):
                assert asyncio.get_running_loop().time() - start >= 0.02

    asyncio.run(scenario())


def test_end_of_one_direction() -> None:
    """A FIN is passed on both ways, and the other direction lives on."""

    async def scenario() -> None:
        ends = asyncio.Queue[bytes]()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"first")
            writer.write_eof()
            ends.put_nowait(await reader.read())
            writer.close()

        async with destination(serve) as site, server_for(site) as server, through(server.url, SITE) as io:
            assert await io.reader.read() == b"first"
            await io.send_all(b"last")
            io.writer.write_eof()
            assert await ends.get() == b"last"

    asyncio.run(scenario())


def test_reset_by_the_client() -> None:
    """The destination sees a reset, not an end."""

    async def scenario() -> None:
        outcome = asyncio.Queue[BaseException | bytes]()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"x")
            try:
                outcome.put_nowait(await reader.read())
            except OSError as exc:
                outcome.put_nowait(exc)
            writer.close()

        async with destination(serve) as site, server_for(site) as server, through(server.url, SITE) as io:
            await io.read_exactly(1)
            sock = io.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            io.writer.transport.abort()
            assert isinstance(await outcome.get(), ConnectionResetError)

    asyncio.run(scenario())


def test_reset_by_the_destination() -> None:
    """The client sees a reset, not an end."""

    async def scenario() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

        async with destination(serve) as site, server_for(site) as server, through(server.url, SITE) as io:
            await io.send_all(b"x")
            with pytest.raises(ConnectionResetError):
                await io.reader.read()

    asyncio.run(scenario())


def test_stop_ends_connections() -> None:
    """Nothing is left when the block ends, whatever state the clients are in."""

    async def scenario() -> None:
        async with destination(echo) as site:
            server = server_for(site)
            async with server:
                server.hold()
                held = await asyncio.open_connection(server.host, server.port)
                held[1].write(b"\x04\x01\x00\x50\x00\x00\x00\x01\x00site.test\x00")
                await server.wait_for_requests(1)
                silent = await asyncio.open_connection(server.host, server.port)
                silent[1].write(b"\x05\x01\x00")
                assert await silent[0].readexactly(2) == b"\x05\x00"
            for reader, writer in (held, silent):
                async with asyncio.timeout(DEADLINE_S):
                    assert await reader.read() == b""
                writer.close()
            assert server.log[0].result == "cut"
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(server.host, server.port)

    asyncio.run(scenario())


@pytest.mark.parametrize("turns", range(12))
def test_stop_in_the_middle_of_accepting(turns: int) -> None:
    """However far a client has come when the server is stopped, its connection is closed."""

    async def play() -> socket.socket:
        client = socket.socket()
        client.setblocking(False)
        async with SocksServer() as server:
            await asyncio.get_running_loop().sock_connect(client, (server.host, server.port))
            for _ in range(turns):
                await asyncio.sleep(0)
        return client

    with asyncio.run(play()) as client:
        client.settimeout(DEADLINE_S)
        gc.collect()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_stop_keeps_the_error_of_the_block() -> None:
    """A test that fails inside the block fails with its own error."""

    async def scenario() -> None:
        async with SocksServer():
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(scenario())


def test_port_in_use() -> None:
    """It fails at the start, and leaves nothing open."""

    async def scenario() -> None:
        async with SocksServer() as server:
            with pytest.raises(OSError, match="Address already in use"):
                await SocksServer(port=server.port).__aenter__()

    asyncio.run(scenario())


def test_ipv6() -> None:
    """It can listen on IPv6, and say so in its URL."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site, host="::1") as server:
            assert server.url == f"socks5://[::1]:{server.port}"
            reader, writer = await asyncio.open_connection("::1", server.port)
            writer.write(b"\x04\x01\x00\x50\x00\x00\x00\x01\x00site.test\x00")
            assert await reader.readexactly(8) == b"\x00\x5a" + bytes(6)
            writer.close()
            await server.wait_idle()
        assert server.log[0].client.startswith("[::1]:")

    asyncio.run(scenario())


def test_malformed_clients() -> None:
    """Each leaves an entry, and the server goes on."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site) as server:
            for data in (b"", b"\x16\x03\x01", b"\x05\x01", b"GET / HTTP/1.0\r\n\r\n"):
                async with connect(server.port) as io:
                    await io.send_all(data)
                    io.writer.write_eof()
                    await io.reader.read()
            async with through(server.url, SITE):
                pass
            await server.wait_idle()
        assert [access.scheme for access in server.log] == [None] * 4 + ["socks5"]
        assert "is it a TLS client?" in server.log[1].result

    asyncio.run(scenario())


def test_log_file(tmp_path: Path) -> None:
    """Each entry is one line of JSON, written when its connection has ended."""
    path = tmp_path / "access.log"

    async def scenario() -> list[Access]:
        async with destination(echo) as site, server_for(site, log_path=str(path)) as server:
            for _ in range(2):
                async with through(server.url, SITE) as io:
                    await io.send_all(b"hello")
                    io.writer.write_eof()
                    await io.reader.read()
            await server.wait_idle()
        return server.log

    log = asyncio.run(scenario())
    assert [Access.from_json(line) for line in path.read_text().splitlines()] == log
    assert len(log) == 2


def test_a_tor() -> None:
    """It finds names and addresses, and says that there is none; other servers do not know the question."""

    async def scenario() -> None:
        async with SocksServer() as server:
            hop = parse_uri(server.url)
            maker = WayMaker(LIMITS, HopNames(), Tunnels({}))
            for tor in (None, TorLookups({"site.test": "8.8.4.4", "six.test": "2a00::7"})):
                server.tor = tor
                found: list[object] = []
                questions = [
                    "site.test",
                    "six.test",
                    "none.test",
                    *map(ip_address, ["8.8.4.4", "2a00::7", "8.8.4.5"]),
                ]
                for question in questions:
                    try:
                        found.append(await ask_last([hop], question, maker, UNASKED))
                    except AttemptFailed as exc:
                        found.append(exc.reason.partition(":")[0])
                if tor is None:
                    assert found == [f"the proxy knows no {cmd} (REP 7)" for cmd in COMMANDS]
                else:
                    expected = [*map(ip_address, ["8.8.4.4", "2a00::7"]), None, "site.test", "six.test", None]
                    assert found == expected
            await server.wait_idle()
        asked = [(access.command, access.result) for access in server.log if access.host is not None]
        results = ["ok", "ok", "EHOSTUNREACH"] * 2
        assert asked == list(zip(COMMANDS, results, strict=True))

    asyncio.run(scenario())


def test_logins_are_told_apart() -> None:
    """By user name and password, which are in no entry."""

    async def scenario() -> None:
        async with destination(echo) as site, server_for(site) as server:
            for userinfo in ("", "a:x@", "a:y@", "b:x@", "a:x@"):
                url = server.url.replace("//", f"//{userinfo}")
                # A server that lets everybody in prefers not to be told: in one flight there is no choice.
                async with through(f"{url}?pipeline=1", SITE):
                    pass
            await server.wait_idle()
        assert [access.login for access in server.log] == [None, 1, 2, 3, 1]
        assert "x" not in "".join(str(access.username) for access in server.log)

    asyncio.run(scenario())
