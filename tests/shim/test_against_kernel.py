"""Each program prints, wrapped, what it prints where the kernel alone is its oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Case, Libc
from .stage import End

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENTS = ["kept", "cleared", "unset"]
STARTS = ["execve", "execvp", "system", "popen", "posix_spawn", "posix_spawnp"]

ROWS = [
    "connect_pending",
    "connect_blocking",
    "connect_blocking_again",
    "connect_again",
    "connect_interrupted",
    "connect_restarted",
    "connect_left longjmp",
    "connect_left cancel",
    "connect_timeout",
    "connect_bad",
    "connect_twice",
    "connect_unspec",
    "failed_pending",
    "sockname",
    "io_early",
    "io_odd buffers",
    "aio_early",
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
    "select_wide",
    "select_high",
    "select_high chroot",
    "wait_mixed",
    "wait_interrupted",
    "shut_early rdwr",
    "shut_early rd",
    "shut_early wr",
    "shut_waiting connect",
    "shut_waiting",
    "shut_first shutdown close",
    "shut_first shutdown over",
    "shut_first shutdown twin",
    "shut_first unspec close",
    "close_early",
    "close_unseen fclose",
    "close_unseen number",
    "close_unseen instruction",
    "next_number",
    "no_malloc",
    "stdio",
    "exec_cloexec",
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
    "epoll_wide 100",
    "epoll_changed modified",
    "epoll_changed deleted",
    "epoll_changed added-again",
    "epoll_flags",
    "epoll_nested level",
    "epoll_nested edge",
    "epoll_nested outer-first",
    "epoll_same_data",
    "epoll_same_data reused",
    "epoll_same_data both",
    "epoll_crowd",
    "epoll_copies both",
    "epoll_copies close-set",
    "epoll_copies close-twin",
    "epoll_copies close-first",
    *(
        f"raw_wait {kind} {when} {way}"
        for kind in ("level", "edge", "oneshot")
        for when in ("before", "after", "modified")
        for way in ("pwait", "pwait2")
    ),
    *(f"raw_calls {way}" for way in ("poll", "select", "close", "deleted", "modified", "added-again")),
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
    "clone_early vfork",
    "clone_early clone",
    "close_all loop",
    "close_all range",
    "close_all cloexec",
    "fastopen sendto",
    "fastopen sendmsg",
    "fastopen sendmmsg",
    "errno_kept",
    "local_udp",
    *(
        f"small_stack {way} handler,{env}"
        for way in ("execve", "execl", "execvp", "missing")
        for env in ENVIRONMENTS
    ),
    *(f"small_stack {way} {env}" for way in STARTS for env in ENVIRONMENTS),
    *(f"small_stack {way}" for way in ("getaddrinfo", "poll", "select", "epoll")),
]

GLIBC_ONLY = [
    "sandboxed",
    "exec_search",
    "io_odd messages",
    "io_odd offsets",
    "addrinfo_a wait",
    "addrinfo_a none",
    "addrinfo_a null",
    "addrinfo_a signal",
    "addrinfo_a thread",
    "epoll_wakes pwait2",
    "close_all closefrom",
    "close_all close_range",
    "shut_first shutdown range",
]
"""musl 1.2.3 has no such functions, its compiler no headers of the kernel, its execvp no shell."""


IPV6 = ["connect_pending", "connect_bad", "connect_twice", "connect_unspec", "connect_blocking", "sockname"]
"""An IPv6 socket's way to the proxy is a v4-mapped address."""

ACCEPTED_ONLY = [
    "connect_twice over",
    "fastopen sendto waits",
    "fastopen sendmsg waits",
    "fastopen sendmmsg waits",
]
"""Refused, they would have to wait for the oracle's second SYN."""

RELAYED = ["connect_unspec", "shut_early rdwr", "shut_waiting"]
"""The socket is untouched until a way through the chain stands."""

LARGE = [
    *(f"small_stack {way} large" for way in STARTS),
    *(f"small_stack {way} handler,large" for way in ("execve", "execl", "execvp")),
    "exec_large",
]
"""With more variables or arguments than a small stack has room for."""

WITH_LIBRARY = [
    "connect_pending",
    "wait_poll",
    "wait_poll ppoll",
    "wait_select",
    "wait_select pselect",
    "epoll_basic level before",
    "epoll_basic level before-create",
    "epoll_wakes pwait",
    "dup_early dup after",
    "dup_early dup2 after",
    "dup_early dup3 after",
    "dup_early dupfd after",
    "io_early",
    "io_waits write",
    "shut_early rdwr",
    "close_early",
    "exec_cloexec",
    "fastopen sendmsg",
    "local_udp",
]
"""Every call that syscall() leads to a hook is made by one of these."""

SHOWS = {
    "connect_pending": ["sym-connect", "sym-getsockopt", "sym-getpeername", "pend-connect-once"],
    "connect_twice": ["pend-connect-state"],
    "connect_interrupted": ["fd-signal"],
    "connect_restarted": ["fd-signal-restart"],
    "connect_left longjmp": ["fd-longjmp", "pend-longjmp"],
    "connect_left cancel": ["fd-cancel", "pend-cancel"],
    "connect_timeout": ["fd-sndtimeo"],
    "connect_unspec": ["pend-unspec"],
    "io_early": [
        *(f"sym-{name}" for name in ("read", "readv", "recv", "recvfrom", "recvmsg", "recvmmsg", "splice")),
        *(f"sym-{name}" for name in ("write", "writev", "send", "sendto", "sendmsg", "sendmmsg", "sendfile")),
    ],
    "aio_early": ["pend-aio"],
    "io_odd buffers": ["pend-arguments"],
    "io_odd messages": ["pend-arguments"],
    "io_odd offsets": ["pend-arguments"],
    "wait_poll": ["sym-poll"],
    "wait_poll ppoll": ["sym-ppoll"],
    "wait_select": ["sym-select"],
    "wait_select pselect": ["sym-pselect"],
    "select_high chroot": ["pend-select-high"],
    "shut_early rdwr": ["fd-shutdown", "sym-shutdown"],
    "shut_waiting connect": ["fd-shutdown-wait"],
    "shut_waiting": ["fd-shutdown-wait"],
    **{
        f"shut_first {ways}": ["fd-shutdown-close"]
        for ways in ("shutdown close", "shutdown over", "shutdown twin", "shutdown range", "unspec close")
    },
    "close_early": ["fd-close", "sym-close"],
    "close_unseen fclose": ["pend-unseen-close", "sym-fclose", "sym-socket"],
    "close_unseen number": ["pend-unseen-close"],
    "close_unseen instruction": ["pend-unseen-close"],
    "next_number": ["fd-next-number", "pend-control-high"],
    "no_malloc": ["trap-malloc"],
    "stdio": ["fd-fdopen"],
    "exec_cloexec": ["fd-exec-cloexec"],
    "epoll_basic level before": ["sym-epoll_create1"],
    "epoll_basic level before-create": ["sym-epoll_create"],
    "epoll_basic edge before": ["prog-asio-edge-before"],
    "epoll_basic edge before-fired": ["prog-asio-edge-before"],
    "epoll_basic oneshot before-fired": ["pend-oneshot-fired"],
    "epoll_basic nothing before": ["pend-epoll-silent"],
    "epoll_wakes wait": ["pend-epoll-silent", "sym-epoll_wait"],
    "epoll_wakes pwait": ["sym-epoll_pwait"],
    "epoll_wakes pwait2": ["sym-epoll_pwait2"],
    "epoll_changed deleted": ["pend-epoll-answers", "sym-epoll_ctl"],
    "epoll_changed added-again": ["pend-epoll-answers"],
    "epoll_flags": ["pend-epoll-answers"],
    "epoll_crowd": ["pend-epoll-one-at-a-time"],
    **{f"epoll_same_data{mode}": ["pend-epoll-same-data"] for mode in ("", " reused", " both")},
    "epoll_copies both": ["pend-epoll-identity", "fd-epoll-duplicates"],
    "epoll_copies close-set": ["pend-epoll-identity", "fd-epoll-duplicates"],
    "epoll_copies close-first": ["pend-epoll-identity"],
    **{f"raw_wait level {when} pwait2": ["pend-epoll-raw"] for when in ("before", "after", "modified")},
    **{f"raw_calls {way}": ["pend-raw-calls"] for way in ("poll", "select", "close", "added-again")},
    "dup_early dup after": ["fd-dup", "sym-dup"],
    "dup_early dup2 after": ["fd-dup2", "sym-dup2"],
    "dup_early dup3 after": ["fd-dup3", "sym-dup3"],
    "dup_early dupfd after": ["fd-dupfd", "sym-fcntl"],
    "dup_early dupfd-cloexec after": ["fd-dupfd-cloexec"],
    "dup_over": ["fd-dup-over"],
    **{row: ["start-large-lists"] for row in LARGE},
    "fork_early wait": ["fd-fork", "pend-fork-peek"],
    "fork_early close": ["pend-fork-close"],
    "fork_epoll close": ["pend-fork-control"],
    "fork_epoll exit": ["pend-fork-control"],
    "child_early vfork": ["fd-vfork", "pend-vfork-memory", "prog-glib-close-range"],
    "close_all loop": ["pend-close-all"],
    "close_all range": ["trap-fd-close-range-number"],
    "close_all close_range": ["pend-close-range", "prog-ssh-close-range", "sym-close_range"],
    "close_all closefrom": ["sym-closefrom"],
}
"""Rows of docs/CASES.md, by the program that shows them."""

CASES = [
    *(Case(row, end) for row in ROWS + GLIBC_ONLY for end in End),
    *(Case(row, libc=Libc.MUSL) for row in ROWS),
    *(Case(row, end, family=6) for row in IPV6 for end in End),
    *(Case(row) for row in ACCEPTED_ONLY),
    *(Case(row, is_relayed=True) for row in RELAYED),
    *(Case(row, libc=libc) for row in LARGE for libc in Libc),
    *(Case(row, libc=libc, has_library=True) for row in WITH_LIBRARY for libc in Libc),
]


PARAMS = [
    pytest.param(
        case,
        id=str(case),
        marks=pytest.mark.case(*(["trap-library-below"] if case.has_library else SHOWS.get(case.row, []))),
    )
    for case in CASES
]


@pytest.mark.parametrize("case", PARAMS)
def test_a_program_cannot_tell(compare: Callable[[Case], None], case: Case) -> None:
    """Its trace is the same: results, errno values, events, and what is left as it was."""
    compare(case)
