"""Overwrites the passwords in our own command line and environment.

They lie where the kernel put them, for ps(1) and /proc to read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from proxywrap.net.native import scrub_memory

__all__ = ["scrub", "scrub_secrets"]


def scrub_secrets(command_words: int, variable: str) -> None:
    """Overwrite the userinfo of proxy URLs on our command line and in a variable.

    Args:
        command_words: how many of the last words are COMMAND's, and stay.
        variable: of the environment; its whole value goes.

    """
    argv = sys.orig_argv[: len(sys.orig_argv) - command_words]
    hidden = [_userinfo(word) for word in argv]
    with open("/proc/self/environ", "rb") as file:
        entries = file.read().split(b"\0")
    for entry in entries:
        name, _, value = entry.partition(b"=")
        if name == variable.encode():
            hidden.append(value)
    scrub(hidden)


def scrub(secrets: Iterable[bytes]) -> None:
    """Overwrite each of `secrets`, empty ones excepted, wherever ps(1) could find it."""
    found = [secret for secret in secrets if secret]
    if not found:
        return
    with open("/proc/self/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    # Fields 48 to 51 of proc(5), counted from 1; the two first are cut off.
    arg_start, _arg_end, _env_start, env_end = (int(value) for value in fields[45:49])
    for secret in found:
        scrub_memory(arg_start, env_end, secret)


def _userinfo(word: str) -> bytes:
    _scheme, slashes, rest = word.partition("://")
    userinfo, at, _host = rest.rpartition("@")
    return os.fsencode(userinfo) if slashes and at else b""
