"""A proxy and a web site to try proxywrap on, without any network.

Both live in one process of their own, for the launcher is going to fork and
must not run threads or an event loop meanwhile. It is this module run as a program,
and obeys lines on its standard input::

    demo                                  its process
                         <-- {"port": …}      both listen
      log                -->
                         <-- [{…}, …]         the access log
      (end of input)     -->                  it ends

The site's name is known to the proxy alone: a COMMAND that reaches it has gone
through the proxy, and so has the name.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os.path
import subprocess
import sys
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import proxywrap
from proxywrap.address import Endpoint
from proxywrap.testing.accesslog import SUCCEEDED, Access
from proxywrap.testing.socksserver import SocksServer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SITE_NAME", "Demo", "running_demo"]

SITE_NAME = "hello.proxywrap.test"
"""`test` is reserved (RFC 6761, section 6.2): no resolver anywhere knows the name."""

SITE_URL = f"http://{SITE_NAME}/"

PAGE = f"""\
Hello from {SITE_URL}
No resolver knows this name. Only the proxy does, so you came through it.
"""

FETCH = f"""\
import urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
print(opener.open({SITE_URL!r}, timeout=30).read().decode(), end="")
"""

START = "import sys; sys.path.append(sys.argv.pop(1)); from proxywrap.testing.demo import main; main()"
"""Not by `-m`: that would put the current directory in front of the search path."""

IDLE_TIMEOUT_S = 2.0
"""How long the log waits for connections that COMMAND's descendants still hold."""


class Demo:
    """The demo as its user sees it: a proxy, something to run, and what passed."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url

    @property
    def command(self) -> list[str]:
        """What to run where the user names no COMMAND: a fetch by this same Python."""
        return [sys.executable, "-I", "-c", FETCH]

    def summary(self) -> str:
        """Return what passed through the proxy so far, for a person to read."""
        return summarise(self.url, self.log())

    def log(self) -> list[Access]:
        """Return the proxy's access log; the connections of a COMMAND that has ended are complete."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("started with both")
        self._process.stdin.write("log\n")
        self._process.stdin.flush()
        return [Access(**fields) for fields in json.loads(self._process.stdout.readline())]


def summarise(url: str, log: list[Access]) -> str:
    """Return `log` in words."""
    if not log:
        return "demo: nothing came through the proxy"
    lines = ["demo: this came through the proxy"]
    for access in log:
        lines.append(f"  {access.client} -> {url} -> {access.destination or '?'}")
        if access.result == SUCCEEDED:
            lines.append(f"    {access.sent_bytes} bytes sent, {access.received_bytes} received")
        else:
            lines.append(f"    failed: {access.result}")
    for name in dict.fromkeys(access.host for access in log if access.is_name and access.result == SUCCEEDED):
        known = ", which alone knows it" if name == SITE_NAME else ""
        lines.append(f"  {name} was resolved by the proxy{known}")
    return "\n".join(lines)


@contextlib.contextmanager
def running_demo() -> Iterator[Demo]:
    """Run the demo's proxy and web site until the block ends.

    Raises:
        OSError: the process could not be started.

    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(proxywrap.__file__)))
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", START, root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="ascii",
        process_group=0,  # a Ctrl-C at the terminal is COMMAND's
    )
    with process:
        if process.stdout is None:
            raise AssertionError("started with it")
        first = process.stdout.readline()
        if not first:
            raise OSError("the demo's process ended before it listened")
        try:
            yield Demo(process, f"socks5://127.0.0.1:{json.loads(first)['port']}")
        finally:
            # Whoever was forked meanwhile may hold the pipe, so that closing it says nothing.
            process.kill()


# ---
# The process


def main() -> None:
    """Listen, say where, and obey standard input to its end."""
    asyncio.run(_main())


async def _main() -> None:
    site = await asyncio.start_server(_serve_page, "127.0.0.1", 0)
    where = Endpoint(IPv4Address("127.0.0.1"), site.sockets[0].getsockname()[1])
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    async with site, SocksServer(names={SITE_NAME: where}) as server:
        _say({"port": server.port})
        while await commands.readline():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_TIMEOUT_S):
                    await server.wait_idle()
            _say([json.loads(access.to_json()) for access in server.log])


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)  # noqa: T201 - the answer to the parent


async def _serve_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    body = PAGE.encode("ascii")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    with contextlib.suppress(EOFError, OSError, ValueError):  # the client left, or sent no head
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode("ascii") + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
    writer.close()


if __name__ == "__main__":
    main()
