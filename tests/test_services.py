"""Servers outside, known by their sockets and by who connects to them."""

from __future__ import annotations

import pytest

from proxywrap.services import by_path, by_port, by_program


@pytest.mark.parametrize(
    ("path", "program", "name"),
    [
        ("/tmp/tmux-1000/default", "tmux", "tmux"),
        ("/run/screen/S-me/1234.pts-0.host", "screen", "screen"),
        ("/var/run/docker.sock", "docker", "docker"),
        ("/run/user/1000/docker.sock", "docker", "docker"),
        ("/run/user/1000/podman/podman.sock", "podman-remote", "podman"),
        ("/run/containerd/containerd.sock", "ctr", "containerd"),
        ("/run/snapd-snap.socket", "snap", "snap"),
        ("/run/systemd/private", "systemd-run", "systemd"),
        ("/run/dbus/system_bus_socket", "systemd-run", "systemd"),
        ("/run/user/1000/bus", "flatpak", "flatpak"),
        ("/run/user/1000/emacs/server", "emacsclient", "emacs"),
        ("/tmp/emacs1000/server", "emacsclient", "emacs"),
        ("/tmp/.wine-1000/server-fd01-2/socket", "wine64-preloader", "wineserver"),
        ("/run/user/1000/vscode-ipc-8f-1.sock", "node", "VS Code"),
        ("/run/user/1000/zellij/0.40.1/calm-tree", "zellij", "zellij"),
        ("/home/me/.pm2/rpc.sock", "node", "pm2"),
        ("/run/supervisor.sock", "supervisorctl", "supervisord"),
        ("/home/me/.ssh/cm-me@gate:22", "ssh", "an ssh master"),
        ("/home/me/.ssh/cm-me@gate:22", "git", None),
        ("/tmp/ssh-XXXX/agent.12", "ssh", None),
        ("/run/user/1000/keyring/ssh", "ssh", None),
        ("/run/user/1000/bus", "firefox", None),
        ("/run/dbus/system_bus_socket", "NetworkManager", None),
        ("/var/run/postgresql/.s.PGSQL.5432", "psql", None),
        ("/tmp/.X11-unix/X0", "xterm", None),
    ],
)
def test_by_path(path: str, program: str, name: str | None) -> None:
    """What is asked by everybody, as the bus and an agent are, counts for some clients only."""
    found = by_path(path, lambda: [program])
    assert (found and found.name) == name
    assert found is None or found.advice


@pytest.mark.parametrize(
    ("port", "program", "name"),
    [
        (5037, "python3", "adb"),
        (5038, "adb", "adb"),
        (40123, "emacsclient", "emacs"),
        (40123, "emacsclient.emacs", "emacs"),
        (40123, "bazel", "bazel"),
        (40123, "bazel-7.1.0-linux-x86_64", "bazel"),
        (40123, "java", "gradle"),
        (5432, "psql", None),
        (8080, "bazelisk", None),
    ],
)
def test_by_port(port: int, program: str, name: str | None) -> None:
    """A port of its own tells of one, and the client's name of those that listen anywhere."""
    found = by_port(port, lambda: [f"/usr/bin/{program}", program])
    assert (found and found.name) == name
    assert found is None or found.advice


def test_by_program() -> None:
    """Who hands work to a daemon by a file connects to nobody."""
    assert [service and service.name for service in map(by_program, ("/usr/bin/at", "/usr/bin/crontab"))] == [
        "atd",
        "cron",
    ]
    assert by_program("/usr/bin/cat") is None
