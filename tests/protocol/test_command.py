"""Names on the wire."""

from __future__ import annotations

import errno

import pytest

from proxywrap.errors import LocalProtocolError, RemoteProtocolError
from proxywrap.protocol.command import decode_name, encode_name


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.example", b"a.example"), ("b\udcfcch.example", b"b\xfcch.example"), ("a" * 255, b"a" * 255)],
)
def test_encode_name(name: str, data: bytes) -> None:
    """Bytes that are not UTF-8 come back as they were."""
    assert encode_name(name) == data


@pytest.mark.parametrize("name", ["", "a" * 256, "a\0b"])
def test_name_that_cannot_be(name: str) -> None:
    """It is a host that cannot be reached."""
    with pytest.raises(LocalProtocolError) as caught:
        encode_name(name)
    assert caught.value.errno == errno.EHOSTUNREACH


def test_decode_name() -> None:
    """Names are folded as everywhere."""
    assert decode_name(b"Example.COM.") == "example.com"
    assert decode_name(b"b\xfcch.example") == "b\udcfcch.example"
    with pytest.raises(RemoteProtocolError, match="found an empty one"):
        decode_name(b"")
