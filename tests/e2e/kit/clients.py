"""Real programs: how each is told to fetch and to send, and what must come out.

A client is a function that runs its program behind a prefix, moves PAYLOAD in
both directions to and from NAME, and asserts that not a byte differs.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .origins import PAYLOAD, PAYLOAD_DIGEST, Origin, digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .foreign import Sshd
    from .world import World

__all__ = ["CLIENTS", "NAME", "PROGRAMS", "PROXYWRAP", "Stage", "Words", "script", "wrap"]

Words: TypeAlias = "list[object]"
"""The words of a command line; each is made a string when it runs."""

NAME = "site.test"
"""Known to the last hop, and to nobody else."""

PROGRAMS = Path(__file__).parent.parent / "programs"
PROXYWRAP = Path(sys.executable).with_name("proxywrap")
"""The program as it was installed beside the Python that runs the tests."""


def wrap(chain: str | list[str], *options: object) -> Words:
    """Return the prefix that leads a command through the proxies of `chain`, given by their URLs."""
    urls = [chain] if isinstance(chain, str) else chain
    return [PROXYWRAP, *(word for url in urls for word in ("-x", url)), *options, "--"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the clients play: the destinations, and the files that travel."""

    world: World
    web: Origin
    echo: Origin
    sshd: Sshd
    upload: Path
    repositories: Path

    @property
    def url(self) -> str:
        """The web server, by the name."""
        return f"http://{NAME}:{self.web.port}"


def curl(stage: Stage, prefix: Words) -> None:
    """Download and upload."""
    down = stage.world.run([*prefix, "curl", "-sS", f"{stage.url}/bytes"])
    assert digest(down.stdout) == PAYLOAD_DIGEST
    up = stage.world.run([*prefix, "curl", "-sS", "-T", stage.upload, f"{stage.url}/digest"])
    assert up.text == PAYLOAD_DIGEST


def wget(stage: Stage, prefix: Words) -> None:
    """Download and post."""
    down = stage.world.run([*prefix, "wget", "-nv", "-O", "-", f"{stage.url}/bytes"])
    assert digest(down.stdout) == PAYLOAD_DIGEST
    up = stage.world.run(
        [*prefix, "wget", "-nv", "-O", "-", f"--post-file={stage.upload}", f"{stage.url}/digest"]
    )
    assert up.text == PAYLOAD_DIGEST


def git(stage: Stage, prefix: Words) -> None:
    """Clone a repository that holds PAYLOAD, and push it back to an empty one, by HTTP."""
    _clone_and_push(stage, prefix, f"{stage.url}/git", {})


def git_by_ssh(stage: Stage, prefix: Words) -> None:
    """Ditto, by ssh."""
    sshd = stage.sshd
    login = shlex.join(["ssh", *sshd.flags])
    _clone_and_push(
        stage, prefix, f"ssh://root@{NAME}:{sshd.port}{stage.repositories}", {"GIT_SSH_COMMAND": login}
    )


def _clone_and_push(stage: Stage, prefix: Words, remote: str, env: dict[str, str]) -> None:
    origin, empty = stage.repositories / "origin.git", stage.repositories / "empty.git"
    run = stage.world.run
    if not origin.exists():
        work = stage.repositories / "work"
        subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
        (work / "payload").write_bytes(PAYLOAD)
        subprocess.run(["git", "-C", work, "add", "payload"], check=True)
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@site.test"]
        subprocess.run(["git", "-C", work, *identity, "commit", "-q", "-m", "payload"], check=True)
        subprocess.run(["git", "clone", "-q", "--bare", work, origin], check=True)
    clone = stage.repositories / "clone"
    try:
        run([*prefix, "git", "clone", "-q", f"{remote}/origin.git", clone], env=env)
        assert digest((clone / "payload").read_bytes()) == PAYLOAD_DIGEST
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", empty], check=True)
        push = ["git", "-C", clone, "push", "-q", f"{remote}/empty.git", "HEAD:refs/heads/main"]
        run([*prefix, *push], env=env)
        pushed = subprocess.run(
            ["git", "-C", empty, "show", "main:payload"], check=True, stdout=subprocess.PIPE
        )
        assert digest(pushed.stdout) == PAYLOAD_DIGEST
    finally:
        subprocess.run(["rm", "-rf", clone, empty], check=True)


def ssh(stage: Stage, prefix: Words, *options: str) -> None:
    """Send PAYLOAD to a remote command, and read it from another."""
    login = ["ssh", *options, *stage.sshd.options(NAME)]
    up = stage.world.run([*prefix, *login, "sha256sum"], stdin=PAYLOAD)
    assert up.text.split()[0] == PAYLOAD_DIGEST
    down = stage.world.run([*prefix, *login, f"cat {stage.upload}"])
    assert digest(down.stdout) == PAYLOAD_DIGEST


def ssh_with_timeout(stage: Stage, prefix: Words) -> None:
    """Ditto, by a non-blocking connect and poll: what ConnectTimeout makes of it."""
    ssh(stage, prefix, "-o", "ConnectTimeout=20")


def nc(stage: Stage, prefix: Words) -> None:
    """Send PAYLOAD to the echo server and get it back."""
    both = stage.world.run([*prefix, "nc", NAME, str(stage.echo.port)], stdin=PAYLOAD)
    assert digest(both.stdout) == PAYLOAD_DIGEST


def script(stage: Stage, prefix: Words, *interpreter: object) -> None:
    """Run a program that takes the server's URL and a file, and prints the digests of both transfers."""
    result = stage.world.run([*prefix, *interpreter, stage.url, stage.upload])
    assert result.text.split() == [PAYLOAD_DIGEST, PAYLOAD_DIGEST]


def urllib(stage: Stage, prefix: Words) -> None:
    """Download and upload by Python's blocking sockets."""
    script(stage, prefix, sys.executable, PROGRAMS / "transfer_urllib.py")


def python_asyncio(stage: Stage, prefix: Words) -> None:
    """Download and upload by Python's event loop."""
    script(stage, prefix, sys.executable, PROGRAMS / "transfer_asyncio.py")


def node(stage: Stage, prefix: Words) -> None:
    """Download and upload by node's fetch."""
    script(stage, prefix, "node", PROGRAMS / "transfer.mjs")


CLIENTS: dict[str, Callable[[Stage, Words], None]] = {
    "curl": curl,
    "wget": wget,
    "git": git,
    "ssh": ssh,
    "ssh-ConnectTimeout": ssh_with_timeout,
    "nc": nc,
    "urllib": urllib,
    "asyncio": python_asyncio,
    "node": node,
}
