"""The name servers of this host, as they change."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from proxywrap.helper.ownservers import OwnServers, parse_resolv_conf

if TYPE_CHECKING:
    from pathlib import Path


def test_resolv_conf() -> None:
    """Addresses, with a scope and in IPv6's dress too; what the C library passes over is passed over."""
    text = "# nameserver 192.0.2.9\nnameserver 192.0.2.1 x\nnameserver fe80::1%eth0\n"
    text += "nameserver ::ffff:192.0.2.3\nnameserver\nnameserver 1.2\nsearch nameserver\n"
    assert parse_resolv_conf(text) == {ip_address(each) for each in ("192.0.2.1", "fe80::1", "192.0.2.3")}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """The network of now counts; loopback always does."""
    file = tmp_path / "resolv.conf"
    own = OwnServers(str(file))
    assert not own.has(ip_address("192.0.2.1"))
    file.write_text("nameserver 192.0.2.1\n")
    assert own.has(ip_address("192.0.2.1"))
    file.write_text("nameserver 192.0.2.22\n")
    assert not own.has(ip_address("192.0.2.1"))
    assert own.has(ip_address("192.0.2.22"))
    assert all(own.has(ip_address(each)) for each in ("127.0.0.53", "::1", "0.0.0.0"))
