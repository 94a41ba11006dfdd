"""Whether a TCP socket is still there."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

import pytest

from proxywrap.net import sockdiag
from proxywrap.net.sockdiag import cookie_of, is_connecting

from .lending import black_hole, listening


def test_a_cookie_is_one_socket_s() -> None:
    """All descriptors of it tell the same, no other socket does."""
    with socket.socket() as one, socket.socket() as other, socket.socket(fileno=os.dup(one.fileno())) as same:
        assert cookie_of(one) == cookie_of(same) != cookie_of(other)


def test_connecting_and_no_more() -> None:
    """Only in SYN_SENT, between these addresses, and this socket."""
    with ExitStack() as stack:
        address = stack.enter_context(black_hole())
        sock = stack.enter_context(socket.socket())
        sock.setblocking(False)
        sock.connect_ex(address)
        own, cookie = sock.getsockname(), cookie_of(sock)
        assert is_connecting(socket.AF_INET, own, address, cookie)
        assert not is_connecting(socket.AF_INET, own, address, cookie + 1)
        assert not is_connecting(socket.AF_INET, own, (address[0], address[1] ^ 1), cookie)
        assert not is_connecting(socket.AF_INET6, ("::1", own[1]), ("::1", address[1]), cookie)
        sock.close()
        assert not is_connecting(socket.AF_INET, own, address, cookie)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connected_socket_is_not_connecting(host: str) -> None:
    """It is there, in another state."""
    with listening(host) as listener, socket.create_connection(listener.getsockname()[:2]) as sock:
        family, own = sock.family, sock.getsockname()[:2]
        assert not is_connecting(family, own, sock.getpeername()[:2], cookie_of(sock))


def test_a_kernel_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket counts as there."""
    monkeypatch.setattr(sockdiag, "_NETLINK_SOCK_DIAG", 31)
    assert is_connecting(socket.AF_INET, ("127.0.0.1", 1), ("127.0.0.1", 2), 3)
