"""The access log."""

from __future__ import annotations

import io
from ipaddress import IPv6Address

from proxywrap.address import Endpoint
from proxywrap.protocol.command import Command
from proxywrap.protocol.request import Request
from proxywrap.scheme import Scheme
from proxywrap.testing.accesslog import Access, AccessLog


def test_entry_survives_json() -> None:
    """What is written is read back, bytes that were not UTF-8 included."""
    access = Access(1.5, "127.0.0.1:9")
    access.take(Request(Scheme.SOCKS5, Command.CONNECT, Endpoint("b\udcfccher.test", 80), b"us\xffer"))
    assert access.username == "us\\xffer"
    assert access.is_name
    assert access.to_json().isascii()
    assert Access.from_json(access.to_json()) == access


def test_destination() -> None:
    """It is spelled as endpoints are."""
    access = Access(1.5, "127.0.0.1:9")
    assert access.destination == ""
    access.take(Request(Scheme.HTTP, Command.CONNECT, Endpoint(IPv6Address("2001:db8::1"), 80)))
    assert access.destination == "[2001:db8::1]:80"
    assert not access.is_name


def test_entries_are_seen_at_once_and_written_at_the_end() -> None:
    """A test can look at a request that is not answered yet."""
    file = io.StringIO()
    log = AccessLog(file)
    access = Access(1.5, "127.0.0.1:9")
    log.open(access)
    assert log.entries == [access]
    assert file.getvalue() == ""
    log.close(access)
    assert file.getvalue() == access.to_json() + "\n"
