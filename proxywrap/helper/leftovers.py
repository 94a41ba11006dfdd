"""Runtime directories that nobody has removed, since launcher and helper were both killed."""

from __future__ import annotations

import os
import re
import socket
import stat
import time
from contextlib import suppress
from itertools import islice

from proxywrap.helper.directory import CONTROL, PREFIX, RELOAD, places, remove_directory

__all__ = ["remove_leftovers"]

_NAME = re.compile(re.escape(PREFIX) + "[0-9a-f]{12}")

AGE_S = 60.0
"""A younger one may be about to be used."""

MOST = 10_000
"""How many files in one place are looked at: it is to take no time that anybody would notice."""


def remove_leftovers() -> None:
    """Remove the directories of ours in which nobody listens any more; never raises."""
    for place in places():
        with suppress(OSError):  # it is not there, or not ours to list
            with os.scandir(place) as entries:
                found = [entry for entry in islice(entries, MOST) if _NAME.fullmatch(entry.name)]
            for entry in found:
                if _is_ours(entry) and not any(_has_listener(entry.path, name) for name in (RELOAD, CONTROL)):
                    remove_directory(entry.path)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    """Tell whether we have made it, and not just now."""
    info = entry.stat(follow_symlinks=False)
    return (
        stat.S_ISDIR(info.st_mode)
        and info.st_uid == os.geteuid()
        and not info.st_mode & 0o077
        and time.time() - info.st_mtime > AGE_S
    )


def _has_listener(path: str, name: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.connect(f"{path}/{name}")
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # a full backlog is somebody's
            return True
    return True
