"""What processes dial by their own system calls, whether or not a packet comes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clients import Words

__all__ = ["Trace"]

CALLS = "connect,sendto,sendmsg,sendmmsg"
IPV4 = re.compile(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')
DATAGRAM_CONNECT = re.compile(r"\bconnect\(\d+<UDP")
IPV6 = re.compile(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Trace:
    """A file that strace writes, for any number of commands."""

    file: Path

    def prefix(self) -> Words:
        """Return the words that put a command, and all that comes of it, under strace."""
        return [
            "strace",
            "-f",
            "-qq",
            "-yy",
            "-e",
            f"trace={CALLS}",
            "-e",
            "signal=none",
            "-A",
            "-o",
            self.file,
        ]

    def dialled(self) -> set[tuple[str, int]]:
        """Return every internet address that was connected or sent to, with its port.

        Not those that datagram sockets were connected to beyond this host: programs find their own
        address so, it sends nothing, and the judge sees what they send.
        """
        found = set()
        for line in self.file.read_text(errors="replace").splitlines():
            for port, text in IPV4.findall(line) + IPV6.findall(line):
                address = ip_address(text)
                plain = getattr(address, "ipv4_mapped", None) or address
                if plain.is_loopback or not DATAGRAM_CONNECT.search(line):
                    found.add((str(plain), int(port)))
        return found
