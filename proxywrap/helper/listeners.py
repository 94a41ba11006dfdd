"""Who listens at a port of this host: proc_net(5), and the descriptors of processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from proxywrap.services import PortService

__all__ = ["holders_of", "is_named_after", "listener_at"]

_LOCAL, _STATE, _INODE = 1, 3, 9  # columns
_LISTEN = "0A"  # net/tcp_states.h


def listener_at(pid: int, port: int) -> int | None:
    """Return the inode of the socket that listens at a port where a process is, None where none does."""
    ending = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        with suppress(OSError), open(f"/proc/{pid}/net/{table}", encoding="ascii") as lines:
            for line in lines:
                columns = line.split()
                if columns[_LOCAL].endswith(ending) and columns[_STATE] == _LISTEN:
                    return int(columns[_INODE])
    return None


def holders_of(inode: int) -> Iterator[int]:
    """Yield the processes that have a socket, as far as we may look into them."""
    wanted = f"socket:[{inode}]"
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{number}") == wanted:
                        yield int(pid)
                        break


def is_named_after(client: int, service: PortService, server: int) -> bool:
    """Tell whether a service's files, where its client looks for them, name that process."""
    place = _variable(client, service.variable)
    directory = Path(place) if place else Path(_variable(client, "HOME") or "/", service.home)
    with suppress(OSError):
        return any(directory.glob(service.files.format(pid=server)))
    return False


def _variable(pid: int, name: str) -> str:
    """Return a variable of the environment that a process was started with, "" where it has none."""
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as environ:
        for item in environ.read().split(b"\0"):
            key, _, value = item.partition(b"=")
            if os.fsdecode(key) == name:
                return os.fsdecode(value)
    return ""
