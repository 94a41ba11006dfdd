"""The sub-negotiation of RFC 1929."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import arrives, play, truncates

from proxywrap.errors import LocalProtocolError, ProtocolError, ProxyRefused, RemoteProtocolError
from proxywrap.protocol import userpass

MESSAGES = [
    (b"\x01\x04user\x04pass", b"user", b"pass"),
    (b"\x01\x04user\x00", b"user", b""),
    (b"\x01\x00\x00", b"", b""),
    (b"\x01\x03a:b\x04p\xff\0@", b"a:b", b"p\xff\0@"),
    (b"\x01\xff" + b"u" * 255 + b"\xff" + b"p" * 255, b"u" * 255, b"p" * 255),
]


@pytest.mark.parametrize(("data", "username", "password"), MESSAGES)
def test_message_in_both_roles(data: bytes, username: bytes, password: bytes) -> None:
    """What the client sends the server reads."""

    def check(*credentials: bytes) -> bool:
        return credentials == (username, password)

    arrives(lambda: userpass.authenticate(username, password), b"\x01\x00", sends=data)
    assert arrives(lambda: userpass.check_credentials(check), data, sends=b"\x01\x00") == (
        username,
        password,
    )


@pytest.mark.parametrize("data", [row[0] for row in MESSAGES])
def test_truncated_message(data: bytes) -> None:
    """A client that closes in the middle is told apart from a wrong password."""
    truncates(lambda: userpass.check_credentials(None), data)


def test_truncated_reply() -> None:
    """A server that closes instead of answering has not refused."""
    truncates(lambda: userpass.authenticate(b"user", b"pass"), b"\x01\x00")


def test_reply_with_the_version_of_socks() -> None:
    """Servers that answer with version 5 are in use."""
    arrives(lambda: userpass.authenticate(b"u", b"p"), b"\x05\x00", sends=b"\x01\x01u\x01p")


@pytest.mark.parametrize("reply", [b"\x01\x01", b"\x05\xff"])
def test_refused(reply: bytes) -> None:
    """Any status but 0 is a refusal, and a fault of the chain."""
    with pytest.raises(ProxyRefused, match="the user name and password were refused") as caught:
        play(userpass.authenticate(b"u", b"p"), reply).result()
    assert caught.value.errno == errno.EACCES
    assert not caught.value.is_destination_fault
    assert "check them in the proxy's URL" in caught.value.reason


def test_foreign_reply() -> None:
    """The version tells a foreign server."""
    with pytest.raises(RemoteProtocolError, match=r"got 72 \('H'\): is it an HTTP proxy\?"):
        play(userpass.authenticate(b"u", b"p"), b"HT").result()


def test_wrong_password_is_answered() -> None:
    """The client hears of it before the connection ends."""
    outcome = play(userpass.check_credentials(lambda *_: False), MESSAGES[0][0])
    assert outcome.sent == b"\x01\x01"
    with pytest.raises(ProxyRefused):
        outcome.result()


def test_foreign_message() -> None:
    """Version 5 in place of 1 is a client that skipped the sub-negotiation."""
    with pytest.raises(RemoteProtocolError, match="expected version 1 of the user name and password, got 5"):
        play(userpass.check_credentials(None), b"\x05\x01\x00").result()


@pytest.mark.parametrize(("username", "password"), [(b"u" * 256, b""), (b"", b"p" * 256)])
def test_credentials_too_long(username: bytes, password: bytes) -> None:
    """ULEN and PLEN are one octet each."""
    with pytest.raises(LocalProtocolError, match="at most 255 bytes, found 256") as caught:
        play(userpass.authenticate(username, password), b"").result()
    assert caught.value.errno == errno.EACCES


@given(st.binary(), st.sampled_from([b"", b"\x01"]))
def test_arbitrary_bytes(data: bytes, start: bytes) -> None:
    """Whatever arrives, only proxywrap's own errors come out."""
    for flow in (userpass.check_credentials(None), userpass.check_credentials(lambda *_: False)):
        error = play(flow, start + data).error
        assert error is None or isinstance(error, ProtocolError | ProxyRefused)
    error = play(userpass.authenticate(b"u", b"p"), start + data).error
    assert error is None or isinstance(error, ProtocolError | ProxyRefused)
