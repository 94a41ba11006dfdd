"""Passwords of proxies, which everybody on the machine could read if they stayed where they were given."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .kit.clients import PROXYWRAP

if TYPE_CHECKING:
    from .kit.world import World

PASSWORD = "correct-horse-battery"
URL = f"socks5://alice:{PASSWORD}@127.0.0.1:9"


def _seen(pid: int) -> bool:
    proc = Path(f"/proc/{pid}")
    return any(PASSWORD.encode() in (proc / name).read_bytes() for name in ("cmdline", "environ"))


@pytest.mark.parametrize("given", ["option", "environment"])
def test_a_password_is_in_nobodys_arguments_or_environment(world: World, given: str) -> None:
    """Neither the launcher, nor the helper, nor COMMAND, nor what COMMAND starts shows it."""
    options = ["-x", URL] if given == "option" else []
    env = {} if given == "option" else {"PROXYWRAP_PROXY": URL}
    with world.start(
        [PROXYWRAP, *options, "--", "sh", "-c", "cat; true"], env=env, stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"started\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"started\n"
        residents = world.residents()
        assert len(residents) == 4
        assert [pid for pid in residents if _seen(pid)] == []
        process.stdin.close()
        assert process.wait() == 0


def test_a_password_is_in_no_log(world: World) -> None:
    """Neither -vv nor the log file repeats what they were told in confidence."""
    log = world.directory / "log"
    result = world.run(
        [PROXYWRAP, "-x", URL, "-vv", "--log", log, "--", "curl", "-s", "http://site.test/"],
        expect=7,
    )
    assert PASSWORD.encode() not in result.stderr
    assert result.stderr != b""
    assert PASSWORD not in log.read_text()
    assert log.read_text() != ""
    log.unlink()
