"""What is known of the process that asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from proxywrap.helper.programs import process_identity, wants_ipv6

if TYPE_CHECKING:
    from pathlib import Path


def test_an_identity_is_of_one_process() -> None:
    """It stays the same, and no other process has it."""
    own = process_identity(os.getpid())
    assert own == process_identity(os.getpid())
    assert own.split()[0] == str(os.getpid()).encode()
    assert own.split()[1].isdigit()
    assert own != process_identity(os.getppid())


def test_a_program_may_be_called_anything(tmp_path: Path) -> None:
    """Its name stands in the file before the time, with parentheses and blanks if it has any."""
    program = tmp_path / ") S 1 (x"
    shutil.copy("/bin/cat", program)
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        found = process_identity(process.pid).split()
        process.communicate()
    ticks = os.sysconf("SC_CLK_TCK")
    with open("/proc/uptime") as uptime:
        assert 0 <= float(uptime.read().split()[0]) - int(found[1]) / ticks < 60


def test_a_process_that_is_gone() -> None:
    """Nothing is known of it but its number."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert process_identity(process.pid) == b"%d " % process.pid


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("curl", ["-6"], True),
        ("/usr/bin/curl", ["--ipv6"], True),
        ("curl", ["-sS6L"], True),
        ("curl", ["-4"], False),
        ("curl", ["-m6", "--max-time", "6"], False),
        ("wget", ["-6"], False),
    ],
)
def test_curl_that_wants_ipv6(name: str, options: list[str], *, expected: bool) -> None:
    """It is known by its options."""
    words = [name, "-c", "import sys; sys.stdin.read()", *options]
    with subprocess.Popen(words, executable=sys.executable, stdin=subprocess.PIPE) as process:
        assert wants_ipv6(process.pid) is expected
        process.communicate()
