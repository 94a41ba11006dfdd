"""The server for testing, spoken to by clients that nobody here wrote."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest
import socks  # type: ignore[import-untyped]
from python_socks.async_.asyncio import Proxy

from proxywrap.testing import SocksServer

from .destinations import DEADLINE_S, destination, website

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = b"HTTP/1.0 200 OK\r\n\r\nhello"
USERS = {b"user": b"pa:ss@word", b"Fred": b""}


def serve(client: Callable[[SocksServer], bytes], users: dict[bytes, bytes] | None = None) -> SocksServer:
    """Run `client` in a thread against a server that knows site.test; return the server when it stopped."""

    async def scenario() -> SocksServer:
        async with (
            destination(website) as site,
            SocksServer(names={"site.test": site}, users=users) as server,
        ):
            async with asyncio.timeout(DEADLINE_S):
                assert (await asyncio.to_thread(client, server)).endswith(b"hello")
                await server.wait_idle()
        return server

    server = asyncio.run(scenario())
    (access,) = server.log
    assert (access.destination, access.is_name, access.result) == ("site.test:80", True, "ok")
    return server


@pytest.mark.parametrize("with_user", [True, False])
@pytest.mark.parametrize(
    ("options", "scheme"),
    [
        (["--socks5-hostname"], "socks5"),
        (["--socks4a"], "socks4a"),
        (["--proxytunnel", "--proxy"], "http"),
    ],
)
def test_curl(options: list[str], scheme: str, with_user: bool) -> None:  # noqa: FBT001
    """Curl's own clients get the page."""

    def client(server: SocksServer) -> bytes:
        userinfo = "" if not with_user else "Fred:@" if scheme == "socks4a" else "user:pa%3Ass%40word@"
        command = ["curl", "-sS", *options, f"{userinfo}127.0.0.1:{server.port}", "http://site.test/"]
        return subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_S).stdout

    (access,) = serve(client, USERS if with_user else None).log
    assert access.scheme == scheme
    assert (access.username is not None) == with_user


@pytest.mark.parametrize(
    ("kind", "scheme"), [(socks.SOCKS5, "socks5"), (socks.SOCKS4, "socks4a"), (socks.HTTP, "http")]
)
@pytest.mark.parametrize("with_user", [True, False])
def test_pysocks(kind: int, scheme: str, with_user: bool) -> None:  # noqa: FBT001
    """PySocks gets the page."""

    def client(server: SocksServer) -> bytes:
        username, password = ("Fred", "") if scheme == "socks4a" else ("user", "pa:ss@word")
        with socks.socksocket() as sock:
            sock.set_proxy(
                kind,
                server.host,
                server.port,
                username=username if with_user else None,
                password=password if with_user else None,
            )
            sock.settimeout(DEADLINE_S)
            sock.connect(("site.test", 80))
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data = b""
            while chunk := sock.recv(4096):
                data += chunk
            return data

    assert serve(client, USERS if with_user else None).log[0].scheme == scheme


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("socks5://127.0.0.1:{}", "socks5"),
        ("socks5://user:pa%3Ass%40word@127.0.0.1:{}", "socks5"),
        ("socks4://127.0.0.1:{}", "socks4a"),
        ("socks4://Fred:@127.0.0.1:{}", "socks4a"),
        ("http://127.0.0.1:{}", "http"),
        ("http://user:pa%3Ass%40word@127.0.0.1:{}", "http"),
    ],
)
def test_python_socks(url: str, scheme: str) -> None:
    """python-socks gets the page."""

    async def fetch(server: SocksServer) -> bytes:
        proxy = Proxy.from_url(url.format(server.port), rdns=True)
        sock = await proxy.connect(dest_host="site.test", dest_port=80, timeout=DEADLINE_S)
        reader, writer = await asyncio.open_connection(sock=sock)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        data = await reader.read()
        writer.close()
        return data

    users = USERS if "@" in url else None
    assert serve(lambda server: asyncio.run(fetch(server)), users).log[0].scheme == scheme
