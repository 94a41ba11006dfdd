"""What is known of sockets, by what cannot be taken for another."""

from __future__ import annotations

import os
import socket

import pytest

from proxywrap.helper import ledger as module
from proxywrap.helper.ledger import Ledger


def test_a_socket_has_one_entry() -> None:
    """Whichever descriptor it is asked by; a later socket with the same number has another."""
    ledger = Ledger()
    with socket.socket() as sock:
        assert ledger.find(sock) is None
        ledger.note(sock).peer = b"peer"
        with socket.socket(fileno=os.dup(sock.fileno())) as same:
            assert ledger.find(same) is ledger.note(same)
            assert ledger.note(same).peer == b"peer"
        number = sock.fileno()
    with socket.socket() as other:
        assert other.fileno() == number
        assert ledger.find(other) is None


def test_forget() -> None:
    """It may be done twice."""
    ledger = Ledger()
    with socket.socket() as sock:
        ledger.note(sock).has_failed = True
        ledger.forget(sock)
        ledger.forget(sock)
        assert ledger.find(sock) is None


def test_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was noted again is young."""
    monkeypatch.setattr(module, "MAX_ENTRIES", 2)
    ledger = Ledger()
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for sock in (one, two, one, three):
            ledger.note(sock)
        assert ledger.find(two) is None
        assert ledger.find(one) is not None
        assert ledger.find(three) is not None
