"""Sockets that are bound to a device."""

from __future__ import annotations

import socket
import struct

import pytest

from proxywrap.net.device import has_device

IP_UNICAST_IF, IPV6_UNICAST_IF = 50, 76


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_device(family: int, kind: int) -> None:
    """Loopback does not count; a name and an index do."""
    level, option = (
        (socket.IPPROTO_IP, IP_UNICAST_IF)
        if family == socket.AF_INET
        else (socket.IPPROTO_IPV6, IPV6_UNICAST_IF)
    )
    with socket.socket(family, kind) as sock:
        assert not has_device(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        assert not has_device(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"")
        sock.setsockopt(level, option, struct.pack("!I", 1))
        assert not has_device(sock)
        others = [index for index, _name in socket.if_nameindex() if index != 1]
        for index in others[:1]:
            sock.setsockopt(level, option, struct.pack("!I", index))
            assert has_device(sock)
            sock.setsockopt(level, option, bytes(4))
            sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_BINDTODEVICE, socket.if_indextoname(index).encode() + b"\0"
            )
            assert has_device(sock)
