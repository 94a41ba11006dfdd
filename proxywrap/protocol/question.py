"""The DNS question that nearly every message asks, and its answers, by hand.

One question for the addresses of a name that is written in plain letters; all
else is for a library, whose import takes longer than a program is willing to
wait for its first name. RFC 1035, section 4; OPT is RFC 6891.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

__all__ = [
    "Question",
    "WholeQuestion",
    "pack_addresses",
    "pack_failure",
    "pack_no_data",
    "pack_truncated",
    "parse_question",
    "parse_whole_question",
]

_HEADER = struct.Struct("!2sHHHHH")
_TAIL = struct.Struct("!HH")  # QTYPE, QCLASS
_RECORD = struct.Struct("!HHHIH")  # NAME, a pointer, TYPE, CLASS, TTL, RDLENGTH
_OPT = struct.Struct("!BHHBBHH")  # the root, TYPE, payload, extended RCODE, version, flags, RDLENGTH

_QR, _TC, _RD, _RA = 0x8000, 0x0200, 0x0100, 0x0080
_OPCODE = 0x7800
_SERVFAIL = 2
_UNDERSTOOD = 0x0130  # RD, AD and CD, which ask for nothing of ours
_A, _SOA, _PTR, _AAAA, _OPT_TYPE = 1, 6, 12, 28, 41
_IN = 1
_FAMILIES = {_A: socket.AF_INET, _AAAA: socket.AF_INET6}
_NIBBLES = 32
_PAYLOAD_BYTES = 1232
_LEAST_ROOM = 512
_NAME_AT = 0xC00C  # a pointer to the question's name (section 4.1.4)
_MOST_NAME_BYTES = 255
_MOST_LABEL_BYTES = 63
_PLAIN = re.compile(rb"[A-Za-z0-9_-]{1,63}")


class Question(NamedTuple):
    """A question for the addresses of `name` in one family; `wire` is the question section."""

    ident: bytes
    flags: int
    wire: bytes
    name: str
    family: socket.AddressFamily
    has_opt: bool


class WholeQuestion(NamedTuple):
    """The only question of a message, which ends at `end`; `room` is how long an answer by UDP may be.

    `address` is the one whose name is asked for, `is_for_addresses` where those of a name are.
    """

    end: int
    room: int
    is_for_addresses: bool
    address: IPv4Address | IPv6Address | None


def parse_whole_question(message: bytes) -> WholeQuestion | None:
    """Return the question of a query, whatever it asks for; None for any other kind of message."""
    if len(message) < _HEADER.size:
        return None
    _ident, flags, *counts = _HEADER.unpack_from(message)
    if flags & (_QR | _OPCODE) or counts[0] != 1:
        return None
    at, labels = _HEADER.size, []
    while at < len(message) and 0 < message[at] <= _MOST_LABEL_BYTES:
        labels.append(message[at + 1 : at + 1 + message[at]])
        at += 1 + message[at]
    end = at + 1 + _TAIL.size
    if len(message) < end or message[at] or at - _HEADER.size >= _MOST_NAME_BYTES:
        return None
    kind, klass = _TAIL.unpack_from(message, at + 1)
    address = _reversed_address(labels) if (kind, klass) == (_PTR, _IN) else None
    return WholeQuestion(end, _room(message, end), klass == _IN and kind in _FAMILIES, address)


def _room(message: bytes, end: int) -> int:
    """Return how long an answer may be (RFC 6891, section 6.2.3)."""
    if not _has_opt(message, end):
        return _LEAST_ROOM
    return max(_LEAST_ROOM, int.from_bytes(message[end + 3 : end + 5], "big"))


def _has_opt(message: bytes, end: int) -> bool:
    return message[end : end + 3] == b"\0" + _OPT_TYPE.to_bytes(2, "big")


def _reversed_address(labels: list[bytes]) -> IPv4Address | IPv6Address | None:
    """Return the address that a name below in-addr.arpa or ip6.arpa stands for."""
    words = [label.decode("latin-1").lower() for label in labels]
    try:
        match words:
            case [*parts, "in-addr", "arpa"]:
                return IPv4Address(".".join(reversed(parts)))
            case [*parts, "ip6", "arpa"] if len(parts) == _NIBBLES:
                digits = "".join(reversed(parts))
                return IPv6Address(":".join(digits[at : at + 4] for at in range(0, _NIBBLES, 4)))
    except ValueError:
        pass
    return None


def pack_truncated(message: bytes, question: WholeQuestion) -> bytes:
    """Return the answer that there is more than fits: who asked asks again by TCP (RFC 7766, section 5)."""
    return _pack_bare(message, question, _TC)


def pack_failure(message: bytes, question: WholeQuestion) -> bytes:
    """Return the answer that there is none for now: SERVFAIL."""
    return _pack_bare(message, question, _SERVFAIL)


def _pack_bare(message: bytes, question: WholeQuestion, more: int) -> bytes:
    ident, flags, *_counts = _HEADER.unpack_from(message)
    has_opt = _has_opt(message, question.end)
    head = _HEADER.pack(ident, _QR | more | flags & _RD | _RA, 1, 0, 0, has_opt)
    opt = _OPT.pack(0, _OPT_TYPE, _PAYLOAD_BYTES, 0, 0, 0, 0) if has_opt else b""
    return head + message[_HEADER.size : question.end] + opt


def parse_question(message: bytes) -> Question | None:
    """Return the question of a message, None for any other kind of message."""
    if len(message) < _HEADER.size:
        return None
    ident, flags, *counts = _HEADER.unpack_from(message)
    if flags & ~_UNDERSTOOD or counts[:3] != [1, 0, 0]:
        return None
    found = _parse_name(message)
    if found is None:
        return None
    name, at = found
    end = at + _TAIL.size
    if len(message) < end or not _is_opt(message[end:], counts[3]):
        return None
    kind, klass = _TAIL.unpack_from(message, at)
    if kind not in _FAMILIES or klass != _IN:
        return None
    return Question(ident, flags, message[_HEADER.size : end], name, _FAMILIES[kind], bool(counts[3]))


def _parse_name(message: bytes) -> tuple[str, int] | None:
    """Return the name that is asked for, if it is plain, and where what follows it is."""
    at, labels = _HEADER.size, []
    while at < len(message) and message[at]:
        label = message[at + 1 : at + 1 + message[at]]
        if len(label) != message[at] or not _PLAIN.fullmatch(label):
            return None
        labels.append(label)
        at += 1 + len(label)
    at += 1
    if not labels or labels[-1].lower() == b"arpa" or at - _HEADER.size > _MOST_NAME_BYTES:
        return None
    return b".".join(labels).decode("ascii"), at


def _is_opt(additional: bytes, count: int) -> bool:
    """Tell whether the additional section is one OPT record without options, or none."""
    if not count:
        return not additional
    if count != 1 or len(additional) != _OPT.size:
        return False
    root, kind, _payload, _rcode, version, _flags, size = _OPT.unpack(additional)
    return (root, kind, version, size) == (0, _OPT_TYPE, 0, 0)


def pack_addresses(
    question: Question, addresses: Sequence[IPv4Address | IPv6Address], ttl_s: int, payload_bytes: int
) -> bytes:
    """Return the answer that gives the addresses, all of them of the question's family."""
    kind = _A if question.family == socket.AF_INET else _AAAA
    records = b"".join(
        _RECORD.pack(_NAME_AT, kind, _IN, ttl_s, len(address.packed)) + address.packed
        for address in addresses
    )
    return _head(question, len(addresses), 0) + records + _opt(question, payload_bytes)


def pack_no_data(question: Question, soa: bytes, ttl_s: int, payload_bytes: int) -> bytes:
    """Return the answer that there is no such data, with the SOA record of the root (RFC 2308)."""
    record = b"\0" + _RECORD.pack(0, _SOA, _IN, ttl_s, len(soa))[2:] + soa
    return _head(question, 0, 1) + record + _opt(question, payload_bytes)


def _head(question: Question, answers: int, authorities: int) -> bytes:
    flags = _QR | question.flags & _RD | _RA
    counts = (1, answers, authorities, question.has_opt)
    return _HEADER.pack(question.ident, flags, *counts) + question.wire


def _opt(question: Question, payload_bytes: int) -> bytes:
    return _OPT.pack(0, _OPT_TYPE, payload_bytes, 0, 0, 0, 0) if question.has_opt else b""
