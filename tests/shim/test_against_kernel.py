"""Each program prints, wrapped, what it prints where the kernel alone is its oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Case, Libc
from .stage import End

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = [
    "connect_pending",
    "connect_blocking",
    "connect_blocking_again",
    "connect_again",
    "connect_interrupted",
    "connect_timeout",
    "connect_bad",
    "connect_unspec",
    "sockname",
    "io_early",
    "io_waits read",
    "io_waits write",
    "io_waits sendmsg",
    "io_waits recvmsg",
    "io_waits_read",
    "wait_poll",
    "wait_poll ppoll",
    "wait_poll ppoll-mask",
    "wait_select",
    "wait_select select 1023",
    "wait_select select 1024",
    "wait_select select 4000",
    "wait_select pselect",
    "wait_select pselect 1500",
    "wait_mixed",
    "wait_interrupted",
    "shut_early rdwr",
    "shut_early rd",
    "shut_early wr",
    "close_early",
    "epoll_basic level after",
    "epoll_basic level before",
    "epoll_basic level before-create",
    "epoll_basic level before-fired",
    "epoll_basic edge after",
    "epoll_basic edge before",
    "epoll_basic edge before-fired",
    "epoll_basic oneshot after",
    "epoll_basic oneshot before",
    "epoll_basic oneshot before-fired",
    "epoll_basic in before",
    "epoll_basic nothing before",
    "epoll_wakes wait",
    "epoll_wakes pwait",
    "epoll_wakes for-ever",
    "epoll_changed modified",
    "epoll_changed deleted",
    "epoll_changed added-again",
    "epoll_nested level",
    "epoll_nested edge",
    "epoll_nested outer-first",
    "epoll_crowd",
    "epoll_copies both",
    "epoll_copies close-set",
    "epoll_copies close-twin",
    "epoll_copies close-first",
    "dup_early dup before",
    "dup_early dup after",
    "dup_early dup2 before",
    "dup_early dup2 after",
    "dup_early dup3 after",
    "dup_early dupfd before",
    "dup_early dupfd after",
    "dup_early dupfd-cloexec after",
    "dup_over",
    "fork_early wait",
    "fork_early close",
    "fork_epoll close",
    "fork_epoll exit",
    "child_early fork",
    "child_early vfork",
    "child_early spawn",
    "child_early spawnp",
    "child_early system",
    "close_all loop",
    "close_all range",
    "close_all cloexec",
    "fastopen sendto",
    "fastopen sendmsg",
    "fastopen sendmmsg",
    "errno_kept",
    "local_udp",
]

GLIBC_ONLY = [
    "exec_search",
    "addrinfo_a wait",
    "addrinfo_a none",
    "addrinfo_a null",
    "addrinfo_a signal",
    "addrinfo_a thread",
    "epoll_wakes pwait2",
    "close_all closefrom",
    "close_all close_range",
]
"""musl 1.2.3 has no such functions, and its execvp starts no shell."""


IPV6 = ["connect_pending", "connect_bad", "connect_unspec", "connect_blocking", "sockname"]
"""An IPv6 socket's way to the proxy is a v4-mapped address."""

ACCEPTED_ONLY = ["fastopen sendto waits", "fastopen sendmsg waits", "fastopen sendmmsg waits"]
"""Refused, they would have to wait for the oracle's second SYN before they can ask for it."""

CASES = [
    *(Case(row, end) for row in ROWS + GLIBC_ONLY for end in End),
    *(Case(row, libc=Libc.MUSL) for row in ROWS),
    *(Case(row, end, family=6) for row in IPV6 for end in End),
    *(Case(row) for row in ACCEPTED_ONLY),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_program_cannot_tell(compare: Callable[[Case], None], case: Case) -> None:
    """Its trace is the same: results, errno values, events, and what is left as it was."""
    compare(case)
