"""Words for a peer that speaks something else."""

from __future__ import annotations

import errno

import pytest

from proxywrap.errors import RemoteProtocolError, TimedOut, TruncatedError
from proxywrap.protocol.diagnosis import mismatch, wordless_refusal


@pytest.mark.parametrize(
    ("got", "of_client", "text"),
    [
        (72, False, "expected x, got 72 ('H'): is it an HTTP proxy?"),
        (0x15, False, "expected x, got 21: is it a TLS server?"),
        (0x16, True, "expected x, got 22: is it a TLS client?"),
        (ord("G"), True, "expected x, got 71 ('G'): is it an HTTP client?"),
        (ord("G"), False, "expected x, got 71 ('G')"),
        (0x9B, False, "expected x, got 155"),
        (0x1B, False, "expected x, got 27"),
    ],
)
def test_mismatch(got: int, of_client: bool, text: str) -> None:  # noqa: FBT001
    """It says what came and what that looks like; nothing in it steers a terminal."""
    assert str(mismatch("x", got, of_client=of_client)) == text


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (TruncatedError("closed"), errno.ECONNREFUSED),
        (ConnectionResetError(), errno.ECONNREFUSED),
        (BrokenPipeError(), errno.ECONNREFUSED),
        (TimedOut(4), errno.ETIMEDOUT),
    ],
)
def test_what_a_proxy_says_without_a_word(error: Exception, seen: int) -> None:
    """It is the destination's affair, and no fault of the chain."""
    refusal = wordless_refusal(error)
    assert refusal is not None
    assert (refusal.errno, refusal.is_destination_fault) == (seen, True)


def test_what_says_nothing_of_a_destination() -> None:
    """A foreign answer, a network that has gone, and no error at all."""
    for error in (RemoteProtocolError("x"), OSError(errno.ENETUNREACH, "x"), None):
        assert wordless_refusal(error) is None
