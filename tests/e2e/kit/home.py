"""A home directory for ssh, which looks for its own in the password database and not in $HOME."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clients import Words
    from .foreign import Sshd
    from .world import World

__all__ = ["Home"]


@dataclass(frozen=True, slots=True)
class Home:
    """Where one user's keys and configuration are; each server has an alias in it."""

    directory: Path

    @classmethod
    def make(cls, world: World, name: str, **servers: Sshd) -> Home:
        """Make one that knows `servers`, by their aliases, and can log in to them."""
        home = cls(world.directory / f"home-{name}")
        (home.directory / ".ssh").mkdir(parents=True, mode=0o700)
        home.config.write_text("")
        for alias, server in servers.items():
            home.add(
                alias,
                HostName=server.address,
                Port=server.port,
                User="root",
                IdentityFile=server.key,
                UserKnownHostsFile=server.known_hosts,
                HostKeyAlias="the-origin",
            )
        entries = Path("/etc/passwd").read_text()
        pattern = rf"^((?:[^:]*:){{2}}{os.getuid()}:(?:[^:]*:){{2}})[^:]*"
        (home.directory / "passwd").write_text(
            re.sub(pattern, rf"\g<1>{home.directory}", entries, flags=re.MULTILINE)
        )
        return home

    @property
    def config(self) -> Path:
        """The user's configuration of ssh."""
        return self.directory / ".ssh/config"

    def add(self, alias: str, **settings: object) -> None:
        """Let `alias` be configured so; what was there first counts."""
        lines = [f"Host {alias}", *(f"  {name} {value}" for name, value in settings.items())]
        with self.config.open("a") as file:
            file.write("\n".join(lines) + "\n")

    def of(self, argv: Words) -> Words:
        """Return the command line that runs `argv` as a user whose home this is."""
        script = 'mount --bind "$0" /etc/passwd && exec "$@"'
        return ["sh", "-c", script, self.directory / "passwd", *argv]
