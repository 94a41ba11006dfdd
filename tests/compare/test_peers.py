"""The comparison sees defects where there are some: without this, it might see none anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .cases import CASES, Case
from .verdict import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from .verdict import Verdict

BY_ID = {case.id: case for case in CASES}

KNOWN = [
    ("proxychains4", "peers-ref-gethostbyname-r", Kind.LEAK),
    ("proxychains4", "peers-ref-syscall-connect", Kind.LEAK),
    ("proxychains4", "trap-env-i", Kind.LEAK),
    ("proxychains4", "trap-addrinfo-null-node", Kind.CRASH),
    ("proxychains4", "trap-fork-orphan", Kind.HANG),
    ("proxychains4", "peers-ref-epoll-before", Kind.NEVER),
    ("proxychains4", "peers-ref-options", Kind.LOST),
    ("proxychains4", "peers-ref-nonblocking", Kind.BLOCKS),
    ("proxychains4", "trap-addrinfo-service", Kind.WRONG),
    ("torsocks", "peers-ref-hints-null", Kind.LEAK),
    ("torsocks", "peers-ref-udp-connect", Kind.REFUSED),
    ("torsocks", "peers-ref-asyncio-parallel", Kind.BLOCKS),
    ("socksify", "peers-ref-fastopen-sendto", Kind.LEAK),
    ("socksify", "peers-ref-fake-in-child", Kind.LOST),
]


@pytest.mark.parametrize(("tool", "row", "kind"), KNOWN)
def test_a_known_defect_is_seen(
    verdict: Callable[[str, Case], Verdict], tool: str, row: str, kind: Kind
) -> None:
    """Each kind of verdict is given to a tool that is known to deserve it."""
    result = verdict(tool, BY_ID[row])
    assert result.kind is kind, result


def test_every_kind_is_seen() -> None:
    """Of the kinds of verdicts none is left out above, but for `ok`."""
    assert {kind for _, _, kind in KNOWN} == {*Kind} - {Kind.OK}


@pytest.mark.parametrize("tool", ["proxychains4", "torsocks", "socksify"])
def test_a_peer_does_what_it_is_for(verdict: Callable[[str, Case], Verdict], tool: str) -> None:
    """Its configuration is right: a plain connection goes through the proxy, and nothing past it."""
    result = verdict(tool, BY_ID["base-speaks-first"])
    assert result.kind is Kind.OK, result
