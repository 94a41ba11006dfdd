"""How soon a wrapped program runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .kit.clients import wrap

if TYPE_CHECKING:
    from .kit.world import World


def test_the_command_is_forked_before_asyncio_is_imported(world: World) -> None:
    """The helper gets ready while COMMAND starts, not before."""
    file = world.directory / "start"
    strace = ["strace", "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve,openat", "-o", file]
    # A program that needs the helper, which is otherwise over before the import.
    world.run([*strace, *wrap("socks5://127.0.0.1:9"), "curl", "-s", "http://site.test/"], expect=7)
    lines = file.read_text().splitlines()
    file.unlink()
    # A call may be split into its beginning and its end by those of other processes.
    execs = (line for line in lines if re.search(r'execve\("[^"]*/curl"', line) and "ENOENT" not in line)
    command = next(execs).split()[0]
    ended = next(number for number, line in enumerate(lines) if line.endswith(f" = {command}"))
    parent = lines[ended].split()[0]
    forked = max(
        number
        for number, line in enumerate(lines[: ended + 1])
        if re.match(rf"{parent} +(clone3?|v?fork)\(", line)
    )
    imported = [number for number, line in enumerate(lines) if "/asyncio/" in line and "ENOENT" not in line]
    assert imported
    assert forked < imported[0]
