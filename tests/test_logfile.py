"""The log's lines: whole, or none."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from proxywrap.logfile import LogFile

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_that_is_cut_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before stays, what comes when there is room is counted from there."""
    write = os.write
    with open(tmp_path / "log", "a") as file:
        log = LogFile(file)
        assert log.append("one") == ("", False, 0)
        with monkeypatch.context() as full:
            full.setattr(os, "write", lambda fd, data: write(fd, data[:2]))
            first, second = log.append("two"), log.append("three")
        assert first.has_begun_to_fail
        assert first.reason == "no space left for a whole line"
        assert not second.has_begun_to_fail
        assert log.append("four").lost == 2
    assert (tmp_path / "log").read_text() == "one\nfour\n"


def test_a_device_that_is_full() -> None:
    """The kernel's own word."""
    with open("/dev/full", "a") as file:
        log = LogFile(file)
        assert log.append("one") == ("No space left on device", True, 0)
        assert log.append("two") == ("No space left on device", False, 0)


def test_a_reader_that_does_not_read_is_not_waited_for() -> None:
    """A pipe that is full takes nothing, and what comes after it was emptied is whole."""
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "w") as writer:
        log = LogFile(writer)
        while not log.append("x" * 1000).reason:
            pass
        held = len(reader.peek()) and os.read(reading, 1 << 20)
        assert log.append("last").lost == 1
        assert held


def test_a_stream_in_memory_and_one_that_is_closed() -> None:
    """Either does no harm."""
    stream = io.StringIO()
    assert LogFile(stream).append("one") == ("", False, 0)
    assert stream.getvalue() == "one\n"
    stream.close()
    assert LogFile(stream).append("two").has_begun_to_fail
