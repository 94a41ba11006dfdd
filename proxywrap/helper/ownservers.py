"""The name servers of this host: those of resolv.conf(5), and of loopback."""

from __future__ import annotations

import os
from ipaddress import IPv4Address, IPv6Address, ip_address

from proxywrap.address import unmapped

__all__ = ["OwnServers", "parse_resolv_conf"]

RESOLV_CONF = "/etc/resolv.conf"

MOST_BYTES = 65536
"""Of a resolv.conf that are read."""

MAX_ELSEWHERE = 1024
"""Servers of other roots that are remembered."""

Address = IPv4Address | IPv6Address


class OwnServers:
    """Knows them, also where programs have another root than we.

    Args:
        path: of resolv.conf.

    """

    def __init__(self, path: str = RESOLV_CONF) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._here: frozenset[Address] = frozenset()
        self._elsewhere: set[Address] = set()

    def learn(self, process: int) -> None:
        """Take the servers in a process's root for this host's, too."""
        if process and len(self._elsewhere) < MAX_ELSEWHERE:
            self._elsewhere |= _read(f"/proc/{process}/root{self._path}")

    def has(self, server: Address) -> bool:
        """Tell whether a server is one of them."""
        if server.is_loopback or server.is_unspecified:
            return True
        self._refresh()
        return server in self._here or server in self._elsewhere

    def _refresh(self) -> None:
        """Read resolv.conf where it has changed: networks come and go."""
        try:
            found = os.stat(self._path)
        except OSError:
            return
        stamp = found.st_ino, found.st_mtime_ns, found.st_size
        if stamp != self._stamp:
            self._stamp, self._here = stamp, _read(self._path)


def parse_resolv_conf(text: str) -> frozenset[Address]:
    """Return the name servers of a resolv.conf(5)."""
    found = set()
    for line in text.splitlines():
        match line.split():
            case ["nameserver", word, *_]:
                try:
                    found.add(unmapped(ip_address(word.partition("%")[0])))
                except ValueError:
                    continue  # as the C libraries do
    return frozenset(found)


def _read(path: str) -> frozenset[Address]:
    try:
        # In a program's root there may be a FIFO.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return frozenset()
    try:
        return parse_resolv_conf(os.read(fd, MOST_BYTES).decode("utf-8", "replace"))
    except OSError:
        return frozenset()
    finally:
        os.close(fd)
