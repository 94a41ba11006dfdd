"""Real database servers, each empty and inside the world."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.kit.foreign import running
from e2e.kit.origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.kit.world import World

__all__ = ["postgresql", "redis"]


def _binaries() -> Path:
    """Return where Debian keeps the newest PostgreSQL's own programs, which are on nobody's PATH."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


@contextlib.contextmanager
def postgresql(world: World) -> Iterator[int]:
    """Run PostgreSQL, which asks for no password, and give its port."""
    port = world.port()
    home = world.directory / f"postgresql-{port}"
    home.mkdir()
    subprocess.run(["chown", "postgres:", home], check=True)
    # It refuses to be root.
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    make: list[str | Path] = [_binaries() / "initdb", "--no-sync", "--auth=trust"]
    make += ["--encoding=UTF8", "-D", home / "data"]
    subprocess.run([*user, *make], check=True, cwd=home, stdout=subprocess.DEVNULL)
    serve = [_binaries() / "postgres", "-D", home / "data", "-h", ORIGIN, "-p", port, "-k", home, "-F"]
    with running(world, [*user, *serve], (ORIGIN, port)):
        yield port


@contextlib.contextmanager
def redis(world: World) -> Iterator[int]:
    """Run Redis, which keeps nothing on disk, and give its port."""
    port = world.port()
    serve = ["redis-server", "--bind", ORIGIN, "--port", port, "--protected-mode", "no", "--save", ""]
    with running(world, serve, (ORIGIN, port)):
        yield port
