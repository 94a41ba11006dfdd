"""Who listens at a port of this host: proc_net(5), and the descriptors of processes."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from proxywrap.address import unmapped
from proxywrap.services import PortService

__all__ = ["directory_of", "holders_of", "listener_at", "named_in"]

_LOCAL, _STATE, _INODE = 1, 3, 9  # columns
_LISTEN = "0A"  # net/tcp_states.h


def listener_at(pid: int, host: IPv4Address | IPv6Address, port: int) -> int | None:
    """Return the inode of the socket that gets connections to an address where a process is.

    None where nobody listens. A listener at the address itself goes before one at all addresses.
    """
    host = unmapped(host)
    wanted: list[tuple[str, IPv4Address | IPv6Address]]
    if isinstance(host, IPv4Address):
        wanted = [
            ("tcp", host),
            ("tcp6", IPv6Address(b"\0" * 10 + b"\xff\xff" + host.packed)),
            ("tcp", IPv4Address(0)),
            ("tcp6", IPv6Address(0)),
        ]
    else:
        wanted = [("tcp6", host), ("tcp6", IPv6Address(0))]
    tables: dict[str, dict[str, int]] = {}
    for table, address in wanted:
        if table not in tables:  # the kernel takes milliseconds for each
            tables[table] = _listeners(pid, table)
        inode = tables[table].get(f"{_hexadecimal(address)}:{port:04X}")
        if inode is not None:
            return inode
    return None


def _listeners(pid: int, table: str) -> dict[str, int]:
    """Return the inodes of listeners by their local addresses, as the kernel spells them."""
    inodes: dict[str, int] = {}
    with suppress(OSError), open(f"/proc/{pid}/net/{table}", encoding="ascii") as lines:
        next(lines, None)  # the heading
        for line in lines:
            columns = line.split()
            if columns[_STATE] != _LISTEN:
                break  # the kernel lists listeners first, and there may be many connections
            inodes.setdefault(columns[_LOCAL], int(columns[_INODE]))
    return inodes


def _hexadecimal(address: IPv4Address | IPv6Address) -> str:
    """Spell an address as the kernel does: 32-bit words, each in the host's byte order."""
    packed = address.packed
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))


def holders_of(inode: int, among: Iterable[int] | None = None) -> Iterator[int]:
    """Yield the processes that have a socket, as far as we may look into them.

    Args:
        inode: of the socket.
        among: these processes, None for all.

    """
    wanted = f"socket:[{inode}]"
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if among is None else among:
        with suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{number}") == wanted:
                        yield pid
                        break


def directory_of(client: int, service: PortService) -> Path:
    """Return where a service's client looks for its files."""
    place = _variable(client, service.variable)
    return Path(place) if place else Path(_variable(client, "HOME") or "/", service.home)


def named_in(directory: Path, service: PortService) -> list[int]:
    """Return the processes that a service's files name as its servers; some may be gone."""
    start, _, end = service.files.rpartition("/")[2].partition("{pid}")
    pids: set[int] = set()
    with suppress(OSError):
        for path in directory.glob(service.files.format(pid="*")):
            pid = path.name.removeprefix(start).removesuffix(end)
            if pid.isascii() and pid.isdecimal():
                pids.add(int(pid))
    return sorted(pids)


def _variable(pid: int, name: str) -> str:
    """Return a variable of the environment that a process was started with, "" where it has none."""
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as environ:
        for item in environ.read().split(b"\0"):
            key, _, value = item.partition(b"=")
            if os.fsdecode(key) == name:
                return os.fsdecode(value)
    return ""
