"""A configuration file read, and read anew while programs run.

What is read anew must be what was read before: a regular file, of the same
owner, that nobody else may write to who could not then. The name of another
descriptor, as `/dev/fd/3`, and what is no regular file are read once only.
"""

from __future__ import annotations

import os
import stat
from contextlib import chdir
from dataclasses import replace

from proxywrap.config import Config
from proxywrap.errors import ConfigError
from proxywrap.origin import Stamp
from proxywrap.parser import parse_config
from proxywrap.remotenames import choose_chain

__all__ = ["MAX_FILE_BYTES", "complete", "current_stamp", "load_config", "read_file", "reload_config"]

MAX_FILE_BYTES = 1 << 20
"""Ten thousand proxies fit into it; /dev/zero and a disk image given by mistake do not."""

_OF_OUR_DESCRIPTORS = ("/dev/fd/", "/dev/std", "/proc/")

_WRITERS = stat.S_IWGRP | stat.S_IWOTH


def read_file(path: str) -> tuple[bytes, Stamp | None]:
    """Return what a file holds, and by what it is known again, None for what is read once only.

    Args:
        path: `-` is standard input.

    Raises:
        ConfigError: it is too large.
        OSError: it cannot be read.

    """
    path = "/dev/stdin" if path == "-" else path
    with open(path, "rb") as file:
        return _read(file.fileno(), path), _stamp(os.fstat(file.fileno()), os.path.abspath(path))


def load_config(path: str, *, is_for_proxychains: bool = False) -> Config:
    """Return what a file in proxychains' grammar says.

    Args:
        path: `-` is standard input.
        is_for_proxychains: it was written for proxychains-ng, so a line that
            is wrong here is read as it reads it, with a warning.

    Raises:
        ConfigError: what was expected and what was found, with file and line.
        OSError: it cannot be read.

    """
    data, stamp = read_file(path)
    config = _parse(data, path, is_for_proxychains=is_for_proxychains)
    return complete(config, os.path.dirname(os.path.abspath(path)), stamp)


def _parse(data: bytes, source: str, *, is_for_proxychains: bool) -> Config:
    if not is_for_proxychains:
        return parse_config(data, source)
    from proxywrap.migrate import reread  # noqa: PLC0415 - most files are ours

    return replace(parse_config(data, source, reread), is_for_proxychains=True)


def complete(config: Config, directory: str, stamp: Stamp | None = None) -> Config:
    """Return a parsed configuration with its file's stamp and the passwords that stand elsewhere.

    Args:
        config: as it was parsed.
        directory: to which the names of other files are relative.
        stamp: of the file, if there is one.

    Raises:
        ConfigError: a password cannot be read, or a proxy cannot stand where it does.

    """
    config = replace(config, stamp=stamp, directory=_current_directory())
    if any(hop.path is not None or hop.options.warm for hop in config.all_hops):
        from proxywrap.positions import check_positions  # noqa: PLC0415 - few proxies have either

        config = check_positions(config)
    if not any(config.passwords):
        return config
    from proxywrap.credentials import with_credentials  # noqa: PLC0415 - most proxies have no password

    return with_credentials(config, directory)


def current_stamp(path: str) -> Stamp | None:
    """Return by what a file is known, None where there is none that can be read anew."""
    try:
        return _stamp(os.stat(path), path)
    except OSError:
        return None


def reload_config(config: Config) -> Config:
    """Return what the file of a configuration says now.

    What was chosen for COMMAND stays: its chain (`-c`), the engine, and the
    fake addresses, which programs have in their hands.

    Raises:
        ConfigError: why that cannot be used, with file and line.

    """
    before = config.stamp
    if before is None:
        raise ConfigError(
            "expected a file that can be read anew, found what is read once only", config.source
        )
    try:
        fd = os.open(before.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise ConfigError(f"expected a file that can be read, found: {exc.strerror}", config.source) from exc
    try:
        info = os.fstat(fd)
        _expect_the_same(before, info, config.source)
        with chdir(config.directory):
            data = _read(fd, config.source)
            parsed = _parse(data, config.source, is_for_proxychains=config.is_for_proxychains)
            new = complete(parsed, os.path.dirname(before.path), _stamp(info, before.path))
    except OSError as exc:
        raise ConfigError(f"expected a file that can be read, found: {exc.strerror}", config.source) from exc
    finally:
        os.close(fd)
    try:
        new = choose_chain(new, config.chain)
    except ValueError as exc:
        raise ConfigError(f"-c {config.chain}: {exc}", config.source) from exc
    fixed = replace(new.options, engine=config.options.engine, fake_network_v4=config.options.fake_network_v4)
    return replace(new, options=fixed)


def _expect_the_same(before: Stamp, info: os.stat_result, source: str) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise ConfigError("expected a regular file, found another kind in its place", source)
    if info.st_uid != before.owner:
        raise ConfigError(
            f"expected a file of the user {before.owner}, as before, found one of {info.st_uid}", source
        )
    if info.st_mode & _WRITERS & ~before.mode:
        raise ConfigError("expected a file that nobody else may write to, as before, found one", source)


def _read(fd: int, source: str) -> bytes:
    pieces, size = [], 0
    while size <= MAX_FILE_BYTES and (piece := os.read(fd, MAX_FILE_BYTES + 1 - size)):
        pieces.append(piece)
        size += len(piece)
    if size > MAX_FILE_BYTES:
        raise ConfigError(f"expected a file of at most {MAX_FILE_BYTES} bytes, found more", source)
    return b"".join(pieces)


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed: nothing is relative to it
        return "/"


def _stamp(info: os.stat_result, path: str) -> Stamp | None:
    if not stat.S_ISREG(info.st_mode) or path.startswith(_OF_OUR_DESCRIPTORS):
        return None
    return Stamp(
        path,
        info.st_dev,
        info.st_ino,
        info.st_size,
        info.st_mtime_ns,
        info.st_ctime_ns,
        info.st_uid,
        info.st_mode,
    )
