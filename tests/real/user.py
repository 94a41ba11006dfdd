"""An ordinary user inside the world: no name, no groups, no capabilities."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.kit.clients import Words
    from e2e.kit.world import World

__all__ = ["User", "ordinary_user"]

UID = 64738


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a home."""

    home: Path

    @property
    def words(self) -> Words:
        """What stands before a command that the user runs.

        It comes after the wrapper's words: the Python of the tests may be out of the user's reach.
        """
        own = ["env", f"HOME={self.home}", f"XDG_RUNTIME_DIR={self.home}/run"]
        return ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps=-all", *own]

    def processes(self, word: str) -> list[int]:
        """Return those of the user's processes whose command lines hold a word, in all namespaces."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                # A process that may not be traced belongs to root in /proc, and who rewrites its
                # command line parts the words by spaces.
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().split(" ")
                if f"\nUid:\t{UID}\t" in (entry / "status").read_text() and word in words:
                    found.append(int(entry.name))
        return found

    def directory(self, name: str) -> Path:
        """Return a new directory in the user's home."""
        made = self.home / name
        made.mkdir(mode=0o700)
        os.chown(made, UID, UID)
        return made


@contextlib.contextmanager
def ordinary_user(world: World) -> Iterator[User]:
    """Give somebody a home until the block ends."""
    home = Path(tempfile.mkdtemp(prefix="user-", dir=world.directory))
    os.chown(home, UID, UID)
    user = User(home)
    user.directory("run")
    yield user
    subprocess.run(["rm", "-rf", home], check=True)
