"""The helpers that run, found by their sockets, and asked to read their file anew."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from proxywrap.helper.admin import KEPT, REQUEST
from proxywrap.helper.backlog import peer_of
from proxywrap.helper.directory import PREFIX, RELOAD, is_reload_name, places

__all__ = ["Answer", "reload_all"]

MAX_ANSWER_BYTES = 1 << 16

ANSWER_S = 30.0
"""How long a helper may take: one that is stopped never answers."""


class Answer(NamedTuple):
    """What a helper says; `has_failed` where its file cannot be used."""

    has_failed: bool
    text: str


def reload_all(pids: Collection[int]) -> Iterator[Answer]:
    """Ask helpers of this user; yield their answers, after which the new configuration is in effect.

    Args:
        pids: of the proxywraps that are meant, or of their helpers; none: all are.

    """
    request = b" ".join([REQUEST, *(str(pid).encode() for pid in pids)])
    for path in sorted(_sockets()):
        answer = _ask(path, request)
        if answer is not None:
            yield answer


def _sockets() -> set[str]:
    """Return the sockets in directories that are ours alone, and the abstract ones, with their NUL.

    Other directories are others' to speak of. Who listens at an abstract name is yet to be asked.
    """
    paths = {*_in_directories(), *_listed()}
    return {path for path in paths if path.startswith("\0") or _is_ours(os.path.dirname(path))}


def _in_directories() -> Iterator[str]:
    """Yield those that may be in runtime directories, in the places where we would make one."""
    for place in places():
        try:
            yield from (
                f"{entry.path}/{RELOAD}" for entry in os.scandir(place) if entry.name.startswith(PREFIX)
            )
        except OSError:
            continue


def _listed() -> Iterator[str]:
    """Yield those in other places and with abstract names: the kernel lists sockets."""
    try:
        lines = Path("/proc/net/unix").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        name = line.split(maxsplit=7)[-1]
        if is_reload_name(name.removeprefix("@")):
            yield name.replace("@", "\0", 1) if name.startswith("@") else name


def _is_ours(path: str) -> bool:
    try:
        info = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077


def _ask(path: str, request: bytes) -> Answer | None:
    """Return the answer, None where no helper is there any more, or another one is meant."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        # Where anybody may listen nobody is waited for before we know who it is.
        sock.settimeout(0 if path.startswith("\0") else ANSWER_S)
        try:
            sock.connect(path)
            sock.settimeout(ANSWER_S)
            if peer_of(sock)[1] != os.geteuid():
                return None  # whoever has put it there, it is not our helper
            sock.send(request, socket.MSG_NOSIGNAL)
            data = sock.recv(MAX_ANSWER_BYTES)
        except TimeoutError:
            name = path.replace("\0", "@")
            return Answer(
                has_failed=True, text=f"{name}: nobody answers within {ANSWER_S:g} s: is it stopped?"
            )
        except OSError:
            return None
    return Answer(data[:1] == KEPT, data[1:].decode("utf-8", "surrogateescape")) if data else None
