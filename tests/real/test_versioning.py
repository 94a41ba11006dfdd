"""git, OpenSSH and rsync: programs that start each other and close what they do not know."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from e2e.kit.clients import NAME, git, git_by_ssh
from e2e.kit.origins import PAYLOAD_DIGEST, digest

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.kit.chains import Chain
    from e2e.kit.clients import Stage, Words


def test_git_by_http(stage: Stage, prefix: Words) -> None:
    """Clone and push through git-remote-http."""
    git(stage, prefix)


def test_git_by_ssh(stage: Stage, prefix: Words) -> None:
    """Clone and push through ssh, which git starts by way of a shell."""
    git_by_ssh(stage, prefix)


def test_ssh_with_a_master(stage: Stage, prefix: Words, one_hop: Chain, scratch: Path) -> None:
    """The first ssh leaves a master in the background, and both directions go over its one connection."""
    mux = ["-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", f"ControlPath={scratch}/mux"]
    login = shlex.join(["ssh", *mux, *stage.sshd.options(NAME)])
    script = f"""
        {login} sha256sum < {stage.upload} &&
        {login} -O check &&
        {login} cat {stage.upload} | sha256sum &&
        {login} -O exit
    """
    result = stage.world.run([*prefix, "sh", "-c", script])
    assert result.text.split() == [PAYLOAD_DIGEST, "-", PAYLOAD_DIGEST, "-"]
    assert len(one_hop.servers[0].log) == 1


def test_rsync_over_ssh(stage: Stage, prefix: Words, scratch: Path) -> None:
    """Send a file, and fetch it back."""
    words = [*prefix, "rsync", "-e", shlex.join(["ssh", *stage.sshd.flags])]
    stage.world.run([*words, stage.upload, f"root@{NAME}:{scratch}/up"])
    stage.world.run([*words, f"root@{NAME}:{scratch}/up", scratch / "down"])
    for name in ("up", "down"):
        assert digest((scratch / name).read_bytes()) == PAYLOAD_DIGEST
