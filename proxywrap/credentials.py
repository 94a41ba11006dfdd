"""Passwords that stand in files of their own, and files with passwords that everybody can read.

`pass=@FILE` in the place of a password has it read from FILE, whose name is
relative to the directory of the file that it stands in.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import replace

from proxywrap.config import Config, ProxyEntry
from proxywrap.errors import ConfigError
from proxywrap.origin import Origin
from proxywrap.uri import check_credentials

__all__ = ["with_credentials"]

PASSWORD_FILE = b"pass=@"

MAX_FILE_BYTES = 4096
"""No password is as long; what a name given by mistake leads to may be."""


def with_credentials(config: Config, directory: str) -> Config:
    """Return a configuration with the passwords that it says stand in files.

    Args:
        config: as it was parsed.
        directory: to which the names of files are relative.

    Raises:
        ConfigError: such a file cannot be used; names the line.

    """
    warnings: list[str] = []
    is_open = config.stamp is not None and config.stamp.mode & stat.S_IROTH
    if is_open and any(each and not each.startswith(PASSWORD_FILE) for each in config.passwords):
        warnings.append(_exposed(config.source))

    def complete(entries: Iterable[ProxyEntry]) -> tuple[ProxyEntry, ...]:
        return tuple(_completed(entry, directory, warnings) for entry in entries)

    proxies = complete(config.proxies)
    chains = tuple(chain._replace(proxies=complete(chain.proxies)) for chain in config.chains)
    return replace(
        config, proxies=proxies, chains=chains, warnings=(*config.warnings, *dict.fromkeys(warnings))
    )


def _completed(entry: ProxyEntry, directory: str, warnings: list[str]) -> ProxyEntry:
    password = entry.uri.password
    if password is None or not password.startswith(PASSWORD_FILE):
        return entry
    name = os.fsdecode(password.removeprefix(PASSWORD_FILE))
    if not name:
        raise _error(entry.origin, "expected pass=@FILE, found no name of a file after it")
    path = os.path.join(directory, name)
    try:
        read, mode = _read(path)
        check_credentials(entry.uri.scheme, None, read)
    except OSError as exc:
        raise _error(entry.origin, f"expected a password in {path}, found: {exc.strerror}") from exc
    except ValueError as exc:
        raise _error(entry.origin, f"{path}: {exc}") from None  # the cause could quote a password
    if mode & stat.S_IROTH:
        warnings.append(_exposed(path))
    return entry._replace(uri=replace(entry.uri, password=read))


def _read(path: str) -> tuple[bytes, int]:
    """Return the first line of a regular file, and its mode."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise ValueError("expected a regular file, found another kind")
        data = os.read(fd, MAX_FILE_BYTES)
    finally:
        os.close(fd)
    password = data.partition(b"\n")[0].removesuffix(b"\r")
    if not password:
        raise ValueError("expected a password in its first line, found none")
    return password, info.st_mode


def _error(origin: Origin, reason: str) -> ConfigError:
    return ConfigError(reason, origin.source, origin.line)


def _exposed(path: str) -> str:
    return f"{path}: everybody can read the password in this file: chmod o-r {path}"
