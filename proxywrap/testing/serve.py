"""The server for testing, run by hand: what `proxywrapctl serve` does."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from proxywrap.address import Endpoint, parse_host
from proxywrap.errors import ConfigError
from proxywrap.testing.script import Script
from proxywrap.testing.socksserver import SocksServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxywrap.address import Host

__all__ = ["serve"]


def serve(
    listen: Endpoint,
    users: Mapping[bytes, bytes],
    names: Mapping[str, Host],
    delay_s: float,
    log_path: str | None,
) -> int:
    """Run a server until SIGINT or SIGTERM, and print where it listens.

    Args:
        listen: where; port 0 is any free one.
        users: who may pass, name to password; anybody where it is empty.
        names: what these names lead to; others are looked up by the system.
        delay_s: seconds before each of the server's messages.
        log_path: file that the access log is appended to, or None.

    Returns:
        The exit status, 0.

    Raises:
        ConfigError: it cannot listen there, or the log cannot be written.

    """
    server = SocksServer(
        host=str(listen.host),
        port=listen.port,
        users=users,
        names=names,
        resolve=True,
        script=Script(delay_s=delay_s),
        log_path=log_path,
    )
    try:
        asyncio.run(_serve(server))
    except OSError as exc:
        place = f"--log {log_path}" if exc.filename is not None else f"--listen {listen}"
        # A resolver's errors have negative numbers; asyncio says more than we want of the others.
        number = exc.errno or 0
        reason = os.strerror(number) if number > 0 else exc.strerror or str(exc)
        raise ConfigError(reason, place) from exc
    return 0


async def _serve(server: SocksServer) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        # Without credentials: this line ends in logs and on shared screens.
        where = Endpoint(parse_host(server.host), server.port)
        print(f"listening on socks5://{where} (socks4, socks4a and http too)", flush=True)  # noqa: T201
        await stop.wait()
