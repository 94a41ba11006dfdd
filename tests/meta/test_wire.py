"""Python's idea of the wire is the C compiler's: sizes, offsets, constants and enums."""

from __future__ import annotations

import ctypes
import re
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

import pytest

from proxywrap import _native
from proxywrap.protocol import wire

from .shim_object import ROOT

ffi = _native.ffi
WIRE_H = ROOT / "csrc" / "wire.h"


def test_sizes() -> None:
    """Each packet is as long as its struct."""
    assert ffi.sizeof("struct pw_request") == wire.REQUEST_BYTES
    assert ffi.sizeof("struct pw_reply") == wire.REPLY_BYTES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PW_WIRE_VERSION", wire.VERSION),
        ("PW_TOKEN_BYTES", wire.TOKEN_BYTES),
        ("PW_NAME_BYTES", wire.MAX_NAME_BYTES),
        ("PW_MAX_ADDRS", wire.MAX_ADDRS),
        ("PW_MESSAGE_BYTES", wire.MAX_MESSAGE_BYTES),
        ("PW_HOLD_BYTES", wire.HOLD_BYTES),
    ],
)
def test_constants(name: str, value: int) -> None:
    """Each constant of wire.h has its equal."""
    assert getattr(_native.lib, name) == value


def test_no_constant_is_forgotten() -> None:
    """The list above has all that wire.h defines."""
    defined = set(re.findall(r"^#define (PW_\w+) \d+", WIRE_H.read_text(), flags=re.MULTILINE))
    assert defined == {
        "PW_WIRE_VERSION",
        "PW_TOKEN_BYTES",
        "PW_NAME_BYTES",
        "PW_MAX_ADDRS",
        "PW_MESSAGE_BYTES",
        "PW_HOLD_BYTES",
    }


@pytest.mark.parametrize(
    ("tag", "prefix", "enum"),
    [
        ("pw_op", "PW_OP_", wire.Op),
        ("pw_blocked", "PW_BLOCKED_", wire.BlockedKind),
        ("pw_target", "PW_TARGET_", wire.Target),
    ],
)
def test_enums(tag: str, prefix: str, enum: type[IntEnum]) -> None:
    """Each enum has the same members with the same values, no more and no fewer."""
    members = ffi.typeof(f"enum {tag}").relements
    assert {prefix + each.name: int(each) for each in enum} == members


def test_a_request_is_laid_out_as_the_struct_is() -> None:
    """Each field of a packed request is found by its name in C."""
    message = wire.RequestMessage(
        op=wire.Op.REVERSE,
        detail=0x1234,
        token=bytes(range(16)),
        family=10,
        address=IPv6Address("2001:db8::7"),
        port=0xABCD,
        scope_id=0xDEADBEEF,
        name=b"site.test",
    )
    request = ffi.from_buffer("struct pw_request *", wire.pack_request(message))
    assert (request.version, request.op, request.detail) == (wire.VERSION, wire.Op.REVERSE, 0x1234)
    assert ffi.buffer(request.token)[:] == bytes(range(16))
    assert (request.addr.family, request.addr.port, request.addr.scope_id) == (10, 0xABCD, 0xDEADBEEF)
    assert ffi.buffer(request.addr.ip)[:] == IPv6Address("2001:db8::7").packed
    assert (request.name_bytes, ffi.buffer(request.name, 9)[:]) == (9, b"site.test")


def test_a_request_of_the_shim_is_read() -> None:
    """What C lays out, Python parses."""
    request = ffi.new("struct pw_request *")
    request.version, request.op, request.detail = wire.VERSION, wire.Op.CONNECT, 1
    request.addr.family, request.addr.port = 2, 8080
    ffi.buffer(request.addr.ip)[:4] = IPv4Address("192.0.2.7").packed
    request.name_bytes = 2
    ffi.buffer(request.name)[:2] = b"ab"
    found = wire.parse_request(ffi.buffer(request)[:])
    assert found == wire.RequestMessage(
        op=wire.Op.CONNECT,
        detail=1,
        token=bytes(16),
        family=2,
        address=IPv4Address("192.0.2.7"),
        port=8080,
        name=b"ab",
    )


def test_a_reply_is_laid_out_as_the_struct_is() -> None:
    """Addresses of both families, each in its place."""
    addresses = tuple(IPv6Address(index) if index % 2 else IPv4Address(index) for index in range(1, 9))
    packed = wire.pack_reply(wire.ReplyMessage(error=111, addresses=addresses, name=b"name"))
    reply = ffi.from_buffer("struct pw_reply *", packed)
    assert (reply.version, reply.error, reply.count, reply.name_bytes) == (wire.VERSION, 111, 8, 4)
    for index, address in enumerate(addresses):
        assert reply.addrs[index].family == (2 if address.version == 4 else 10)
        assert ffi.buffer(reply.addrs[index].ip)[:].startswith(address.packed)
    assert ffi.buffer(reply.name, 4)[:] == b"name"


@pytest.mark.parametrize("error", [0, -1, 1, ctypes.c_int32(0x7FFFFFFF).value])
def test_errors_have_a_sign(error: int) -> None:
    """`error` is an int32_t on both sides."""
    packed = wire.pack_reply(wire.ReplyMessage(error=error))
    assert ffi.from_buffer("struct pw_reply *", packed).error == error
