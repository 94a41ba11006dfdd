"""Kinds of hops, each with a server that nobody here wrote."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from .conftest import HOSTS
from .kit import foreign
from .kit.clients import CLIENTS, NAME, PROGRAMS, PROXYWRAP, wrap
from .kit.origins import ORIGIN, PAYLOAD, PAYLOAD_DIGEST, digest, farewell
from .kit.scripted import behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kit.clients import Stage
    from .kit.world import World

NOWHERE = "192.0.2.99"
"""Not asked by anybody: only the hop before it would be asked for it."""


# --- raw


@pytest.mark.parametrize("before", [[], ["dante"], ["dante", "ssh-D"]])
def test_a_forwarded_port_leads_where_it_leads(
    world: World, stage: Stage, proxy: Callable[[str], str], before: list[str]
) -> None:
    """`ssh -L` as the last hop: the destination is its own affair, whatever was asked for."""
    with foreign.ssh_forward(world, HOSTS, NAME, stage.echo.port) as port:
        chain = [*(proxy(name) for name in before), f"raw://127.0.0.1:{port}"]
        sent = PAYLOAD[: 1 << 20]
        result = world.run([*wrap(chain), "nc", "-N", "elsewhere.test", "7"], stdin=sent)
    assert result.stdout == sent
    assert result.complaints == []
    assert world.judge.leaks == []


@pytest.mark.parametrize("client", ["curl", "git"])
@pytest.mark.parametrize("server", ["microsocks-password", "tinyproxy"])
def test_a_raw_hop_before_a_proxy(
    world: World, stage: Stage, proxy: Callable[[str], str], server: str, client: str
) -> None:
    """The proxy behind it is reached by the raw hop's place, its own is asked of nobody."""
    url = proxy(server)
    place, _, port = url.rpartition(":")
    chain = [f"raw://127.0.0.1:{port}", place.replace("127.0.0.1", NOWHERE) + ":1"]
    CLIENTS[client](stage, wrap(chain))
    assert world.judge.leaks == []


# --- names and versions of IP


@pytest.mark.parametrize("family", ["-4", "-6", None])
@pytest.mark.parametrize("listens", ["127.0.0.1", "::1"])
def test_a_proxy_by_name(world: World, stage: Stage, listens: str, family: str | None) -> None:
    """Of its addresses that one is found where it listens, unless its version is not wanted."""
    version = "-6" if ":" in listens else "-4"
    with foreign.microsocks(world, HOSTS, host=listens) as url:
        by_name = f"socks5://proxy.test:{url.rpartition(':')[2]}"
        argv = [*wrap(by_name, *([family] if family else [])), "curl", "-sS", f"{stage.url}/bytes"]
        # Two lines of /etc/hosts: the keys differ by a blank.
        hosts = {"proxy.test": "127.0.0.1", " proxy.test": "::1"}
        result = world.run(argv, hosts=hosts, expect=None)
    if family in {None, version}:
        assert digest(result.stdout) == PAYLOAD_DIGEST
        assert result.complaints == []
    else:
        assert result.returncode == 7
        assert f"proxywrap: {by_name}: cannot be connected to: Connection refused" in result.stderr.decode()
    assert world.judge.leaks == []


def test_a_version_that_a_proxy_has_not(world: World) -> None:
    """The line says which option is too much."""
    result = world.run([*wrap("socks5://[::1]:9", "-4"), "curl", "-sS", f"http://{NAME}/"], expect=7)
    assert "proxywrap: socks5://[::1]:9: has no IPv4 address: leave out -4" in result.stderr.decode()


# --- sockets that cannot reach their proxy by themselves


@pytest.fixture
def unix_proxy(world: World, proxy: Callable[[str], str]) -> Iterator[Callable[[str], str]]:
    """Return the URL of a foreign proxy as it is found behind a Unix socket."""
    with ExitStack() as stack:

        def start(name: str) -> str:
            url = proxy(name)
            place, _, port = url.rpartition(":")
            path = world.directory / f"{name}.sock"
            stack.enter_context(world.running(behind(int(port), path)))
            return place.replace("127.0.0.1", f"unix:{path}")

        yield start


@pytest.mark.parametrize("client", CLIENTS)
def test_a_program_through_an_ipv6_proxy(world: World, stage: Stage, client: str) -> None:
    """Most programs have an IPv4 socket, for names have IPv4 addresses."""
    with foreign.microsocks(world, HOSTS, host="::1") as url:
        CLIENTS[client](stage, wrap(url))
    assert world.judge.leaks == []


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("server", ["microsocks-password", "tinyproxy"])
def test_a_program_through_a_unix_socket(
    world: World, stage: Stage, unix_proxy: Callable[[str], str], server: str, client: str
) -> None:
    """SOCKS5 and HTTP, over 1 MiB each way."""
    CLIENTS[client](stage, wrap(unix_proxy(server)))
    assert world.judge.leaks == []


def test_a_unix_socket_before_other_proxies(
    world: World, stage: Stage, unix_proxy: Callable[[str], str], proxy: Callable[[str], str]
) -> None:
    """The chain goes on behind it."""
    CLIENTS["curl"](stage, wrap([unix_proxy("microsocks"), proxy("dante"), proxy("tinyproxy")]))
    assert world.judge.leaks == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (
            "/nowhere.sock",
            "cannot be connected to: No such file or directory: is it running, and is that its path?",
        ),
    ],
)
def test_nobody_listens_there(world: World, path: str, reason: str) -> None:
    """The program is refused, and the line says where and why."""
    result = world.run([*wrap(f"socks5://unix:{path}"), "curl", "-sS", f"http://{NAME}/"], expect=7)
    assert f"proxywrap: socks5://unix:{path}: {reason}" in result.stderr.decode()


def test_a_unix_socket_behind_another_proxy(world: World, proxy: Callable[[str], str]) -> None:
    """No proxy can be asked for it: nothing is begun."""
    chain = [proxy("microsocks"), "socks5://unix:/x.sock"]
    result = world.run([*wrap(chain), "curl", "-sS", f"http://{NAME}/"], expect=125)
    reason = "for it is a socket of this host, found another before it"
    expected = f"proxywrap: -x: expected socks5://unix:/x.sock as the first proxy of its chain, {reason}"
    assert result.complaints == [expected]


@pytest.mark.parametrize("how", ["blocking", "epoll"])
def test_a_relayed_socket_looks_as_it_would_unwrapped(
    world: World, stage: Stage, unix_proxy: Callable[[str], str], how: str
) -> None:
    """Flags, options, bound port, epoll, inode, peer name and descriptors: nothing tells of the relay."""
    argv = [sys.executable, PROGRAMS / "socket_state.py"]
    _, _, unwrapped = world.run([*argv, ORIGIN, stage.echo.port, how]).text.partition("\n")
    wrapped = world.run([*wrap(unix_proxy("microsocks")), *argv, NAME, stage.echo.port, how]).text
    assert json.loads(wrapped.partition("\n")[2]) == json.loads(unwrapped)


@pytest.mark.parametrize("engine", ["preload", "seccomp", "both"])
@pytest.mark.parametrize("how", ["blocking", "nonblocking"])
def test_a_relayed_fin_is_passed_on_at_once(
    world: World, unix_proxy: Callable[[str], str], how: str, engine: str
) -> None:
    """The server hears the end while the application lives on, in every engine."""
    with world.running(farewell()) as origin:
        argv = [sys.executable, PROGRAMS / "farewell.py", NAME, origin.port, how]
        result = world.run([*wrap(unix_proxy("microsocks"), "--engine", engine), *argv])
    assert result.text == "last words"


def test_a_relayed_connection_ends_in_one_direction_first(
    world: World, stage: Stage, unix_proxy: Callable[[str], str]
) -> None:
    """After the application's FIN the other direction still delivers everything."""
    sent = PAYLOAD[: 1 << 20]
    result = world.run([*wrap(unix_proxy("dante")), "nc", "-N", NAME, stage.echo.port], stdin=sent)
    assert result.stdout == sent


@pytest.mark.parametrize("engine", ["preload", "seccomp"])
def test_what_an_ended_program_has_sent_arrives(
    world: World, unix_proxy: Callable[[str], str], engine: str
) -> None:
    """It closes and ends at once; the kernel would have gone on, and so does the helper."""
    script = (
        "import socket, sys\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "s.setblocking(sys.argv[3] == 'preload')\n"
        "s.sendall(b'mark me\\n' + bytes(1 << 18))\n"
    )
    with world.running(farewell()) as origin:
        prefix = wrap(unix_proxy("microsocks"), "--engine", engine)
        world.run([*prefix, sys.executable, "-c", script, NAME, origin.port, engine])
        ask = "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2]))); "
        ask += "s.sendall(b'gone me\\n'); print(len(s.makefile().readline()))"
        assert world.run([sys.executable, "-c", ask, ORIGIN, origin.port]).text == str((1 << 19) + 1)


def test_many_at_a_time_through_a_unix_socket(
    world: World, stage: Stage, unix_proxy: Callable[[str], str]
) -> None:
    """A hundred, non-blocking."""
    argv = [sys.executable, PROGRAMS / "hundred.py", "asyncio", NAME, stage.echo.port, 100]
    result = world.run([*wrap(unix_proxy("microsocks")), *argv], stdin=b"\n")
    assert result.text.splitlines()[-1] == "connected 101"


def test_check_over_a_unix_socket(world: World, stage: Stage, unix_proxy: Callable[[str], str]) -> None:
    """`proxywrapctl check` goes the same way."""
    argv = [PROXYWRAP.with_name("proxywrapctl"), "check", "-x", unix_proxy("microsocks")]
    result = world.run([*argv, "--to", f"{NAME}:{stage.web.port}"])
    assert "unix:" in result.text
