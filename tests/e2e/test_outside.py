"""Servers outside that a wrapped program has do something: said in one line, once."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .kit.clients import wrap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .kit.chains import Chain
    from .kit.world import World

ENGINES = ["auto", "both", "seccomp"]
CONNECT = (
    "import socket, sys\n"
    "for _ in range(2):\n"
    "    sock = socket.socket(socket.AF_UNIX)\n"
    "    sock.connect(sys.argv[1])\n"
    "    sock.recv(1)\n"
)


@contextmanager
def tmux(world: World) -> Iterator[dict[str, str]]:
    """Run a tmux server that is not wrapped; give the environment in which its client finds it."""
    env = {"TMUX_TMPDIR": str(world.directory)}
    world.run(["tmux", "new-session", "-d", "-s", "outer", "sleep 600"], env=env)
    try:
        yield env
    finally:
        world.run(["tmux", "kill-server"], env=env)


@contextmanager
def listening(path: Path) -> Iterator[None]:
    """Have somebody who is not wrapped listen on a Unix socket, and hang up on each client."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            for _ in range(2):
                listener.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()
    path.unlink()


@pytest.mark.case("outside-told")
@pytest.mark.parametrize("engine", ENGINES)
def test_tmux_outside(world: World, one_hop: Chain, engine: str) -> None:
    """Its windows are not wrapped, which is said with what to do; the command is carried out."""
    with tmux(world) as env:
        prefix = wrap(one_hop.urls, "--engine", engine)
        result = world.run([*prefix, "tmux", "new-window", "-d", "-t", "outer", "sleep 600"], env=env)
    (line,) = result.complaints
    assert line.startswith(
        f"proxywrap: tmux runs outside and was told what to do at {world.directory}/tmux-0/"
    )
    assert "goes past the proxies; `tmux -L NAME`" in line


@pytest.mark.case("outside-told")
@pytest.mark.parametrize("engine", ENGINES)
def test_tmux_inside(world: World, one_hop: Chain, engine: str) -> None:
    """Of a server that was started wrapped nothing is said."""
    script = "tmux -L inner new-session -d sleep 600; tmux -L inner list-sessions; tmux -L inner kill-server"
    env = {"TMUX_TMPDIR": str(world.directory)}
    result = world.run([*wrap(one_hop.urls, "--engine", engine), "sh", "-c", script], env=env)
    assert "1 windows" in result.text
    assert not [line for line in result.complaints if "outside" in line]


@pytest.mark.case("outside-told")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("run/docker.sock", "docker"),
        ("run/podman/podman.sock", "podman"),
        ("run/containerd/containerd.sock", "containerd"),
        ("run/snapd.socket", "snap"),
        ("emacs/server", "emacs"),
        (".wine-0/server-1-2/socket", "wineserver"),
        ("vscode-ipc-1234.sock", "VS Code"),
    ],
)
def test_a_socket_that_is_known(world: World, one_hop: Chain, engine: str, place: str, name: str) -> None:
    """Who listens there is told of once, however often a program connects."""
    path = world.directory / "out" / place
    with listening(path):
        command = [sys.executable, "-c", CONNECT, path]
        result = world.run([*wrap(one_hop.urls, "--engine", engine), *command])
    (line,) = result.complaints
    assert line.startswith(f"proxywrap: {name} runs outside and was told what to do at {path}: ")


def test_another_socket(world: World, one_hop: Chain) -> None:
    """Of a database's nothing is said."""
    with listening(world.directory / "out" / ".s.PGSQL.5432"):
        command = [sys.executable, "-c", CONNECT, world.directory / "out" / ".s.PGSQL.5432"]
        assert world.run([*wrap(one_hop.urls), *command]).complaints == []
