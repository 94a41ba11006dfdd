"""Words for a peer that speaks something else."""

from __future__ import annotations

import pytest

from proxywrap.protocol.diagnosis import mismatch


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
