"""Directories of ours that nobody has removed, since launcher and helper were both killed."""

from __future__ import annotations

import os
import re
import socket
import stat
import time
from contextlib import suppress
from itertools import islice

from proxywrap.helper.directory import CONTROL, PREFIX, RELOAD, places, remove_directory
from proxywrap.helper.notices import DIRECTORY_PREFIX, NAME, remove_notices

__all__ = ["remove_leftovers"]

_NAME = re.compile(f"(?:{re.escape(PREFIX)}|({re.escape(DIRECTORY_PREFIX)}))[0-9a-f]{{12}}")

AGE_S = 60.0
"""A younger one may be about to be used."""

MOST = 10_000
"""How many files in one place are looked at: it is to take no time that anybody would notice."""


def remove_leftovers() -> None:
    """Remove the directories of ours in which nobody listens any more; never raises."""
    for place in places():
        with suppress(OSError):  # it is not there, or not ours to list
            with os.scandir(place) as entries:
                found = [
                    (entry, match)
                    for entry in islice(entries, MOST)
                    if (match := _NAME.fullmatch(entry.name))
                ]
            for entry, match in found:
                _remove_if_left(entry, is_for_notices=match[1] is not None)


def _remove_if_left(entry: os.DirEntry[str], *, is_for_notices: bool) -> None:
    if is_for_notices:
        # Whoever COMMAND becomes may pass through root's.
        if _is_ours(entry, 0o066) and not _has_listener(entry.path, NAME, socket.SOCK_DGRAM):
            remove_notices(entry.path)
    elif _is_ours(entry, 0o077) and not any(_has_listener(entry.path, name) for name in (RELOAD, CONTROL)):
        remove_directory(entry.path)


def _is_ours(entry: os.DirEntry[str], closed: int) -> bool:
    """Tell whether we have made it, and not just now; nobody else has any of the rights `closed`."""
    info = entry.stat(follow_symlinks=False)
    return (
        stat.S_ISDIR(info.st_mode)
        and info.st_uid == os.geteuid()
        and not info.st_mode & closed
        and time.time() - info.st_mtime > AGE_S
    )


def _has_listener(path: str, name: str, kind: int = socket.SOCK_SEQPACKET) -> bool:
    with socket.socket(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.connect(f"{path}/{name}")
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # a full backlog is somebody's
            return True
    return True
