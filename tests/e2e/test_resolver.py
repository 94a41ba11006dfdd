"""Name servers and libc's resolver, call by call, against a program that nobody wraps and a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import PROGRAMS, wrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .kit.chains import Chain
    from .kit.world import World

STYLES = re.findall(r"^\tSTYLE\((\w+)\),", (PROGRAMS / "dns_sockets.c").read_text(), re.MULTILINE)
ENTER = 'ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec "$@"'


def unwrapped(world: World, program: Path, *args: str) -> list[str]:
    """Return what a program prints in a namespace where a little name server answers."""
    resolv = world.directory / "oracle-resolv.conf"
    resolv.write_text("nameserver 127.0.0.53\noptions timeout:5 attempts:1\n")
    server = [sys.executable, str(PROGRAMS / "name_server.py"), str(program), *args]
    command = ["unshare", "--net", "--mount", "sh", "-c", ENTER, str(resolv), *server]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return result.stdout.splitlines()


@pytest.mark.parametrize("style", STYLES)
def test_a_socket_that_asks(world: World, one_hop: Chain, compiled: Callable[..., Path], style: str) -> None:
    """However it is used, the answers come from whom it asked, as without the wrapper."""
    program = compiled("dns_sockets")
    truth = unwrapped(world, program, style)
    assert truth[-1] == "EXIT-SUCCESS"
    found = world.run([*wrap(one_hop.urls), program, style])
    assert found.text.splitlines() == truth
    assert found.stderr == b""
    assert world.judge.leaks == []


def test_libc_s_own_interface(world: World, one_hop: Chain, compiled: Callable[..., Path]) -> None:
    """res_query and its kin return what they return unwrapped, h_errno and all."""
    program = compiled("res_functions")
    truth = unwrapped(world, program)
    assert truth[-1] == "EXIT-SUCCESS"
    found = world.run([*wrap(one_hop.urls), program])
    assert found.text.splitlines() == truth
    assert found.stderr == b""
    assert world.judge.leaks == []


def test_musl_s_own_interface(world: World, one_hop: Chain, compiled: Callable[..., Path]) -> None:
    """The same as glibc's, of the functions that it has; musl itself says so from 1.2.4 on."""
    truth = unwrapped(world, compiled("res_functions"))
    common = [line for line in truth if not line.startswith(("res_n", "state"))]
    found = world.run([*wrap(one_hop.urls), compiled("res_functions", "musl-gcc")])
    assert found.text.splitlines() == common
    assert world.judge.leaks == []
