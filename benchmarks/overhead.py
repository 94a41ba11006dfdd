"""What a hook costs when nothing is pending: instructions, as callgrind counts them, and time."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from clock import medians
from kit.clients import PROXYWRAP

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["overhead"]

CALLS = Path(__file__).parent / "programs/calls.c"
FUNCTIONS = (
    *("read", "write", "readv", "writev", "recv", "recvfrom", "recvmsg", "send", "sendto", "sendmsg"),
    *("poll", "ppoll", "select", "epoll_wait", "epoll_ctl", "fcntl", "getsockopt", "setsockopt", "close"),
)
FEW, MANY = 1000, 11000
TIMED = 1_000_000
CONFIG = "allow_unwrapped callgrind-*\nquiet_mode\n[ProxyList]\nsocks5 127.0.0.1 9\n"
"""Nobody listens there, and nobody need: one connect fails, and has everything set up."""

Words = list[str | Path]


def overhead() -> None:
    """Print for each function its instructions alone, those added, and the ratio of the times."""
    with tempfile.TemporaryDirectory() as name:
        program, config = Path(name, "calls"), Path(name, "calls.conf")
        command = ["/usr/bin/cc", "-O1", "-D_GNU_SOURCE", "-o", program, CALLS]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        config.write_text(CONFIG)
        wrapper: Words = [PROXYWRAP, "-f", config, "--"]
        print(
            "\na call when nothing is pending, in instructions outside the kernel, and its time beside alone"
        )
        for function in FUNCTIONS:
            alone, wrapped = (
                _instructions([*prefix, *_callgrind()], program, function) for prefix in ([], wrapper)
            )
            times = medians(
                {
                    "alone": lambda function=function: _seconds([], program, function),
                    "wrapped": lambda function=function: _seconds(wrapper, program, function),
                },
                rounds=5,
            )
            ratio = times["wrapped"] / times["alone"]
            print(f"  {function:16}{alone:6.0f} alone {wrapped - alone:+5.0f} wrapped{ratio:10.3f}")


def _callgrind() -> Words:
    return ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def _instructions(prefix: Words, program: Path, function: str) -> float:
    """Return the instructions of one call: what more calls take more."""
    few, many = (_collected([*prefix, program, function, str(count)]) for count in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _collected(argv: Sequence[str | Path]) -> int:
    environ = {**os.environ, "CONNECT": "1"} if PROXYWRAP in argv else None
    said = subprocess.run(argv, check=True, capture_output=True, text=True, env=environ).stderr
    found = re.search(r"Collected : (\d+)", said)
    if found is None:
        raise SystemExit(f"expected what callgrind collected, found:\n{said}")
    return int(found[1])


def _seconds(prefix: Words, program: Path, function: str) -> float:
    """Return how long the calls of one program take, as it measures them itself."""
    argv = [*prefix, program, function, str(TIMED)]
    environ = {**os.environ, "CONNECT": "1"} if prefix else None
    said = subprocess.run(argv, check=True, capture_output=True, text=True, env=environ).stdout
    return int(said) / 1e9
