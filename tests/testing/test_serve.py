"""The server for testing, run by hand."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from proxywrap.address import Endpoint
from proxywrap.errors import ConfigError
from proxywrap.testing import Access
from proxywrap.testing.serve import serve

from .destinations import DEADLINE_S, LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys
from ipaddress import ip_address
from proxywrap.address import Endpoint
from proxywrap.testing.serve import serve
names = {"site.test": ip_address("127.0.0.1")}
sys.exit(serve(Endpoint(ip_address("127.0.0.1"), 0), {b"user": b"secret"}, names, 0.0, sys.argv[1]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    """It says where it listens but no password, and ends with status 0 whoever is connected."""
    log = tmp_path / "access.log"
    command = [sys.executable, "-c", PROGRAM, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        match = re.fullmatch(
            r"listening on socks5://127\.0\.0\.1:(\d+) \(socks4, socks4a and http too\)\n", line
        )
        assert match is not None
        with socket.create_connection(("127.0.0.1", int(match[1])), timeout=DEADLINE_S) as sock:
            sock.sendall(b"\x05\x01\x02")
            assert sock.recv(2) == b"\x05\x02"
            process.send_signal(number)
            assert process.wait(DEADLINE_S) == 0
        assert process.stderr.read() == ""
    (entry,) = log.read_text().splitlines()
    assert Access.from_json(entry).result == "cut"


def test_port_in_use() -> None:
    """The error names the option."""
    with socket.create_server((str(LOOPBACK), 0)) as taken:
        listen = Endpoint(LOOPBACK, taken.getsockname()[1])
        with pytest.raises(ConfigError, match=f"--listen {listen}: Address already in use"):
            serve(listen, {}, {}, 0.0, None)


def test_log_that_cannot_be_written(tmp_path: Path) -> None:
    """The error names the file."""
    path = str(tmp_path / "missing" / "log")
    with pytest.raises(ConfigError, match=f"--log {path}: No such file or directory"):
        serve(Endpoint(IPv4Address("127.0.0.1"), 0), {}, {}, 0.0, path)
