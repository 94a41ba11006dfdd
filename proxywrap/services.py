"""Servers that do for a program what it asks for, and are not of its family: tmux, docker and their like.

Pure text: each is known by the socket that its client connects to, some by the client too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

__all__ = ["Service", "by_path"]

_ITSELF = "run the program itself under proxywrap instead"


class Service(NamedTuple):
    """One of them; `place` matches the paths of its sockets, `programs` those that it counts for, if any."""

    name: str
    place: str
    advice: str
    programs: str = ""


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
    Service(
        "an ssh master",
        r"^(?!.*(agent|keyring|X11-unix)).*$",
        "`ssh -S none`, or end it by `ssh -O exit`",
        "ssh",
    ),
)


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
