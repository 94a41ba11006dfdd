"""/etc/hosts as libc reads it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.hosts import parse_hosts

TEXT = """\
# comment
127.0.0.1\tlocalhost  localhost.localdomain # more
::1 localhost ip6-localhost
192.0.2.1 Printer.Example.  lp
192.0.2.2 printer.example
192.0.2.2 printer.example

not-an-address name
192.0.2.300 wrong
192.0.2.3
192.0.2.4 good bad..name other
fe80::1%lo scoped
"""


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("localhost", ["127.0.0.1", "::1"]),
        ("LOCALHOST.", ["127.0.0.1", "::1"]),
        ("localhost.localdomain", ["127.0.0.1"]),
        ("printer.example", ["192.0.2.1", "192.0.2.2"]),
        ("lp", ["192.0.2.1"]),
        ("good", ["192.0.2.4"]),
        ("other", ["192.0.2.4"]),
        ("scoped", ["fe80::1%lo"]),
        ("wrong", []),
        ("name", []),
        ("more", []),
        ("absent", []),
        ("", []),
        ("bad..name", []),
    ],
)
def test_addresses_of_a_name(name: str, addresses: list[str]) -> None:
    """All addresses of a name in the order of the file; broken lines and names are passed over."""
    assert parse_hosts(TEXT).addresses(name) == tuple(ip_address(text) for text in addresses)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("127.0.0.1", "localhost"),
        ("::1", "localhost"),
        ("192.0.2.1", "printer.example"),
        ("192.0.2.4", "good"),
        ("192.0.2.3", None),
        ("192.0.2.9", None),
    ],
)
def test_name_of_an_address(address: str, name: str | None) -> None:
    """The first name of the first line is the canonical one."""
    assert parse_hosts(TEXT).name_of(ip_address(address)) == name


@given(st.text(max_size=200))
def test_any_text_is_a_table(text: str) -> None:
    """No file of whatever content keeps the helper from starting."""
    parse_hosts(text)
    assert parse_hosts(f"{text}\n192.0.2.1 known").addresses("known")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("localhost", "localhost"),
        ("Localhost.Localdomain.", "localhost"),
        ("ip6-localhost", "localhost"),
        ("LP", "Printer.Example"),
        ("printer.example", "Printer.Example"),
        ("other", "good"),
        ("absent", None),
        ("", None),
        ("bad..name", None),
    ],
)
def test_canonical_name(name: str, canonical: str | None) -> None:
    """The first name that can be one of the first line that has it, as it is spelled there."""
    assert parse_hosts(TEXT).canonical_name(name) == canonical
