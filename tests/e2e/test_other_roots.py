"""Sandboxes and roots that have neither our files nor, perhaps, a way to the control socket."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import chain
from .kit.clients import NAME, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage, Words
    from .kit.world import World

SANDBOX: Words = [
    *[
        "bwrap",
        "--ro-bind",
        "/usr",
        "/usr",
        "--symlink",
        "usr/lib",
        "/lib",
        "--symlink",
        "usr/lib64",
        "/lib64",
    ],
    *[
        "--symlink",
        "usr/bin",
        "/bin",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--clearenv",
        "--setenv",
        "PATH",
        "/bin",
    ],
]
ALONE: Words = [*SANDBOX, "--unshare-net"]
ENTERED: Words = [
    *ALONE,
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--new-session",
]
OWN_LOOPBACK = """\
import socket
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
print(client.getpeername() == server.getsockname())
"""
OUT = f"tcp_connect 198.51.100.9 2001:db8:9::9 {NAME}"

WAYS = [
    ("unshare", "exec"),
    ("setns", "spawn"),
    ("clone", "exec"),
    ("by-number", "system"),
    ("clone3", "popen"),
    ("stay", "exec"),
    ("stay", "spawn"),
    ("stay", "system"),
    ("stay", "popen"),
]


@pytest.fixture(scope="module")
def refusing(shared_world: World) -> Iterator[Chain]:
    """Run a hop that reaches nothing, so that every packet to the outside is the program's own."""
    with chain(shared_world, [Scheme.SOCKS5], Script(refuse=111)) as made:
        yield made


@pytest.fixture(scope="module")
def root(shared_world: World, compiled: Builder) -> Path:
    """Make a root directory with a shell, a program in two forms, its C library, and nothing of ours."""
    made = shared_world.directory / "root"
    for path in (
        Path("/bin/sh"),
        Path("/lib64/ld-linux-x86-64.so.2"),
        Path("/lib/x86_64-linux-gnu/libc.so.6"),
    ):
        place = made / path.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.resolve(), place)
    shutil.copy(compiled("leaky"), made / "leaky")
    shutil.copy(compiled("leaky", "-static", "-Wl,--no-warnings"), made / "static")
    return made


@pytest.mark.case("cut-off-bubblewrap")
@pytest.mark.parametrize("engine", ["auto", "seccomp", "both"])
@pytest.mark.parametrize("sandbox", [ALONE, ENTERED], ids=["network", "everything"])
def test_a_sandbox_without_network_and_without_us(
    world: World, one_hop: Chain, engine: str, sandbox: Words
) -> None:
    """A shell, what it starts, and a connection over its own loopback; without a line of ld.so's."""
    script = f'echo started; sh -c "echo child"; python3 -S -c "{OWN_LOOPBACK}"'
    result = world.run([*wrap(one_hop.urls, "--engine", engine), *sandbox, "/bin/sh", "-c", script])
    assert result.text.split() == ["started", "child", "True"]
    assert result.complaints == []


@pytest.mark.case("cut-off-told")
def test_a_sandbox_that_only_a_filter_could_wrap_is_refused_with_one_line(
    world: World, one_hop: Chain
) -> None:
    """Without the filter nothing can be started there, and the user hears why."""
    result = world.run([*wrap(one_hop.urls, "--engine", "preload"), *ALONE, "/bin/echo", "begun"], expect=1)
    assert result.stdout == b""
    told = [line for line in result.complaints if line.startswith("proxywrap: ")]
    assert len(told) == 1
    assert "refused to run /bin/echo: the shim's file cannot be loaded from there" in told[0]


@pytest.mark.case("cut-off-system")
@pytest.mark.parametrize("libc", ["glibc", "musl"])
@pytest.mark.parametrize("program", ["leaky", "static"])
def test_however_a_program_goes_there_and_starts_another(
    world: World, refusing: Chain, compiled: Builder, root: Path, libc: str, program: str
) -> None:
    """By every call, whatever descriptors it closes, and by the shell of its root: nothing runs unwrapped."""
    leave = compiled("leave", "-Wno-unused-result", compiler="cc" if libc == "glibc" else "musl-gcc")
    script = "".join(f'echo {how} {start}; "$0" {how} {start} "$@"; ' for how, start in WAYS)
    command = ["sh", "-c", script, leave, root, f"/{program}", *OUT.split()]
    result = world.run([*wrap(refusing.urls), *command], expect=None)
    assert world.judge.leaks == []
    said = result.text.splitlines()
    assert said[::2] == [f"{how} {start}" for how, start in WAYS]
    assert all(line.startswith("tcp_connect: -1") for line in said[1::2]), said


def test_one_after_the_other(world: World, refusing: Chain, root: Path) -> None:
    """Another network namespace first, by one program, and another root by the next."""
    command = ["unshare", "-n", "chroot", root, "/leaky", *OUT.split()]
    for engine in ("auto", "both", "seccomp"):
        result = world.run([*wrap(refusing.urls, "--engine", engine), *command])
        assert result.text.startswith("tcp_connect: -1")
        assert not any("ld.so" in line for line in result.complaints)


@pytest.mark.case("other-root-quiet")
@pytest.mark.parametrize("engine", ["auto", "both", "seccomp"])
def test_a_root_without_us_has_no_line_of_the_loaders(
    world: World, stage: Stage, one_hop: Chain, compiled: Builder, engine: str
) -> None:
    """What runs there under the filter is not told to preload what is not there; other objects stay."""
    talk = compiled("talk")
    script = 'cp "$0" "$1"/talk; shift; exec chroot "$@"'
    place = world.directory / "quiet"
    for path in (Path("/lib64/ld-linux-x86-64.so.2"), Path("/lib/x86_64-linux-gnu/libc.so.6")):
        (place / path.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.resolve(), place / path.relative_to("/"))
    command = ["sh", "-c", script, talk, place, place, "/talk", "exchange", NAME, stage.echo.port]
    result = world.run([*wrap(one_hop.urls, "--engine", engine), *command], stdin=b"there\n")
    shutil.rmtree(place)
    assert result.text == "there"
    assert result.complaints == []
    assert one_hop.asked_of(-1) == {NAME}
