"""Static programs of other users, without capabilities, in namespaces and sandboxes, under other filters."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import SocksServer

from .kit.chains import chain
from .kit.clients import NAME, wrap
from .kit.origins import ORIGIN

if TYPE_CHECKING:
    from pathlib import Path

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage, Words
    from .kit.world import World

UID = 64738
RESOLVER_S = 5
SAID = "all came back"


def _become(*capabilities: str) -> Words:
    """Return what makes somebody with no name and no capabilities but those that are given."""
    kept = ",".join(["-all", *(f"+{each}" for each in capabilities)])
    caps = [f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}"]
    return ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *caps]


# The Python of the tests may be where nobody else can read: nothing more than that is given.
USER = _become("dac_read_search")
POWERLESS: Words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
SANDBOX: Words = [
    "bwrap",
    "--bind",
    "/",
    "/",
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--new-session",
]
INSIDE: dict[str, Words] = {
    "user": _become(),
    "powerless": POWERLESS,
    "namespace": ["unshare", "-Ur"],
    "user-namespace": [*_become(), "unshare", "-Ur"],
    "sandbox": SANDBOX,
    "cleared": ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--clearenv"],
}
OUTSIDE: dict[str, Words] = {
    "user": USER,
    "powerless": POWERLESS,
    "namespace": ["unshare", "-Ur"],
    "sandbox": ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--unshare-pid"],
}


@pytest.fixture(params=["static", "shell"])
def company(request: pytest.FixtureRequest, stage: Stage, compiled: Builder) -> Words:
    """Return a static program, by itself and as the child of a shell."""
    start: Words = ["sh", "-c", '"$@"', "sh"] if request.param == "shell" else []
    return [*start, compiled("company", "-static", "-Wl,--no-warnings"), NAME, stage.echo.port]


@pytest.mark.parametrize("engine", ["auto", "seccomp", "both"])
@pytest.mark.parametrize("place", INSIDE)
def test_somebody_else_is_wrapped(
    world: World, one_hop: Chain, company: Words, place: str, engine: str
) -> None:
    """Whoever COMMAND makes of itself."""
    command = [*wrap(one_hop.urls, "--engine", engine), *INSIDE[place], *company]
    assert world.run(command, resolver_s=RESOLVER_S).text == SAID
    assert one_hop.asked_of(-1) == {NAME}


@pytest.mark.parametrize("engine", ["auto", "seccomp", "both"])
@pytest.mark.parametrize("place", OUTSIDE)
def test_somebody_else_wraps(world: World, one_hop: Chain, company: Words, place: str, engine: str) -> None:
    """The helper needs no privileges."""
    home = world.directory / "other-home"
    home.mkdir(exist_ok=True)
    os.chown(home, UID, UID)
    own = ["env", f"HOME={home}", f"XDG_RUNTIME_DIR={home}"] if place == "user" else []
    command = [*OUTSIDE[place], *own, *wrap(one_hop.urls, "--engine", engine), *company]
    assert world.run(command, resolver_s=RESOLVER_S).text == SAID
    assert one_hop.asked_of(-1) == {NAME}


# --- a proxywrap in another


@pytest.mark.parametrize("inner", ["auto", "seccomp", "both"])
@pytest.mark.parametrize("outer", ["auto", "preload"])
def test_a_chain_in_a_chain(world: World, one_hop: Chain, company: Words, outer: str, inner: str) -> None:
    """The inner one's hop is reached through the outer one: under its shim the filter works as ever."""
    with world.running(SocksServer(host=ORIGIN, names={NAME: ORIGIN})) as server:
        url = f"socks5://{NAME}:{server.port}"
        command = [*wrap(one_hop.urls, "--engine", outer), *wrap(url, "--engine", inner), *company]
        assert world.run(command, resolver_s=RESOLVER_S).text == SAID
        assert {(str(access.host), access.port) for access in one_hop.servers[0].log} == {(NAME, server.port)}
        assert {str(access.host) for access in server.log} == {NAME}


@pytest.mark.parametrize("inner", ["seccomp", "both"])
@pytest.mark.parametrize("outer", ["seccomp", "both"])
def test_a_filter_in_a_filter(world: World, one_hop: Chain, company: Words, outer: str, inner: str) -> None:
    """A process has one listener at most: refused, with one line."""
    with chain(world, [Scheme.SOCKS5]) as hops:
        nested = [*wrap(one_hop.urls, "--engine", outer), *wrap(hops.urls, "--engine", inner)]
        result = world.run([*nested, *company], expect=126)
    (complaint,) = result.complaints
    assert "seccomp filter with a listener is over it already" in complaint
    assert one_hop.servers[0].log == []


# --- filters of others


REFUSED = {
    "listener": "somebody else's seccomp filter with a listener is over it already",
    "forbids": "it needs a seccomp filter, ",
}


@pytest.mark.parametrize("is_outside", [False, True], ids=["inside", "outside"])
@pytest.mark.parametrize("kind", REFUSED)
def test_a_foreign_filter(
    world: World, one_hop: Chain, compiled: Builder, stage: Stage, kind: str, *, is_outside: bool
) -> None:
    """What needs ours is refused with one line that says so; what needs it not runs."""
    foreign = [compiled("foreign_filter"), kind]
    prefix = [*foreign, *wrap(one_hop.urls)] if is_outside else [*wrap(one_hop.urls), *foreign]
    company = [NAME, stage.echo.port]
    result = world.run([*prefix, compiled("company", "-static", "-Wl,--no-warnings"), *company], expect=None)
    assert result.returncode == (126 if is_outside else 127)
    (complaint,) = (line for line in result.complaints if line.startswith("proxywrap: "))
    assert REFUSED[kind] in complaint
    assert one_hop.servers[0].log == []
    assert world.run([*prefix, compiled("company"), *company]).text == SAID


# --- setuid


@pytest.fixture
def setuid(world: World, compiled: Builder) -> Path:
    """Return a static program that is setuid root."""
    program = world.directory / "setuid-static"
    program.write_bytes(compiled("company", "-static", "-Wl,--no-warnings").read_bytes())
    program.chmod(0o4755)
    return program


@pytest.mark.parametrize("engine", ["auto", "preload"])
def test_a_setuid_program_of_another_user(
    world: World, one_hop: Chain, stage: Stage, setuid: Path, engine: str
) -> None:
    """Is refused as ever: a filter would take its privileges away."""
    command = [*wrap(one_hop.urls, "--engine", engine), *_become("setuid"), setuid, NAME, stage.echo.port]
    result = world.run(command, expect=None)
    assert result.returncode != 0
    assert one_hop.servers[0].log == []
    assert any(f"refused to run {setuid}: " in line for line in result.complaints), result.complaints


@pytest.mark.parametrize("engine", ["seccomp", "both"])
def test_a_setuid_program_under_the_filter(
    world: World, one_hop: Chain, stage: Stage, setuid: Path, engine: str
) -> None:
    """The kernel gives it no privileges there, and it is one as any other."""
    command = [*wrap(one_hop.urls, "--engine", engine), *_become(), setuid, NAME, stage.echo.port]
    assert world.run(command, resolver_s=RESOLVER_S).text == SAID
    assert one_hop.asked_of(-1) == {NAME}


def test_a_setuid_root_program_of_root(world: World, one_hop: Chain, stage: Stage, setuid: Path) -> None:
    """Gains nothing by it, and is one as any other."""
    command = [*wrap(one_hop.urls), setuid, NAME, stage.echo.port]
    assert world.run(command, resolver_s=RESOLVER_S).text == SAID
