"""The engines beside `auto`: real programs under each, and what each lets past."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script, SocksServer

from .kit.chains import chain
from .kit.clients import CLIENTS, NAME, PROXYWRAP, wrap
from .kit.origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage
    from .kit.world import World

FAR = "198.51.100.9"
ENGINES = ["auto", "preload", "seccomp", "both"]


@pytest.fixture(scope="module")
def refusing(shared_world: World) -> Iterator[Chain]:
    """Run a hop that reaches nothing, so that every packet to the outside is the program's own."""
    with chain(shared_world, [Scheme.SOCKS5], Script(refuse=111)) as made:
        yield made


@pytest.mark.parametrize("engine", ["preload", "seccomp", "both"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_program_moves_a_megabyte(stage: Stage, three_hops: Chain, client: str, engine: str) -> None:
    """In both directions, to a name that is resolved by the last hop."""
    CLIENTS[client](stage, wrap(three_hops.urls, "--engine", engine))
    assert three_hops.asked_of(-1) == {NAME}


# --- calls past the C library


def test_an_inline_connect(world: World, stage: Stage, compiled: Builder) -> None:
    """Goes through the chain."""
    with world.running(SocksServer(names={FAR: ORIGIN})) as server:
        command = [compiled("inline_calls"), "connect", FAR, stage.echo.port]
        assert world.run([*wrap(server.url, "--engine", "both"), *command]).text == "ok\nhello"
        assert [str(access.host) for access in server.log] == [FAR]


@pytest.mark.parametrize(
    ("call", "said"), [("sendto", "Network is unreachable"), ("io_uring", "Function not implemented")]
)
def test_other_inline_calls(world: World, refusing: Chain, compiled: Builder, call: str, said: str) -> None:
    """Are refused as the shim does it."""
    command = [*wrap(refusing.urls, "--engine", "both"), compiled("inline_calls"), call, FAR, 9]
    assert world.run(command, expect=1).text == said
    assert world.judge.leaks == []


@pytest.mark.parametrize("call", ["connect", "sendto"])
def test_the_shim_alone_does_not_see_them(
    world: World, refusing: Chain, compiled: Builder, call: str
) -> None:
    """Which is why there is a filter."""
    command = [*wrap(refusing.urls), "timeout", "0.3", compiled("inline_calls"), call, FAR, "9"]
    world.run(command, expect=None)
    assert world.judge.acquit() != []


# --- what is refused, and what is allowed


@pytest.mark.parametrize("is_child", [False, True], ids=["command", "child"])
def test_preload_refuses_what_it_cannot_enter(
    world: World, refusing: Chain, compiled: Builder, *, is_child: bool
) -> None:
    """With one line that says why, and how to have it run."""
    static = compiled("leaky", "-static", "-Wl,--no-warnings")
    start = ["sh", "-c", '"$@"', "sh"] if is_child else []
    command = [*start, static, "tcp_connect", FAR, "2001:db8:9::9", NAME]
    result = world.run([*wrap(refusing.urls, "--engine", "preload"), *command], expect=126)
    (complaint,) = (line for line in result.complaints if line.startswith("proxywrap: "))
    assert f"refused to run {static}: it is statically linked" in complaint
    assert "allow_unwrapped" in complaint
    assert is_child or "`--engine auto` wraps it" in complaint
    assert world.judge.leaks == []


@pytest.mark.parametrize("engine", ENGINES)
def test_leave_to_run_unwrapped(world: World, refusing: Chain, compiled: Builder, engine: str) -> None:
    """A static COMMAND that is named runs bare, a child only where no filter is over its parent."""
    static = compiled("leaky", "-static", "-Wl,--no-warnings")
    configuration = world.directory / f"leave-{engine}.conf"
    configuration.write_text(f"allow_unwrapped {static}\nengine {engine}\n[ProxyList]\n{refusing.urls[0]}\n")
    wrapper = [PROXYWRAP, "-v", "-f", configuration, "--"]
    command = [static, "tcp_connect", FAR, "2001:db8:9::9", NAME]
    told = world.run([*wrapper, *command])
    assert world.judge.acquit() != []
    assert any(f"{static} runs unwrapped" in line for line in told.complaints)
    child = world.run([*wrapper, "sh", "-c", '"$@"; true', "sh", *command])
    is_bare = engine in {"auto", "preload"}
    assert (world.judge.acquit() != []) is is_bare
    assert any(f"{static} runs unwrapped" in line for line in child.complaints) is is_bare
