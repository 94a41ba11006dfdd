"""Where the configuration comes from: the first of a fixed list of places.

The current directory is not one of them: a hostile directory must not choose
where traffic goes. Environment and home are parameters; the file is read once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from proxywrap.config import Config
from proxywrap.errors import ConfigError
from proxywrap.parser import config_from_urls
from proxywrap.reading import complete, load_config

__all__ = ["PROXY_VARIABLE", "Sources", "find_config"]

PROXY_VARIABLE = "PROXYWRAP_PROXY"
"""Holds URLs, and so passwords: COMMAND does not get it."""

CONF_VARIABLE = "PROXYWRAP_CONF"

PROXYCHAINS_VARIABLE = "PROXYCHAINS_CONF_FILE"

LOCAL_FILE = "proxychains.conf"


class Sources:
    """Everything that may name a configuration.

    Args:
        urls: those of `-x`.
        file: that of `-f`; `-` is standard input.
        is_for_proxychains: we were called by proxychains' name, so `-f` names one of its files.
        environ: the environment.
        home: the user's home directory, or None.
        directory: the current one.
        etc: /etc except in tests.

    """

    def __init__(
        self,
        *,
        urls: Sequence[str] = (),
        file: str | None = None,
        is_for_proxychains: bool = False,
        environ: Mapping[str, str],
        home: str | None = None,
        directory: str = ".",
        etc: str = "/etc",
    ) -> None:
        self.urls = urls
        self.file = file
        self.is_for_proxychains = is_for_proxychains
        self.environ = environ
        self.home = home
        self.directory = directory
        self.etc = etc

    def variable(self, name: str) -> str | None:
        """Return a variable of the environment; an empty one counts as unset."""
        return self.environ.get(name) or None


def find_config(sources: Sources) -> Config:
    """Return the configuration of the first place that has one.

    The order: `-x` or `-f`, `$PROXYWRAP_PROXY`, `$PROXYWRAP_CONF`, the user's
    and the system's proxywrap.conf, then proxychains' places. `-x` and `-f`
    exclude each other. A file that was asked for by name must be there.

    Raises:
        ConfigError: the file is wrong, missing or unreadable; there are both
            `-x` and `-f`; or there is no configuration at all, with a text of
            several lines.

    """
    if sources.urls:
        if sources.file is not None:
            raise ConfigError(f"expected -x or -f {sources.file}, found both: each says which proxies to use")
        return complete(config_from_urls(sources.urls), sources.directory)
    if sources.file is not None:
        return _read_named(sources.file, "-f", is_for_proxychains=_is_for_proxychains(sources, sources.file))
    proxy = sources.variable(PROXY_VARIABLE)
    if proxy is not None:
        return complete(config_from_urls(proxy.split(), f"${PROXY_VARIABLE}"), sources.directory)
    named = sources.variable(CONF_VARIABLE)
    if named is not None:
        return _read_named(named, f"${CONF_VARIABLE}")
    for path, variable, is_for_proxychains in _places(sources):
        read = partial(_read_named, option=variable) if variable else _read_if_there
        config = read(path, is_for_proxychains=is_for_proxychains)
        if config is not None:
            return _with_local_file(config, sources)
    raise ConfigError(_nothing_found(sources))


def _places(sources: Sources) -> Iterator[tuple[str, str | None, bool]]:
    """Yield each file that is looked for, the variable that names it, and whether it is proxychains'."""
    config_home = sources.variable("XDG_CONFIG_HOME")
    if config_home is None or not os.path.isabs(
        config_home
    ):  # a relative one is invalid (XDG Base Directory)
        config_home = os.path.join(sources.home, ".config") if sources.home else None
    if config_home is not None:
        yield os.path.join(config_home, "proxywrap", "proxywrap.conf"), None, False
    yield os.path.join(sources.etc, "proxywrap.conf"), None, False
    named = sources.variable(PROXYCHAINS_VARIABLE)
    if named is not None:
        yield named, f"${PROXYCHAINS_VARIABLE}", True
    names = ("proxychains.conf", "proxychains4.conf")  # Debian's package has the second
    if sources.home:
        yield from ((os.path.join(sources.home, ".proxychains", name), None, True) for name in names)
    yield from ((os.path.join(sources.etc, name), None, True) for name in names)


def _is_for_proxychains(sources: Sources, path: str) -> bool:
    """Tell whether the file of `-f` was written for proxychains-ng: by our name, or by its place."""
    places = (os.path.abspath(place) for place, _, is_proxychains in _places(sources) if is_proxychains)
    return sources.is_for_proxychains or os.path.abspath(path) in places


def _read_named(path: str, option: str, *, is_for_proxychains: bool = False) -> Config:
    try:
        return load_config(path, is_for_proxychains=is_for_proxychains)
    except OSError as exc:
        raise ConfigError(
            f"expected a file that can be read ({option}), found: {exc.strerror}", path
        ) from exc


def _read_if_there(path: str, *, is_for_proxychains: bool = False) -> Config | None:
    try:
        return load_config(path, is_for_proxychains=is_for_proxychains)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        # Passing over it would send traffic where another file says.
        raise ConfigError(f"expected a file that can be read, found: {exc.strerror}", path) from exc


def _with_local_file(config: Config, sources: Sources) -> Config:
    if not _has_local_file(sources):
        return config
    note = f"./{LOCAL_FILE} is not used, {config.source} is: -f ./{LOCAL_FILE} would use it"
    return replace(config, notes=(*config.notes, note))


def _has_local_file(sources: Sources) -> bool:
    return os.path.exists(os.path.join(sources.directory, LOCAL_FILE))


def _nothing_found(sources: Sources) -> str:
    lines = ["expected to be told which proxies to use, found nothing in any of these places:"]
    lines += [f"  {place}" for place in ("-x URL", "-f FILE", f"${PROXY_VARIABLE}", f"${CONF_VARIABLE}")]
    lines += [f"  {path}" for path, _, _ in _places(sources)]
    if _has_local_file(sources):
        lines.append(f"./{LOCAL_FILE} exists; files of the current directory are used only when asked for:")
        lines.append(f"  proxywrap -f ./{LOCAL_FILE} COMMAND")
    lines.append("Through `ssh -D 1080 HOST`, or through Tor:")
    lines.append("  proxywrap -x socks5://127.0.0.1:1080 COMMAND")
    lines.append("  proxywrap -x socks5://127.0.0.1:9050 COMMAND")
    return "\n".join(lines)
