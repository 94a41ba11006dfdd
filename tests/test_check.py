"""`proxywrapctl check`: what it finds out of each kind of server, and what it says to write instead."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from proxywrap.net.driver import run
from proxywrap.net.stream import StreamIO
from proxywrap.protocol import socks4
from proxywrap.testing import SocksServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

CTL = Path(sys.executable).with_name("proxywrapctl")
LOCAL = {"localhost": "127.0.0.1"}
FACTOR = float(os.environ.get("PROXYWRAP_TEST_FACTOR", "1"))


async def run_check(*args: object) -> tuple[int, str]:
    """Run the command; return its status and what it prints."""
    process = await asyncio.create_subprocess_exec(
        CTL, "check", *map(str, args), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60 * FACTOR)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def check(*args: object) -> tuple[int, dict[str, Any]]:
    """Run the command; return its status and what it found."""
    status, text = await run_check("--json", *args)
    found = json.loads(text)
    assert found["is_good"] is (status == 0)
    return status, found


async def check_hop(url: str) -> dict[str, Any]:
    """Return what was found of one proxy."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f"tcp_read_time_out 1500\n[ProxyList]\n{url}\n")
        file.flush()
        _, found = await check("-f", file.name)
    (hop,) = found["hops"]
    assert isinstance(hop, dict)
    return hop


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert isinstance(port, int)
    return port


@asynccontextmanager
async def serving(handler: Any, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve each connection by `handler`; yield the port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        pending = list(tasks)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
        await asyncio.sleep(0)  # the transports close in a turn of their own


@contextmanager
def program(*argv: str, port: int) -> Iterator[str]:
    """Run a server of somebody else's; yield HOST:PORT."""
    until_s = time.monotonic() + 20 * FACTOR
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                except ConnectionRefusedError:
                    assert time.monotonic() < until_s
                    time.sleep(0.01)
                else:
                    break
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def microsocks(*options: str) -> Any:
    """Run a server that speaks SOCKS5 alone."""
    port = free_port()
    return program("microsocks", "-i", "127.0.0.1", "-p", str(port), *options, port=port)


def tinyproxy(tmp_path: Path) -> Any:
    """Run an HTTP proxy."""
    port = free_port()
    (tmp_path / "tiny.conf").write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 10\n")
    return program("tinyproxy", "-d", "-c", str(tmp_path / "tiny.conf"), port=port)


async def speak_socks4(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Refuse every request of SOCKS4, and understand nothing else."""
    io = StreamIO(reader, writer)
    with suppress(Exception):
        await run(socks4.read_request(), io)
        await run(socks4.send_reply(socks4.Cd.REJECTED), io)


async def speak_web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a web server that is no proxy."""
    await reader.readuntil(b"\n")
    writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    await reader.read()


async def want_ntlm(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as an HTTP proxy that no password of ours is of use to."""
    await reader.readuntil(b"\n")
    writer.write(b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n")
    await writer.drain()
    await reader.read()


async def speak_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say who one is, and wait."""
    writer.write(b"SSH-2.0-test\r\n")
    await reader.read()


async def speak_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer whatever comes."""
    await reader.read(1)
    writer.write(b"\xf0\x9f\xa4\xb7" * 10)
    await reader.read()


async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Listen, and no more."""
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Close at the first word."""
    await reader.read(1)


async def resolve_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a SOCKS5 server that knows IPv4 addresses only."""
    await reader.readexactly(2 + (await reader.readexactly(2))[1] - 2)
    writer.write(b"\x05\x00")
    head = await reader.readexactly(4)
    rep = {1: 5, 3: 4, 4: 8}[head[3]]
    writer.write(bytes([5, rep, 0, 1, 0, 0, 0, 0, 0, 0]))
    await reader.read()


# --- proxies that work


def test_the_bundled_server() -> None:
    """It does everything, and each step has its time."""

    async def main() -> None:
        async with SocksServer(names=LOCAL, users={b"bob": b"secret"}) as server:
            url = f"socks5://bob:secret@127.0.0.1:{server.port}"
            status, found = await check("-x", url, "-x", f"http://bob:secret@127.0.0.1:{server.port}")
            assert status == 0
            for hop, steps in zip(
                found["hops"],
                (["connect", "methods", "password", "request"], ["request"]),
                strict=True,
            ):
                assert hop["is_reachable"]
                assert hop["is_good"]
                assert hop["authentication"] == "accepted"
                assert (hop["ipv4"], hop["ipv6"], hop["names"]) == (True, True, True)
                assert [step["step"] for step in hop["steps"]] == steps
                assert all(0 < step["took_s"] < 30 for step in hop["steps"])
                assert hop["advice"] is None
            (chain,) = found["chains"]
            assert len(chain["steps"]) == 5
            assert "secret" not in json.dumps(found)

    asyncio.run(main())


def test_foreign_proxies(tmp_path: Path) -> None:
    """microsocks, with and without a password, and tinyproxy."""

    async def main() -> None:
        with (
            microsocks() as open_,
            microsocks("-u", "bob", "-P", "pw") as closed,
            tinyproxy(tmp_path) as http,
        ):
            for url, speaks, login in (
                (f"socks5://{open_}", "socks5", "none"),
                (f"socks5://bob:pw@{closed}", "socks5", "accepted"),
                (f"http://{http}", "http", "none"),
            ):
                hop = await check_hop(url)
                assert hop["is_good"], hop
                assert (hop["speaks"], hop["authentication"]) == (speaks, login)
                assert hop["names"] is not False
                assert hop["pipeline"] is (False if speaks == "socks5" else None)

    asyncio.run(main())


def test_a_destination() -> None:
    """With --to the chain must reach it."""

    async def main() -> None:
        async with SocksServer(names=LOCAL) as server, serving(say_nothing) as port:
            url = f"socks5://127.0.0.1:{server.port}"
            assert (await check("-x", url, "--to", f"127.0.0.1:{port}"))[0] == 0
            status, found = await check("-x", url, "--to", f"127.0.0.1:{free_port()}")
            assert status == 1
            assert found["chains"][0]["stop"]["kind"] == "answer"
            assert found["hops"][0]["is_good"]

    asyncio.run(main())


# --- the usual mistakes


def test_another_protocol(tmp_path: Path) -> None:
    """The line to write instead is the one that works."""

    async def main() -> None:
        with microsocks() as socks, tinyproxy(tmp_path) as http:
            async with serving(speak_socks4) as port:
                old = f"127.0.0.1:{port}"
                for wrong, kind, right in (
                    (f"socks5://{http}", "an HTTP proxy", f"http://{http}"),
                    (f"socks4://{http}", "an HTTP proxy", f"http://{http}"),
                    (f"http://{socks}", "a SOCKS5 proxy", f"socks5://{socks}"),
                    (f"socks4://{socks}", "a SOCKS5 proxy", f"socks5://{socks}"),
                    (f"socks5://{old}", "a SOCKS4 proxy", f"socks4://{old}"),
                    (f"http://{old}", "a SOCKS4 proxy", f"socks4://{old}"),
                ):
                    hop = await check_hop(wrong)
                    assert hop["advice"] == f"{kind} listens there: write {right}"
                    assert not hop["is_good"]
                    assert (await check("-x", right))[0] == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("scheme", "handler", "speaks", "advice"),
    [
        ("http", speak_web, "HTTP, no proxy", "a web server listens there, and no proxy: write the port of"),
        (
            "socks5",
            speak_web,
            "HTTP, no proxy",
            "a web server listens there, and no proxy: write the port of",
        ),
        ("socks5", speak_ssh, "SSH", "an SSH server listens there: write ssh://127.0.0.1:"),
        ("socks5", speak_nonsense, "something else", "what listens there speaks no proxy's protocol: write"),
        ("socks5", hang_up, "nothing", "it closes the connection at the first word: write its right port"),
    ],
)
def test_what_is_no_proxy(scheme: str, handler: Any, speaks: str, advice: str) -> None:
    """It is said what it is, as far as it says."""

    async def main() -> None:
        async with serving(handler) as port:
            hop = await check_hop(f"{scheme}://127.0.0.1:{port}")
            assert hop["speaks"] == speaks
            assert hop["advice"].startswith(advice)

    asyncio.run(main())


@pytest.mark.parametrize("user", ["", "me:secret@"])
def test_a_proxy_that_wants_another_authentication(user: str) -> None:
    """Nobody is told to write a user name and a password, which would be of no use."""

    async def main() -> None:
        async with serving(want_ntlm) as port:
            hop = await check_hop(f"http://{user}127.0.0.1:{port}")
            assert "wants ntlm, negotiate authentication, only basic is known" in hop["advice"]
            assert "write" not in hop["advice"]

    asyncio.run(main())


def test_silence(tmp_path: Path) -> None:
    """It is waited for as long as the file says, and not longer."""

    async def main() -> None:
        async with serving(say_nothing) as port:
            (tmp_path / "a.conf").write_text(f"tcp_read_time_out 200\n[ProxyList]\nsocks5 127.0.0.1 {port}\n")
            _, found = await check("-f", tmp_path / "a.conf")
            assert (
                found["hops"][0]["advice"]
                == "it answers nothing: write its right port; is it a proxy at all?"
            )
            assert found["hops"][0]["stop"]["kind"] == "silent"

    asyncio.run(main())


@pytest.mark.parametrize("inside", [speak_web, resolve_nothing, say_nothing, None])
def test_tls(inside: Any) -> None:
    """It is told from everything else, whatever is spoken inside."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("proxy.test").configure_cert(context)
    if inside is None:  # one that wants a certificate of its client's, too
        inside, context.verify_mode = say_nothing, ssl.CERT_REQUIRED
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    async def main() -> None:
        async with serving(inside, context) as port:
            for scheme in ("socks5", "http"):
                hop = await check_hop(f"{scheme}://127.0.0.1:{port}")
                assert "TLS" in hop["speaks"]
                assert "TLS" in hop["advice"]
                assert ("SOCKS5" in hop["advice"]) is (inside is resolve_nothing)

    asyncio.run(main())


def test_passwords() -> None:
    """Missing ones and wrong ones; the one that was written is not told."""

    async def main() -> None:
        with microsocks("-u", "bob", "-P", "pw") as micro:
            async with SocksServer(users={b"bob": b"pw"}) as server:
                for at in (f"127.0.0.1:{server.port}", micro):
                    schemes = ("socks5",) if at == micro else ("socks5", "http")
                    for scheme in schemes:
                        hop = await check_hop(f"{scheme}://{at}")
                        assert hop["authentication"] == "missing"
                        expected = f"a user name and a password: write {scheme}://USER:PASSWORD@{at}"
                        assert hop["advice"] == f"it wants {expected}"
                        hop = await check_hop(f"{scheme}://bob:wrong-secret@{at}")
                        assert hop["authentication"] == "refused"
                        assert hop["advice"].startswith(
                            "it refuses the user name and the password: write the right"
                        )
                        assert "wrong-secret" not in json.dumps(hop)
                hop = await check_hop(f"socks4://eve@127.0.0.1:{server.port}")
                assert hop["advice"].startswith("it refuses the user name: write the right socks4://USER@")

    asyncio.run(main())


def test_nobody_listens() -> None:
    """Nor is there a host of that name."""

    async def main() -> None:
        port = free_port()
        hop = await check_hop(f"socks5://127.0.0.1:{port}")
        assert (
            hop["advice"] == f"nobody listens on 127.0.0.1:{port}: start the proxy, or write its right port"
        )
        assert not hop["is_reachable"]
        hop = await check_hop("socks5://no.such.host.invalid:1080")
        assert hop["advice"] == (
            "the name no.such.host.invalid is unknown here: correct it, or write the address"
        )

    asyncio.run(main())


def test_names_and_ipv6_that_are_not_carried() -> None:
    """The chain works for addresses; what to do about names is said."""

    async def main() -> None:
        async with serving(resolve_nothing) as port:
            status, found = await check("-x", f"socks5://127.0.0.1:{port}")
            assert status == 0
            (hop,) = found["hops"]
            assert (hop["ipv4"], hop["ipv6"], hop["names"]) == (True, False, False)
            assert hop["advice"].startswith("it cannot resolve names: write `resolve local *` below [rules]")
        async with serving(speak_socks4) as port:
            hop = await check_hop(f"socks4://127.0.0.1:{port}")
            assert (hop["ipv4"], hop["ipv6"]) == (True, False)

    asyncio.run(main())


def test_a_handshake_in_one_flight() -> None:
    """Whether it is safe is found out without it; with it, what to do about a proxy that forgets half."""

    async def main() -> None:
        async with SocksServer(users={b"bob": b"pw"}) as server, SocksServer() as unlocked:
            place = f"127.0.0.1:{server.port}"
            for query in ("", "?pipeline=1"):
                for url in (f"socks5://bob:pw@{place}", unlocked.url):
                    hop = await check_hop(f"{url}{query}")
                    assert (hop["is_good"], hop["pipeline"]) == (True, True)
                for userinfo, authentication in (("", "missing"), ("bob:no@", "refused")):
                    hop = await check_hop(f"socks5://{userinfo}{place}{query}")
                    assert (hop["is_good"], hop["authentication"]) == (False, authentication)
        with microsocks() as place:
            status, found = await check("-x", f"socks5://{place}?pipeline=1")
            (hop,) = found["hops"]
            assert (status, hop["is_good"], hop["speaks"], hop["pipeline"]) == (1, False, "socks5", False)
            assert hop["advice"] == "it does not take its handshake in one flight: leave out pipeline=1"

    asyncio.run(main())


# --- chains


def test_chains_as_configured(tmp_path: Path) -> None:
    """A dead proxy breaks a strict chain, not a dynamic one; one that the one before reaches is no fault."""

    async def main() -> None:
        async with SocksServer(names=LOCAL) as server:
            good, dead = f"socks5 127.0.0.1 {server.port}", f"http 127.0.0.1 {free_port()}"
            file = tmp_path / "a.conf"
            file.write_text(
                f"strict_chain\n[ProxyList]\n{good}\n{good}\n[chain dynamic]\ndynamic_chain\n{dead}\n{good}\n"
                f"[chain random]\nrandom_chain\n{dead}\n{good}\n{dead}\n"
                f"[chain late]\ndynamic_chain\n{good}\n{dead}\n"
            )
            status, found = await check("-f", file)
            assert status == 0
            alone, through = (
                f"socks5://127.0.0.1:{server.port}",
                f"http://{dead.split()[1]}:{dead.split()[2]}",
            )
            assert [(hop["through"], hop["proxy"]) for hop in found["hops"]] == [
                ([], alone),
                ([alone], alone),
                ([], through),
                ([alone], through),
            ]
            by_name = {chain["chain"]: chain for chain in found["chains"]}
            assert [len(chain["hops"]) for chain in by_name.values()] == [2, 1, 1, 1]
            assert by_name["dynamic"]["left_out"] == [through]
            file.write_text(
                f"strict_chain\n[ProxyList]\n{good}\n{dead}\n[chain all]\ndynamic_chain\n{dead}\n"
            )
            status, found = await check("-f", file)
            assert status == 1
            assert [chain["is_good"] for chain in found["chains"]] == [False, False]
            assert "cannot be reached, says socks5://" in found["chains"][0]["stop"]["reason"]

    asyncio.run(main())


def test_a_last_proxy_that_says_no(tmp_path: Path) -> None:
    """Its answer is final, as for programs: the one before it is not asked in its place."""

    async def main() -> None:
        async with SocksServer() as server:
            with tinyproxy(tmp_path) as http:
                file = tmp_path / "a.conf"
                file.write_text(f"dynamic_chain\n[ProxyList]\n{server.url}\nhttp://{http}\n")
                status, found = await check("-f", file, "--to", f"127.0.0.1:{free_port()}")
                assert status == 1
                (chain,) = found["chains"]
                assert chain["left_out"] == []
                assert len(chain["hops"]) == 2

    asyncio.run(main())


def test_a_password_that_nobody_asks_for() -> None:
    """It may be wrong."""

    async def main() -> None:
        async with SocksServer() as server:
            hop = await check_hop(f"socks5://bob:pw@127.0.0.1:{server.port}")
            assert (hop["is_good"], hop["authentication"]) == (True, "not asked for")

    asyncio.run(main())


def test_a_signal_ends_what_was_started(tmp_path: Path) -> None:
    """An ssh that waits for its server ends with the check, which dies of the signal."""
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ >{pids}\nexec sleep 1000\n")
    ssh.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    argv: list[str | Path] = [CTL, "check", "-x", "ssh://gate"]
    with subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        handle = os.pidfd_open(int(pids.read_text()))
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM
        assert select.select([handle], [], [], 20)[0]
        os.close(handle)


def test_the_table(tmp_path: Path) -> None:
    """For people: each proxy in a line, and what to do below; none is broken without a terminal."""

    async def main() -> None:
        async with SocksServer(names=LOCAL) as server:
            dead = free_port()
            file = tmp_path / "a.conf"
            file.write_text(f"[ProxyList]\nsocks5 127.0.0.1 {server.port}\nhttp 127.0.0.1 {dead}\n")
            status, text = await run_check("-f", file)
            assert status == 0
            lines = [" ".join(line.split()) for line in text.splitlines()]
            assert lines[0] == "proxy reachable speaks login IPv4 IPv6 names pipeline"
            assert lines[1] == f"socks5://127.0.0.1:{server.port} yes socks5 none yes yes yes yes"
            assert lines[2] == f"http://127.0.0.1:{dead} no ? ? ? ? ?"
            assert lines[3] == "milliseconds look-up connect methods password request"
            assert lines[6] == "chain kind works through milliseconds"
            assert lines[7].startswith(f"ProxyList dynamic_chain yes socks5://127.0.0.1:{server.port} ")
            assert lines[8].startswith(
                f"http://127.0.0.1:{dead}: cannot be reached, says socks5://127.0.0.1:{server.port}: "
            )
            assert lines[9] == f"chain ProxyList: goes on without http://127.0.0.1:{dead}"

    asyncio.run(main())


@pytest.mark.parametrize("place", ["x", "h:0", ":1", "a b:1"])
def test_a_wrong_destination(place: str) -> None:
    """It is said before anything is tried."""
    status, text = asyncio.run(run_check("-x", "http://127.0.0.1:9", "--to", place))
    assert status == 125
    assert text.startswith("proxywrapctl: --to: expected ")
