"""Perl, Ruby and PHP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from e2e.kit.clients import script

from .ours import OURS

if TYPE_CHECKING:
    from e2e.kit.clients import Stage, Words


def test_perl(stage: Stage, prefix: Words) -> None:
    """LWP, which waits for a connect by select()."""
    script(stage, prefix, "perl", OURS / "transfer.pl")


def test_ruby(stage: Stage, prefix: Words) -> None:
    """net/http."""
    script(stage, prefix, "ruby", OURS / "transfer.rb")


@pytest.mark.parametrize("client", ["curl", "stream"])
def test_php(stage: Stage, prefix: Words, client: str) -> None:
    """The curl extension, which PHP loads past every preload, and PHP's own streams."""
    script(stage, prefix, "php", OURS / "transfer.php", client)
