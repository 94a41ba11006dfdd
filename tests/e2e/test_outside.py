"""Servers outside that a wrapped program has do something: said in one line, once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .kit.clients import PROXYWRAP, wrap

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

SERVE = """\
import os, socket
server = socket.create_server(("127.0.0.1", 0))
print(os.getpid(), server.getsockname()[1], flush=True)
while True:
    server.accept()[0].close()
"""
ASK = """\
import pathlib, socket, sys
for name in sys.argv[2:]:
    pathlib.Path("/proc/self/comm").write_text(name)
    for timeout in (None, 5):
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout).recv(1)
"""
"""Connects twice by each name: blocking, and not."""


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
def serving(world: World) -> Iterator[tuple[int, int]]:
    """Run a server on loopback that is not wrapped; give its process id and its port."""
    with world.start([sys.executable, "-S", "-c", SERVE]) as server:
        assert server.stdout is not None
        pid, port = map(int, server.stdout.readline().split())
        try:
            yield pid, port
        finally:
            os.kill(pid, signal.SIGKILL)


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
        ("zellij/0.40.1/calm", "zellij"),
        (".pm2/rpc.sock", "pm2"),
        ("run/supervisor.sock", "supervisord"),
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


@pytest.mark.case("outside-port")
@pytest.mark.parametrize("engine", ["auto", "seccomp"])
def test_adb(world: World, one_hop: Chain, engine: str) -> None:
    """Its server is told of when it runs outside, and not when its client has started it."""
    env = {"HOME": str(world.directory)}
    prefix = wrap(one_hop.urls, "--engine", engine)
    world.run(["adb", "start-server"], env=env)
    try:
        result = world.run([*prefix, "sh", "-c", "adb devices; adb devices"], env=env)
    finally:
        world.run(["adb", "kill-server"], env=env)
    (line,) = result.complaints
    assert line.startswith("proxywrap: adb runs outside and was told what to do at 127.0.0.1:5037: ")
    assert "`adb kill-server` first" in line
    result = world.run([*prefix, "sh", "-c", "adb devices; adb devices; adb kill-server"], env=env)
    assert result.text.count("List of devices") == 2
    assert not [line for line in result.complaints if "outside" in line]


@pytest.mark.case("outside-port")
def test_emacs_by_tcp(world: World, one_hop: Chain) -> None:
    """The file of its server names a port on loopback; the client's expression is evaluated."""
    home = world.directory / "emacs-home"
    home.mkdir(mode=0o700)
    env = {"HOME": str(home)}
    settings = ["--eval", "(setq server-use-tcp t)", "--eval", '(setq server-name "far")']
    world.run(["emacs", "-Q", *settings, "--daemon"], env=env)
    client = ["emacsclient", "-f", home / ".emacs.d" / "server" / "far", "--eval"]
    try:
        result = world.run([*wrap(one_hop.urls), *client, "(+ 20 22)"], env=env)
    finally:
        world.run([*client, "(kill-emacs)"], env=env, expect=None)
    assert result.text.strip() == "42"
    (line,) = [line for line in result.complaints if line.startswith("proxywrap")]
    assert line.startswith("proxywrap: emacs runs outside and was told what to do at 127.0.0.1:")


@pytest.mark.case("outside-port")
@pytest.mark.parametrize("engine", ["auto", "seccomp"])
def test_daemons_of_build_tools(world: World, one_hop: Chain, engine: str) -> None:
    """Bazel's client asks no other port of this host; gradle's daemon is known by the name of its log."""
    home = world.directory / f"home-{engine}"
    logs = home / ".gradle" / "daemon" / "8.5"
    logs.mkdir(parents=True)
    prefix = wrap(one_hop.urls, "--engine", engine)
    with serving(world) as (pid, port):
        ask = [*prefix, sys.executable, "-S", "-c", ASK, port, "bazel", "java", "psql"]
        (line,) = world.run(ask, env={"HOME": str(home)}).complaints
        assert line.startswith(f"proxywrap: bazel runs outside and was told what to do at 127.0.0.1:{port}: ")
        (logs / f"daemon-{pid}.out.log").touch()
        bazel, gradle = world.run(ask, env={"HOME": str(home)}).complaints
        assert bazel == line
        assert gradle.startswith(
            f"proxywrap: gradle runs outside and was told what to do at 127.0.0.1:{port}"
        )
        (_bazel,) = world.run(ask, env={"HOME": str(home), "GRADLE_USER_HOME": "/var/empty"}).complaints


@pytest.mark.case("outside-job")
def test_at(world: World, one_hop: Chain) -> None:
    """It hands a job to its daemon by a file: told when it is refused, and when it may run unwrapped."""
    file = world.directory / "at.conf"
    file.write_text("allow_unwrapped */at\n[ProxyList]\nsocks5 127.0.0.1 1\n")
    (line,) = world.run([*wrap(one_hop.urls), "at", "-l"], expect=126).complaints
    assert "refused to run /usr/bin/at: " in line
    assert (
        "atd runs outside, and what it is handed goes past the proxies: write proxywrap into the job" in line
    )
    for command in (["at", "-l"], ["sh", "-c", "at -l; at -l"]):
        (line,) = world.run([PROXYWRAP, "-f", file, *command]).complaints
        assert line.startswith("proxywrap: atd runs outside and was told what to do at /usr/bin/at: ")
