"""isolate=: a proxy is given another user name and password for each process, or for each destination."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import pytest

from proxywrap.testing import SocksServer

from .kit.clients import NAME, PROGRAMS, PROXYWRAP, wrap
from .kit.dead import DEAD
from .kit.origins import ORIGIN
from .kit.scripted import behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .kit.building import Builder
    from .kit.clients import Stage
    from .kit.world import World

OTHER = "other.test"
ENGINES = ["preload", "both", "seccomp"]


@contextlib.contextmanager
def hops(world: World, count: int = 1) -> Iterator[list[SocksServer]]:
    """Run so many proxies, the last of which knows two names."""
    with contextlib.ExitStack() as stack:
        names = {NAME: ORIGIN, OTHER: ORIGIN}
        yield [stack.enter_context(world.running(SocksServer(names=names))) for _ in range(count)]


def logins(server: SocksServer) -> list[int | None]:
    """Return the number of the login of each connection, the helper's own greetings left out."""
    return [access.login for access in server.log if access.host is not None]


def connects(stage: Stage, host: str, count: int = 2) -> list[object]:
    """Return a program that connects so often, blocking."""
    return [sys.executable, PROGRAMS / "connects.py", host, stage.echo.port, count]


def both(*programs: Sequence[object]) -> list[object]:
    """Return a shell that runs one program after the other."""
    words = [str(word) for program in programs for word in program]
    script = " && ".join(
        " ".join(f'"${{{at}}}"' for at in range(begin, begin + len(program)))
        for begin, program in zip(_begins(programs), programs, strict=True)
    )
    return ["sh", "-c", script, "sh", *words]


def _begins(programs: Sequence[Sequence[object]]) -> list[int]:
    return [1 + sum(map(len, programs[:at])) for at in range(len(programs))]


@pytest.mark.parametrize("pipeline", ["", "&pipeline=1"])
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("engine", ENGINES)
def test_each_process_has_its_own(world: World, stage: Stage, engine: str, at: int, pipeline: str) -> None:
    """Two programs are told apart, two connections of one are not, wherever the proxy stands."""
    with hops(world, 3) as servers:
        urls = [server.url for server in servers]
        urls[at] += f"?isolate=process{pipeline}"
        program = connects(stage, NAME)
        result = world.run([*wrap(urls, "--engine", engine), *both(program, program)])
        assert [line.split()[0] for line in result.text.splitlines()] == ["connected"] * 4
        assert logins(servers[at]) == [1, 1, 2, 2]
        others = [server for server in servers if server is not servers[at]]
        assert [logins(server) for server in others] == [[None] * 4] * 2
        assert {access.username for access in servers[at].log} == {"<torS0X>0"}
    assert world.judge.leaks == []


@pytest.mark.parametrize("engine", ENGINES)
def test_each_destination_has_its_own(world: World, stage: Stage, engine: str) -> None:
    """Whoever asks, on whatever port: a host is one, by its name or by its address."""
    with hops(world) as (server,):
        hosts = [NAME, OTHER, NAME]
        web = ["curl", "-sS", f"{stage.url}/"]
        argv = both(*(connects(stage, host) for host in hosts), web)
        url = f"{server.url}?isolate=destination"
        world.run([*wrap(url, "--engine", engine), *argv])
        assert logins(server) == [1, 1, 2, 2, 1, 1, 1]
        ports = {access.port for access in server.log if access.host == NAME}
        assert ports == {stage.echo.port, stage.web.port}
    assert world.judge.leaks == []


@pytest.mark.parametrize("isolate", ["process", "destination"])
def test_curl(world: World, stage: Stage, isolate: str) -> None:
    """Two curls are two processes, and one destination; another run has another secret."""
    with hops(world) as (server,):
        web = ["curl", "-sS", f"{stage.url}/"]
        for _ in range(2):
            world.run([*wrap(f"{server.url}?isolate={isolate}"), *both(web, web)])
        assert logins(server) == ([1, 2, 3, 4] if isolate == "process" else [1, 1, 2, 2])
    assert world.judge.leaks == []


@pytest.mark.parametrize("verb", ["exchange", "limited"])
def test_a_static_program(world: World, stage: Stage, compiled: Builder, verb: str) -> None:
    """Lent or parked, it is the process that has made the call."""
    with hops(world) as (server,):
        program = [compiled("talk", "-static"), verb, NAME, stage.echo.port]
        prefix = wrap(f"{server.url}?isolate=process", "--engine", "seccomp")
        world.run([*prefix, *both(program, program)])
        assert logins(server) == [1, 2]
    assert world.judge.leaks == []


@pytest.mark.parametrize("isolate", ["process", "destination"])
def test_a_relayed_way(world: World, stage: Stage, isolate: str) -> None:
    """A proxy on a Unix socket, to which no program's socket leads by itself."""
    path = world.directory / f"isolate-{isolate}"
    with hops(world) as (server,), world.running(behind(server.port, path)):
        argv = both(connects(stage, NAME), connects(stage, NAME))
        world.run([*wrap(f"socks5://unix:{path}?isolate={isolate}"), *argv])
        assert logins(server) == ([1, 1, 2, 2] if isolate == "process" else [1] * 4)
    assert world.judge.leaks == []


def test_in_a_dynamic_chain(world: World, stage: Stage) -> None:
    """What is asked behind everybody's back is on nobody's behalf; the proxies' health is one."""
    with hops(world, 2) as servers:
        file = world.directory / "isolate.conf"
        lines = [f"socks5://127.0.0.1:{world.port()}", *(f"{each.url}?isolate=process" for each in servers)]
        file.write_text("dynamic_chain\n[ProxyList]\n" + "\n".join(lines) + "\n")
        program = connects(stage, NAME)
        world.run([*wrap([], "-f", file), *both(program, program)])
        (asked, last) = ([access for access in server.log if access.host] for server in servers)
        assert [access.login for access in last] == [1, 1, 2, 2]
        assert len({access.login for access in asked}) == 2
    assert world.judge.leaks == []


def test_beside_a_proxy_that_refuses(world: World, stage: Stage) -> None:
    """It is left out, like any other that fails, and told with what to do."""
    with hops(world) as (server,), world.running(DEAD["wrong password"]()) as dead:
        file = world.directory / "isolate-refused.conf"
        lines = [f"socks5://127.0.0.1:{dead.port} isolate=process", f"{server.url} isolate=process"]
        file.write_text("dynamic_chain\n[ProxyList]\n" + "\n".join(lines) + "\n")
        result = world.run([*wrap([], "-v", "-f", file), *connects(stage, NAME)])
        assert [line.split()[0] for line in result.text.splitlines()] == ["connected"] * 2
        assert logins(server)[-2:] == [logins(server)[-1]] * 2
        (line,) = [line for line in result.complaints if "goes on without it" in line]
        assert "isolate= has made them up: write yours in its place; the chain goes on" in line
    assert world.judge.leaks == []


def test_check(world: World, stage: Stage) -> None:
    """`proxywrapctl check` gives a user name as well, and asks for what has none."""
    argv = [PROXYWRAP.with_name("proxywrapctl"), "check", "--json", "--to", f"{NAME}:{stage.web.port}"]
    with hops(world) as (server,):
        result = world.run([*argv, "-x", f"{server.url}?isolate=destination"])
        assert '"authentication": "accepted"' in result.text
        named = {access.login for access in server.log if access.host == NAME}
        others = {access.login for access in server.log if access.host not in {NAME, None}}
        assert len(named) == 1
        assert not named & others
    assert world.judge.leaks == []


def test_a_user_name_beside_it(world: World) -> None:
    """Nobody can say which of the two is meant."""
    argv = [*wrap("socks5://bob:s3cret@127.0.0.1:1?isolate=process"), "true"]
    result = world.run(argv, expect=125)
    assert result.complaints == [
        (
            "proxywrap: -x: expected no user name beside isolate=process, which gives the proxy one for each "
            "process, found one: remove either"
        )
    ]
