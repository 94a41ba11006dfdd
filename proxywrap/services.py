"""Servers that do for a program what it asks for, and are not of its family: tmux, docker and their like.

Pure text: each is known by the socket that its client connects to; some by the client, or by their files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

__all__ = ["PortService", "Service", "by_path", "by_port", "by_program"]

_ITSELF = "run the program itself under proxywrap instead"


class Service(NamedTuple):
    """One of them; `place` matches the paths of its sockets, `programs` those that it counts for, if any."""

    name: str
    place: str
    advice: str
    programs: str = ""


class PortService(NamedTuple):
    """One that listens on a port of this host: `port` is its own, 0 for any one of those that `programs` ask.

    `files`: patterns of files, below the client's home or that variable's directory, named after the server.
    """

    name: str
    advice: str
    port: int = 0
    programs: str = ""
    variable: str = ""
    home: str = ""
    files: str = ""


_BY_PATH = (
    Service("tmux", r"/tmux-\d+/[^/]+$", "`tmux -L NAME` starts a server of its own, under proxywrap"),
    Service("screen", r"/(screen|\.screen)/(S-[^/]+/)?[^/]+$", "start a new session under proxywrap"),
    Service(
        "docker",
        r"/docker[^/]*\.sock$",
        "give its containers the proxy by `-e ALL_PROXY`",
    ),
    Service("podman", r"/podman[^/]*\.sock$", "give its containers the proxy by `-e ALL_PROXY`"),
    Service("containerd", r"/containerd[^/]*\.sock$", "give its containers the proxy in their environment"),
    Service("snap", r"/snapd[^/]*\.socket$", "`snap set system proxy.http=…` gives the daemon a proxy"),
    Service("systemd", r"/systemd/private$", _ITSELF, "systemd-run|systemctl"),
    Service("systemd", r"/(system_bus_socket|bus)$", _ITSELF, "systemd-run|systemctl"),
    Service("flatpak", r"/(system_bus_socket|bus)$", _ITSELF, "flatpak|flatpak-spawn"),
    Service("emacs", r"/emacs\d*/[^/]+$", "start `emacs`, or its daemon, under proxywrap"),
    Service("wineserver", r"/\.?wine-\d+/server-[^/]+/socket$", "end it by `wineserver -k` first"),
    Service("VS Code", r"/vscode-(ipc|git|remote|server)[^/]*$", "start VS Code itself under proxywrap"),
    Service("zellij", r"/zellij[^/]*/[^/]+(/[^/]+)?$", "start a new session under proxywrap"),
    Service("pm2", r"/\.pm2/[^/]+\.sock$", "end it by `pm2 kill` first, then it starts under proxywrap"),
    Service(
        "supervisord", r"/supervisor[^/]*\.sock$", "start supervisord, or the one program, under proxywrap"
    ),
    Service(
        "an ssh master",
        r"^(?!.*(agent|keyring|X11-unix)).*$",
        "`ssh -S none`, or end it by `ssh -O exit`",
        "ssh",
    ),
)

_BY_PORT = (
    PortService("adb", "`adb kill-server` first, then it starts under proxywrap", port=5037),
    PortService("adb", "`adb kill-server` first, then it starts under proxywrap", programs="adb"),
    PortService(
        "emacs", "start `emacs`, or its daemon, under proxywrap", programs=r"emacsclient(\.emacs|-\w+)?"
    ),
    PortService(
        "bazel", "`bazel shutdown` first, then it starts under proxywrap", programs=r"bazel(-real|-\d.*)?"
    ),
    PortService(
        "gradle",
        "`gradle --stop` first, then it starts under proxywrap",
        programs="java|gradle",
        variable="GRADLE_USER_HOME",
        home=".gradle",
        files="daemon/*/daemon-{pid}.out.log",
    ),
)

_BY_PROGRAM = (
    Service("atd", r"/(at|batch)$", "write proxywrap into the job, before its commands"),
    Service("cron", r"/crontab$", "write proxywrap into the table, before its commands"),
)


def by_port(port: int, programs: Callable[[], Collection[str]]) -> PortService | None:
    """Return the service that such a client asks at a port of this host, None where it is none.

    Args:
        port: it.
        programs: gives the names of the client.

    """
    names: Collection[str] | None = None
    for service in _BY_PORT:
        if service.port:
            if service.port == port:
                return service
            continue
        names = programs() if names is None else names
        if any(re.fullmatch(service.programs, each) for each in names):
            return service
    return None


def by_program(path: str) -> Service | None:
    """Return the service that a set-id program hands work to by files, None where it is none's."""
    return next((each for each in _BY_PROGRAM if re.search(each.place, path)), None)


def by_path(path: str, programs: Callable[[], Collection[str]]) -> Service | None:
    """Return the service whose socket has a path, None where that is none's.

    Args:
        path: as its client spells it.
        programs: gives the names of the client.

    """
    for service in _BY_PATH:
        if not re.search(service.place, path):
            continue
        if not service.programs or any(re.fullmatch(service.programs, each) for each in programs()):
            return service
    return None
