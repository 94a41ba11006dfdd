"""Sockets whose connect() has failed, left as the kernel leaves them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_address

from proxywrap.net.lent import LentSocket

__all__ = ["leave_failed"]


def leave_failed(lent: LentSocket, refusing: Mapping[int, tuple[str, int]]) -> None:
    """Leave a socket as a failed connect leaves it: with an error that poll shows.

    Only the kernel can put one there, so it is connected to where nobody
    listens. To IPv4 first: a socket that was connected to a mapped address
    cannot go back to native IPv6.

    Args:
        lent: in any state.
        refusing: loopback addresses where nothing ever listens, by family.

    """
    for family in (socket.AF_INET, socket.AF_INET6):
        if family in refusing:
            host, port = refusing[family]
            sockaddr = lent.sockaddr(ip_address(host), port)
            if sockaddr is not None:
                lent.fail(sockaddr)
                return
    lent.disconnect()
