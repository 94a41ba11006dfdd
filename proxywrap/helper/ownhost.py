"""A router with the names that this host knows by itself: those of /etc/hosts, and its own."""

from __future__ import annotations

import socket
from pathlib import Path

from proxywrap.config import Config
from proxywrap.helper.router import Router
from proxywrap.hosts import HostsTable, parse_hosts

__all__ = ["router_here"]

HOSTS_FILE = Path("/etc/hosts")


def router_here(config: Config) -> Router:
    """Return what decides by `config` on this host."""
    return Router(config, _read_hosts(), _own_names())


def _read_hosts() -> HostsTable:
    try:
        return parse_hosts(HOSTS_FILE.read_text(errors="surrogateescape"))
    except OSError:  # a host without the file has no names of its own
        return parse_hosts("")


def _own_names() -> frozenset[str]:
    name = socket.gethostname().lower()
    return frozenset({name, name.partition(".")[0]})
