"""What is asked of a proxy to find out whether it is one."""

from __future__ import annotations

import pytest

from proxywrap.errors import ProxyRefused, RemoteProtocolError, TruncatedError
from proxywrap.protocol.effects import ReadExactly, Send
from proxywrap.protocol.greeting import client_greeting, unfinished_greeting
from proxywrap.uri import parse_uri


def greet(url: str, answer: bytes) -> bytes:
    """Greet a proxy that answers so and then closes; return what was sent to it."""
    flow = client_greeting(parse_uri(url))
    sent, at = b"", 0
    try:
        effect = next(flow)
        while True:
            if isinstance(effect, Send):
                sent += effect.data
                effect = flow.send(b"")
                continue
            end = (
                at + effect.size
                if isinstance(effect, ReadExactly)
                else answer.find(effect.delimiter, at) + len(effect.delimiter)
            )
            if end > len(answer) or end <= at:
                effect = flow.throw(TruncatedError("closed"))
                continue
            taken, at = answer[at:end], end
            effect = flow.send(taken)
    except StopIteration:
        return sent


@pytest.mark.parametrize(
    ("url", "answer", "sent"),
    [
        ("socks5://h:1", b"\x05\x00", b"\x05\x01\x00"),
        ("socks5h://u:p@h:1", b"\x05\x02\x01\x00", b"\x05\x02\x00\x02\x01\x01u\x01p"),
        ("socks4://h:1", b"\x00\x5b" + bytes(6), b"\x04\x01" + bytes(7)),
        ("socks4a://u@h:1", b"\x00\x5a" + bytes(6), b"\x04\x01" + bytes(6) + b"u\0"),
        (
            "http://h:1",
            b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
            b"CONNECT 0.0.0.0:0 HTTP/1.1\r\nHost: 0.0.0.0:0\r\n\r\n",
        ),
    ],
)
def test_a_proxy_is_one(url: str, answer: bytes, sent: bytes) -> None:
    """Whatever it says about nobody's port, it has said it as a proxy; nothing else is asked for."""
    assert greet(url, answer) == sent


@pytest.mark.parametrize(
    ("url", "answer", "error"),
    [
        ("socks5://h:1", b"\x05\xff", ProxyRefused),
        ("socks5://u:p@h:1", b"\x05\x02\x01\x01", ProxyRefused),
        ("socks5://h:1", b"220 mail", RemoteProtocolError),
        ("socks5://h:1", b"", TruncatedError),
        ("socks4://h:1", b"\x00\x5d" + bytes(6), ProxyRefused),
        ("socks4://h:1", b"220 mail", RemoteProtocolError),
        ("socks4://h:1", b"", TruncatedError),
        ("http://h:1", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", ProxyRefused),
        ("http://h:1", b"220 mail\r\n\r\n", RemoteProtocolError),
        ("http://h:1", b"", TruncatedError),
    ],
)
def test_what_is_of_no_use_is_not(url: str, answer: bytes, error: type[Exception]) -> None:
    """It does not let us in, speaks something else, or hangs up."""
    with pytest.raises(error):
        greet(url, answer)


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("socks4://h:1", b"\x04\x01" + bytes(7)),
        ("socks4a://u@h:1", b"\x04\x01" + bytes(6) + b"u\0"),
        ("http://h:1", b"CONNECT 0.0.0.0:0 HTTP/1.1\r\nHost: 0.0.0.0:0\r\n\r\n"),
    ],
)
def test_half_of_a_question_lacks_its_last_byte(url: str, whole: bytes) -> None:
    """Without it nobody who speaks the protocol can answer; then a single byte of an answer is waited for."""
    flow = unfinished_greeting(parse_uri(url))
    assert next(flow) == Send(whole[:-1])
    assert flow.send(b"") == ReadExactly(1)
