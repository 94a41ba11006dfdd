"""Why something was refused, in the user's words."""

from __future__ import annotations

import socket
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address

import pytest

from proxywrap.protocol.wire import BlockedKind, Op, RequestMessage, Target
from proxywrap.refusals import allow_hint, blocked, target_reason


@pytest.mark.parametrize("target", [each for each in Target if each is not Target.OK])
def test_every_target_has_a_reason(target: Target) -> None:
    """Half a sentence about the program."""
    assert target_reason(target).startswith(("it ", "its ", "the "))


def test_a_target_that_can_be_entered_has_none() -> None:
    """Nobody is to ask."""
    with pytest.raises(KeyError):
        target_reason(Target.OK)


IN_A_FILE = "above [ProxyList] in a configuration file (-f FILE in the place of -x)"


@pytest.mark.parametrize(
    ("path", "file", "line", "place"),
    [
        ("/usr/bin/sudo", "/etc/proxywrap.conf", "/usr/bin/sudo", "above [ProxyList] in /etc/proxywrap.conf"),
        ("/opt/a b[1]*", "-", "/opt/a?b?1]?", "above [ProxyList] in the file on standard input"),
        ("/usr/bin/sudo", None, "/usr/bin/sudo", IN_A_FILE),
    ],
)
def test_the_line_that_allows(path: str, file: str | None, line: str, place: str) -> None:
    """It can be copied as it is: a blank would end its value."""
    assert f"; a line `allow_unwrapped {line}` {place} permits it" in allow_hint(path, file)
    assert fnmatchcase(path, line)


def test_ping_hears_of_icmp() -> None:
    """That it is let run unwrapped is not the first thing to think of."""
    assert allow_hint("/usr/bin/ping", None).startswith("no proxy carries ICMP")
    assert "ICMP" not in allow_hint("/usr/bin/sudo", None)


@pytest.mark.parametrize(
    ("request_", "what", "hint"),
    [
        (
            RequestMessage(Op.BLOCKED, BlockedKind.UDP, b"", socket.AF_INET, IPv4Address("192.0.2.1"), 443),
            "UDP to 192.0.2.1:443",
            "TCP only",
        ),
        (
            RequestMessage(
                Op.BLOCKED, BlockedKind.UDP, b"", socket.AF_INET6, IPv6Address("2001:db8::1"), 853
            ),
            "DNS over QUIC to [2001:db8::1]:853",
            "answers port 53",
        ),
        (RequestMessage(Op.BLOCKED, BlockedKind.UDP), "UDP to an unknown address", "TCP only"),
        (
            RequestMessage(Op.BLOCKED, BlockedKind.DNS, b"", socket.AF_INET, IPv4Address("127.0.0.53"), 853),
            "DNS over TLS to 127.0.0.53:853",
            "past the proxies",
        ),
        (
            RequestMessage(Op.BLOCKED, BlockedKind.RESOLVER, name=b"res_query\xff"),
            "name resolution through res_query\N{REPLACEMENT CHARACTER}",
            "past the proxies",
        ),
        (
            RequestMessage(Op.BLOCKED, BlockedKind.SOCKET, b"", socket.AF_INET, None, socket.SOCK_RAW),
            "a raw socket",
            "nmap -sT -Pn",
        ),
        (
            RequestMessage(Op.BLOCKED, BlockedKind.SOCKET, b"", socket.AF_INET, None, socket.SOCK_RAW, 1),
            "an ICMP socket",
            "curl",
        ),
        (
            RequestMessage(
                Op.BLOCKED, BlockedKind.SOCKET, b"", socket.AF_INET6, None, socket.SOCK_DGRAM | 0x80000, 58
            ),
            "an ICMP socket",
            "curl",
        ),
        (
            RequestMessage(Op.BLOCKED, BlockedKind.SOCKET, b"", socket.AF_INET6, None, 77),
            "a socket of an unusual kind",
            "TCP only",
        ),
        (
            RequestMessage(Op.BLOCKED, BlockedKind.SOCKET, b"", socket.AF_PACKET),
            "a packet socket",
            "nmap -sT -Pn",
        ),
        (
            RequestMessage(Op.BLOCKED, BlockedKind.SOCKET, b"", socket.AF_VSOCK),
            "a socket of address family 40 (AF_VSOCK)",
            "TCP only",
        ),
        (
            RequestMessage(Op.BLOCKED, BlockedKind.SOCKET, b"", 4711),
            "a socket of address family 4711",
            "TCP only",
        ),
        (RequestMessage(Op.BLOCKED, 99), "something unknown (kind 99)", "another version"),
    ],
)
def test_blocked(request_: RequestMessage, what: str, hint: str) -> None:
    """What it was, and what to do."""
    assert blocked(request_)[0] == what
    assert hint in blocked(request_)[1]
