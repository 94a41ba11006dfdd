"""The preload object exports the rows of hooks.def and nothing else."""

from __future__ import annotations

from .shim_object import HOOKS, SHIM, hook_names, symbols


def test_exports_are_the_rows() -> None:
    """Both ways: each row is exported, each export has a row; all are functions."""
    exported = symbols(SHIM, "--defined-only")
    assert sorted(exported) == sorted(hook_names())
    assert set(exported.values()) == {"T"}


def test_every_row_is_read() -> None:
    """The rows are counted another way, so that a new spelling of one cannot hide it."""
    rows = [line for line in HOOKS.read_text().splitlines() if line.startswith("HOOK")]
    assert len(rows) == len(hook_names()) == len(set(hook_names()))
    assert len(rows) > 80


def test_what_programs_were_seen_to_need() -> None:
    """None of the symbols that real programs use has been forgotten."""
    needed = """
        connect poll select epoll_ctl epoll_wait getsockopt close ppoll pselect __poll_chk
        __ppoll_chk epoll_pwait epoll_pwait2 socket dup dup2 dup3 fcntl fcntl64 close_range
        closefrom epoll_create epoll_create1 read write readv writev send recv sendto recvfrom
        sendmsg recvmsg sendmmsg recvmmsg __read_chk __recv_chk __recvfrom_chk sendfile sendfile64
        splice getpeername shutdown dlopen execve execv execvp execvpe execl execlp execle execveat
        fexecve posix_spawn posix_spawnp system popen syscall getaddrinfo getaddrinfo_a getnameinfo
        gethostbyname gethostbyname_r gethostbyname2 gethostbyname2_r gethostbyaddr gethostbyaddr_r
        res_query res_search res_send res_nquery res_nsearch res_nsend __res_query __res_search
        __res_send __res_nquery __res_nsearch __res_nsend
    """
    assert set(needed.split()) <= set(hook_names())
