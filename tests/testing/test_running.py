"""The server in a thread of its own."""

from __future__ import annotations

import errno
import socket
import subprocess
import threading

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script, SocksServer, running

from .destinations import DEADLINE_S

REQUEST = b"\x04\x01\x00\x50\x00\x00\x00\x01\x00site.test\x00"


def ask(port: int) -> bytes:
    """Send a SOCKS4a request and return its reply."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as sock:
        sock.sendall(REQUEST)
        return sock.recv(8)


def test_requests_are_logged() -> None:
    """The log can be read from the test's thread."""
    with running(SocksServer()) as server:
        assert ask(server.port) == b"\x00\x5b" + bytes(6)
        server.wait_idle()
        assert [access.result for access in server.log] == ["EHOSTUNREACH"]
        assert server.url == server.url_for(Scheme.SOCKS5)
    assert not any(thread.name == "socks server" for thread in threading.enumerate())


def test_hold_and_release() -> None:
    """The test's thread decides when requests are answered."""
    with running(SocksServer(script=Script(refuse=errno.EACCES))) as server:
        server.hold()
        with socket.create_connection((server.host, server.port), timeout=DEADLINE_S) as sock:
            sock.sendall(REQUEST)
            server.wait_for_requests(1)
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(8)
            sock.settimeout(DEADLINE_S)
            server.release()
            assert sock.recv(8) == b"\x00\x5d" + bytes(6)
        server.set_script(Script())
        assert ask(server.port) == b"\x00\x5b" + bytes(6)


def test_waiting_ends() -> None:
    """A request that does not come is an error, not a hang."""
    with running(SocksServer()) as server, pytest.raises(TimeoutError):
        server.wait_for_requests(1, timeout_s=0.01)


def test_failure_at_the_start() -> None:
    """The error comes out in the test's thread."""
    with running(SocksServer()) as server, pytest.raises(OSError, match="in use"):
        running(SocksServer(port=server.port)).__enter__()


def test_failure_in_the_block() -> None:
    """A test that fails inside the block fails with its own error, and the thread ends."""
    with pytest.raises(subprocess.SubprocessError), running(SocksServer()):
        raise subprocess.SubprocessError
    assert not any(thread.name == "socks server" for thread in threading.enumerate())
