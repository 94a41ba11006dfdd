"""Which users have a port of UDP on this host: proc_net(5)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["owners_of"]

_TABLES = ("/proc/self/net/udp", "/proc/self/net/udp6")
_LOCAL, _UID = 1, 7  # columns


def owners_of(port: int) -> frozenset[int]:
    """Return the users of all sockets that have a port, nobody where that cannot be told."""
    found = set()
    ending = f":{port:04X}"
    for table in _TABLES:
        with suppress(OSError):  # no /proc, or a host without IPv6
            for line in Path(table).read_text("ascii").splitlines()[1:]:
                columns = line.split()
                if columns[_LOCAL].endswith(ending):
                    found.add(int(columns[_UID]))
    return frozenset(found)
