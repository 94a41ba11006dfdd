"""The helpers that run, found by their runtime directories, and asked to read their file anew."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from proxywrap.helper.admin import KEPT, REQUEST
from proxywrap.helper.backlog import peer_of
from proxywrap.helper.directory import PREFIX, RELOAD, places

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
    """Return the sockets in directories that are ours alone, others' being others' to speak of."""
    return {f"{path}/{RELOAD}" for path in (*_directories(), *_listed()) if _is_ours(path)}


def _directories() -> Iterator[str]:
    """Yield what may be runtime directories, in the places where we would make one."""
    for place in {*places(), f"/run/user/{os.geteuid()}"}:
        try:
            yield from (entry.path for entry in os.scandir(place) if entry.name.startswith(PREFIX))
        except OSError:
            continue


def _listed() -> Iterator[str]:
    """Yield those in other places, of proxywraps with another environment: the kernel lists sockets."""
    try:
        lines = Path("/proc/net/unix").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        directory, _slash, name = line[max(line.find("/"), 0) :].rpartition("/")
        if name == RELOAD and os.path.basename(directory).startswith(PREFIX):
            yield directory


def _is_ours(path: str) -> bool:
    try:
        info = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077


def _ask(path: str, request: bytes) -> Answer | None:
    """Return the answer, None where no helper is there any more, or another one is meant."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(ANSWER_S)
        try:
            sock.connect(path)
            if peer_of(sock)[1] != os.geteuid():
                return None  # whoever has put it there, it is not our helper
            sock.send(request, socket.MSG_NOSIGNAL)
            data = sock.recv(MAX_ANSWER_BYTES)
        except TimeoutError:
            return Answer(
                has_failed=True, text=f"{path}: nobody answers within {ANSWER_S:g} s: is it stopped?"
            )
        except OSError:
            return None
    return Answer(data[:1] == KEPT, data[1:].decode("utf-8", "surrogateescape")) if data else None
