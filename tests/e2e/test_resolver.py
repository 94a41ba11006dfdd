"""Name servers and libc's resolver, call by call, against a program that nobody wraps and a real server."""

from __future__ import annotations

import os
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

LOCALES = ["C", "C.UTF-8", "de_DE.ISO-8859-1"]
STYLES = re.findall(r"^\tSTYLE\((\w+)\),", (PROGRAMS / "dns_sockets.c").read_text(), re.MULTILINE)
AI_IDN = 0x40
ASK = """
import socket, sys
node = 'b\u00fccher.test'.encode()
(found, *_) = socket.getaddrinfo(node, 80, type=socket.SOCK_STREAM, flags=int(sys.argv[1]))
socket.socket().connect_ex(found[4])
"""
HOSTS = {"Box.test ALIAS other": "192.0.2.8"}
ENTER = """\
cd "$0"
ip link set lo up
ip addr add 192.0.2.2/32 dev lo
ip addr add 2001:db8::2/128 dev lo nodad
mount --bind resolv.conf /etc/resolv.conf
mount --bind hosts /etc/hosts
exec "$@"
"""


def unwrapped(world: World, program: Path, *args: str, **variables: str) -> list[str]:
    """Return what a program prints in a namespace where a little name server answers."""
    etc = world.directory / "oracle"
    etc.mkdir(exist_ok=True)
    (etc / "resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:5 attempts:1\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n192.0.2.8 Box.test ALIAS other\n")
    server = [sys.executable, str(PROGRAMS / "name_server.py"), str(program), *args]
    command = ["unshare", "--net", "--mount", "sh", "-e", "-c", ENTER, str(etc), *server]
    environ = {**os.environ, **variables}
    result = subprocess.run(command, check=True, capture_output=True, timeout=60, env=environ)
    return result.stdout.decode(errors="surrogateescape").splitlines()


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
    found = world.run([*wrap(one_hop.urls), compiled("res_functions", compiler="musl-gcc")])
    assert found.text.splitlines() == common
    assert world.judge.leaks == []


@pytest.mark.parametrize("functions", ["addrinfo", "nameinfo", "hostent"])
def test_every_combination(
    world: World, one_hop: Chain, compiled: Callable[..., Path], functions: str
) -> None:
    """getaddrinfo, getnameinfo and the gethostby* family say what libc says, of whatever they are given."""
    program = compiled("names_in_full")
    truth = unwrapped(world, program, functions)
    assert truth[-1] == "EXIT-SUCCESS"
    found = world.run([*wrap(one_hop.urls), program, functions], hosts=HOSTS)
    assert found.text.splitlines() == truth
    assert found.stderr == b""
    assert world.judge.leaks == []


@pytest.fixture(scope="module")
def locales(shared_world: World) -> Path:
    """Return a directory with the locale that Debian does not bring ready-made."""
    directory = shared_world.directory / "locales"
    directory.mkdir()
    command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(directory / LOCALES[-1])]
    subprocess.run(command, check=True)
    return directory


@pytest.mark.case("trap-idn")
@pytest.mark.parametrize("locale", LOCALES)
def test_names_beyond_ascii(
    world: World, one_hop: Chain, compiled: Callable[..., Path], locales: Path, locale: str
) -> None:
    """AI_IDN, AI_CANONIDN and NI_IDN do what libc makes of them in the program's locale."""
    program = compiled("idn")
    variables = {"LC_ALL": locale, "LOCPATH": str(locales)}
    truth = unwrapped(world, program, **variables)
    assert truth[-1] == "EXIT-SUCCESS"
    found = world.run([*wrap(one_hop.urls), program], env=variables)
    assert found.stdout.decode(errors="surrogateescape").splitlines() == truth
    assert found.stderr == b""
    assert world.judge.leaks == []


@pytest.mark.case("trap-idn-sent")
@pytest.mark.parametrize(
    ("flags", "asked"), [(AI_IDN, "xn--bcher-kva.test"), (0, "b\u00fccher.test")], ids=["idn", "bytes"]
)
def test_the_proxy_is_asked_as_a_name_server_would_be(
    world: World, one_hop: Chain, flags: int, asked: str
) -> None:
    """With AI_IDN the proxy hears xn--..., without it the bytes that the program had."""
    world.run([*wrap(one_hop.urls), sys.executable, "-c", ASK, flags])
    assert one_hop.asked_of(0) == {asked}
    assert world.judge.leaks == []


def test_the_longest_name_beyond_ascii(world: World, one_hop: Chain) -> None:
    """A canonical name may have three times the bytes that it has in the DNS."""
    shown = ".".join(["\u672c" * 40] * 4)
    name = shown.encode("idna").decode()
    assert len(name) < 254 < len(shown.encode())
    found = world.run([*wrap(one_hop.urls), "getent", "ahostsv4", name])
    assert found.text.splitlines()[0].split() == [found.text.split()[0], "STREAM", shown]
    assert world.judge.leaks == []
