"""What a flow asks for."""

from __future__ import annotations

from proxywrap.protocol.effects import Send


def test_send_hides_its_data() -> None:
    """It may hold a password, and a repr ends in tracebacks."""
    assert "secret" not in repr(Send(b"secret"))
