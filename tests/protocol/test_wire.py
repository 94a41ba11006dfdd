"""The messages between shim and helper, against the C structures themselves."""

from __future__ import annotations

import contextlib
import errno
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap import _native
from proxywrap.errors import RemoteProtocolError
from proxywrap.protocol import wire
from proxywrap.protocol.wire import (
    BlockedKind,
    Op,
    ReplyMessage,
    RequestMessage,
    Target,
    pack_reply,
    pack_request,
    parse_reply,
    parse_request,
)

ffi, lib = _native.ffi, _native.lib
TOKEN = bytes(range(16))
V4, V6 = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")

REQUESTS = [
    RequestMessage(Op.CONNECT, 0, TOKEN, socket.AF_INET, V4, 443),
    RequestMessage(Op.CONNECT, 0, TOKEN, socket.AF_INET6, V6, 65535, 7),
    RequestMessage(Op.RESOLVE, 0, TOKEN, socket.AF_INET6, IPv6Address("::"), name=b"www.example.org"),
    RequestMessage(Op.RESOLVE, 0, TOKEN, name=b"x" * 256),
    RequestMessage(Op.REVERSE, 0, TOKEN, socket.AF_INET, V4),
    RequestMessage(Op.BLOCKED, BlockedKind.SOCKET, TOKEN, 16, None, 3),
    RequestMessage(Op.EXEC, Target.STATIC, TOKEN, name=b"/bin/\xff"),
    RequestMessage(Op.SERVER, 0, TOKEN, socket.AF_INET6, V6, 53, 7),
    RequestMessage(Op.QUERY, 0, TOKEN, message=b"?!\1\0"),
    RequestMessage(Op.QUERY, 0, TOKEN, message=b"x" * wire.MAX_MESSAGE_BYTES),
]

REPLIES = [
    ReplyMessage(),
    ReplyMessage(errno.ECONNREFUSED),
    ReplyMessage(is_direct=True),
    ReplyMessage(0, (V4,), b"www.example.org"),
    ReplyMessage(0, (V4, V6) * 4, b"x" * 256),
    ReplyMessage(0, (V6,), port=40000),
    ReplyMessage(0, message=b"x" * wire.MAX_MESSAGE_BYTES),
]


def c_struct(kind: str, data: bytes) -> Any:
    """Return `data` as C sees it, without the message behind it."""
    struct = ffi.new(f"struct {kind} *")
    size = ffi.sizeof(struct[0])
    assert len(data) - size in {0, 4, wire.MAX_MESSAGE_BYTES}
    ffi.memmove(struct, data, size)
    return struct


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_as_c_sees_it(request_: RequestMessage) -> None:
    """Each field is where the shim puts it, and comes back as it was."""
    data = pack_request(request_)
    struct = c_struct("pw_request", data)
    assert struct.version == lib.PW_WIRE_VERSION
    assert (struct.op, struct.detail) == (request_.op, request_.detail)
    assert bytes(struct.token) == TOKEN
    assert (struct.addr.family, struct.addr.port) == (request_.family, request_.port)
    assert struct.addr.scope_id == request_.scope_id
    packed = request_.address.packed if request_.address is not None else b""
    assert bytes(struct.addr.ip) == packed.ljust(16, b"\0")
    assert ffi.buffer(struct.name)[: struct.name_bytes] == request_.name
    assert parse_request(data) == request_


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_as_c_sees_it(reply: ReplyMessage) -> None:
    """Likewise; `count` alone marks a direct connection."""
    data = pack_reply(reply)
    struct = c_struct("pw_reply", data)
    assert struct.version == lib.PW_WIRE_VERSION
    assert struct.error == reply.error
    assert struct.count == (1 if reply.is_direct else len(reply.addresses))
    for at, address in enumerate(reply.addresses):
        assert struct.addrs[at].family == (socket.AF_INET if address.version == 4 else socket.AF_INET6)
        assert bytes(struct.addrs[at].ip).startswith(address.packed)
        assert struct.addrs[at].port == reply.port
    assert ffi.buffer(struct.name)[: struct.name_bytes] == reply.name
    assert parse_reply(data) == reply


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (wire.VERSION, "PW_WIRE_VERSION"),
        (wire.TOKEN_BYTES, "PW_TOKEN_BYTES"),
        (wire.MAX_NAME_BYTES, "PW_NAME_BYTES"),
        (wire.MAX_ADDRS, "PW_MAX_ADDRS"),
        (wire.MAX_MESSAGE_BYTES, "PW_MESSAGE_BYTES"),
        *((op, f"PW_OP_{op.name}") for op in Op),
        *((kind, f"PW_BLOCKED_{kind.name}") for kind in BlockedKind),
        *((target, f"PW_TARGET_{target.name}") for target in Target),
    ],
)
def test_numbers(ours: int, theirs: str) -> None:
    """Each number of wire.h is here under the same name."""
    assert getattr(lib, theirs) == ours


@pytest.mark.parametrize(
    ("enum", "members"), [("pw_op", Op), ("pw_blocked", BlockedKind), ("pw_target", Target)]
)
def test_no_number_is_missing(enum: str, members: type[Op | BlockedKind | Target]) -> None:
    """What the shim may say is known here."""
    assert set(ffi.typeof(f"enum {enum}").elements) == {int(each) for each in members}


def test_more_addresses_than_have_room() -> None:
    """The first eight are sent."""
    addresses = tuple(ip_address(f"192.0.2.{n}") for n in range(20))
    assert parse_reply(pack_reply(ReplyMessage(addresses=addresses))).addresses == addresses[:8]


@pytest.mark.parametrize(
    ("at", "byte", "reason"),
    [
        (0, 1, f"expected wire version {wire.VERSION}, got 1: another proxywrap's shim?"),
        (4, 0, f"expected an operation of 1 to {max(Op)}, got 0"),
        (4, 99, f"expected an operation of 1 to {max(Op)}, got 99"),
        (49, 2, "expected a name of at most 256 bytes, got 512"),
    ],
)
def test_a_request_that_is_wrong(at: int, byte: int, reason: str) -> None:
    """The error says what was expected."""
    data = bytearray(pack_request(RequestMessage(Op.CONNECT, token=TOKEN)))
    data[at] = byte
    with pytest.raises(RemoteProtocolError) as caught:
        parse_request(bytes(data))
    assert str(caught.value) == reason


def test_a_reply_of_another_version() -> None:
    """It is refused."""
    with pytest.raises(RemoteProtocolError, match=f"expected wire version {wire.VERSION}, got 1"):
        parse_reply(b"\1" + pack_reply(ReplyMessage())[1:])


REQUEST_OF_NONE = pack_request(RequestMessage(Op.RESOLVE, token=TOKEN))
QUERY = pack_request(RequestMessage(Op.QUERY, token=TOKEN, message=b"x" * wire.MAX_MESSAGE_BYTES))
REPLY = pack_reply(ReplyMessage(message=b"x" * wire.MAX_MESSAGE_BYTES))


@pytest.mark.parametrize(
    ("parse", "data"),
    [
        (parse_request, REQUEST_OF_NONE[:-1]),
        (parse_request, REQUEST_OF_NONE + b"x"),
        (parse_request, QUERY + b"x"),
        (parse_reply, REPLY[: wire.REPLY_BYTES - 1]),
        (parse_reply, REPLY + b"x"),
    ],
    ids=["short", "long", "message-too-long", "short-reply", "reply-too-long"],
)
def test_another_size(parse: Any, data: bytes) -> None:
    """One size each, behind which there may be a message of the one operation that has one."""
    size = wire.REQUEST_BYTES if parse is parse_request else wire.REPLY_BYTES
    with pytest.raises(RemoteProtocolError, match=f"of {size} bytes, got {len(data)}"):
        parse(data)


def test_the_token_is_not_shown() -> None:
    """A log may show a request."""
    assert "token" not in repr(REQUESTS[0])


@given(st.binary(max_size=600) | st.binary(min_size=wire.REQUEST_BYTES, max_size=wire.REQUEST_BYTES))
def test_any_bytes_as_a_request(data: bytes) -> None:
    """They are a request or a RemoteProtocolError."""
    with contextlib.suppress(RemoteProtocolError):
        parse_request(data)


@given(st.binary(min_size=wire.REQUEST_BYTES - 6, max_size=wire.REQUEST_BYTES - 6), st.integers(0, 9))
def test_any_bytes_behind_a_good_version(data: bytes, op: int) -> None:
    """Likewise."""
    with contextlib.suppress(RemoteProtocolError):
        assert parse_request(wire.VERSION.to_bytes(4, "little") + op.to_bytes(2, "little") + data).op == op


@given(st.binary(min_size=wire.REPLY_BYTES - 4, max_size=wire.REPLY_BYTES - 4))
def test_any_bytes_as_a_reply(data: bytes) -> None:
    """They are a reply, whatever they say."""
    parse_reply(wire.VERSION.to_bytes(4, "little") + data)
