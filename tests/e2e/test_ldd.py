"""ldd tries the dynamic linkers of every word size: nothing is said of those that cannot be wrapped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .kit.clients import wrap

if TYPE_CHECKING:
    from .kit.chains import Chain
    from .kit.world import World

FOREIGN = "/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1"
OURS = "/lib64/ld-linux-x86-64.so.2"


@pytest.mark.case("trap-ldd-foreign")
def test_ldd_on_a_host_of_several_word_sizes(world: World, one_hop: Chain) -> None:
    """It finds the linker that fits, as it does unwrapped, and no line is told of the one before."""
    ldd = world.directory / "ldd"
    script = Path("/usr/bin/ldd").read_text("utf-8")
    ldd.write_text(re.sub("^RTLDLIST=.*$", f'RTLDLIST="{FOREIGN} {OURS}"', script, flags=re.MULTILINE))
    ldd.chmod(0o755)
    result = world.run([*wrap(one_hop.urls), ldd, "/bin/true"])
    assert "libc.so.6 => " in result.text
    assert result.complaints == []


@pytest.mark.case("trap-ldd-foreign")
def test_a_foreign_linker_by_itself(world: World, one_hop: Chain) -> None:
    """That one is missed, and is told of."""
    result = world.run([*wrap(one_hop.urls), "sh", "-c", f"{FOREIGN} --version"], expect=126)
    assert any(line.startswith(f"proxywrap: refused to run {FOREIGN}") for line in result.complaints)
