"""Debian's systemd as process 1 of namespaces of its own, with services that a test brings."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .clients import Words
    from .world import World

__all__ = ["Systemd", "service"]

SYSTEMD = "/lib/systemd/systemd"

BOOT = """\
mkdir -p "$1/cgroup"
mount -t cgroup2 cgroup2 "$1/cgroup"
mkdir "$1/cgroup/$2"
echo $$ > "$1/cgroup/$2/cgroup.procs"
exec unshare -pfmC --propagation private --kill-child sh -ec '
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
touch "$1/console"
mount --bind "$1/console" /dev/console
export container=proxywrap SYSTEMD_UNIT_PATH="$1/units"
exec "$3" --system --unit=booted.service --show-status=no --log-target=null
' sh "$@"
"""
"""Two namespaces of mounts: the cgroup is made where the host's are seen, and is the inner one's root."""

CLEAR = 'mount -t cgroup2 cgroup2 "$1/cgroup" && find "$1/cgroup/$2" -depth -type d -exec rmdir {} ";"'


def service(command: Words, *lines: str, kind: str = "notify") -> str:
    """Return a unit that runs a command."""
    words = " ".join(str(word) for word in command).replace("%", "%%")
    rest = "\n".join(lines)
    return f"""\
[Unit]
DefaultDependencies=no
[Service]
Type={kind}
ExecStart={words}
PassEnvironment=PATH HOME XDG_RUNTIME_DIR LC_ALL
{rest}
"""


class Systemd:
    """A running one; made by `booted`."""

    def __init__(self, world: World, pid: int) -> None:
        self._world = world
        self._pid = pid

    @classmethod
    @contextmanager
    def booted(cls, world: World, units: Mapping[str, str]) -> Iterator[Systemd]:
        """Boot one that knows these units, by their files' names, and has started none of them."""
        directory, name = world.directory / f"systemd-{secrets.token_hex(4)}", f"pw-{secrets.token_hex(4)}"
        (directory / "units").mkdir(parents=True)
        fifo = directory / "fifo"
        os.mkfifo(fifo)
        booted = service(["/bin/sh", "-c", f"'echo > {fifo}'"], kind="oneshot")
        for file, text in {**units, "booted.service": booted}.items():
            (directory / "units" / file).write_text(text)
        with world.start(["sh", "-ec", BOOT, "sh", directory, name, SYSTEMD]) as unshare:
            try:
                fifo.read_text()
                children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text()
                systemd = cls(world, int(children))
                yield systemd
                systemd.control("stop", *units)
            finally:
                unshare.kill()
                unshare.wait()
        world.wait_deserted()
        world.run(["sh", "-c", CLEAR, "sh", directory, name])

    def control(self, *words: str, expect: int | None = 0) -> str:
        """Return what `systemctl` prints."""
        enter = ["nsenter", "-t", self._pid, "-m", "-p"]
        return self._world.run([*enter, "systemctl", *words], expect=expect).text

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Return properties of a unit."""
        said = self.control("show", unit, *(f"--property={name}" for name in names))
        return dict(line.partition("=")[::2] for line in said.splitlines())

    def command_line(self, pid: str) -> str:
        """Return the command line of a process, by its id inside."""
        enter = ["nsenter", "-t", self._pid, "-m", "-p"]
        return self._world.run([*enter, "ps", "-o", "args=", "-p", pid]).text
