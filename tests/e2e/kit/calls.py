"""System calls: their numbers, and those that proxywrap makes, one by one forbidden."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["NEEDED", "OF_PYTHON", "made_in", "number_of"]

NEEDED: list[str] = re.findall(
    r"\w+",
    """
accept4 access bind chdir chmod clone close_range connect dup2 dup3 epoll_create1 epoll_ctl epoll_wait
getegid geteuid getgid getpeername getpgid getpid getppid getsid getsockname getsockopt getuid
kill listen madvise mkdir pidfd_getfd pidfd_open pidfd_send_signal pipe2 poll prctl prlimit64
process_vm_readv process_vm_writev readlink recvfrom recvmsg rmdir rt_sigaction rt_sigprocmask
rt_sigtimedwait seccomp sendmsg sendto setpgid setsockopt shutdown socket socketpair splice
symlink sysinfo tgkill umask unlink wait4 waitid
""",
)
"""What launcher, helper and shim call."""

OF_PYTHON: list[str] = re.findall(
    r"\w+",
    """
arch_prctl brk clock_gettime clone3 close execve exit_group fcntl fstat futex getcwd getdents64
getrandom gettid ioctl lseek mmap mprotect mremap munmap newfstatat openat ppoll pread64 read rseq
rt_sigreturn sendmmsg set_robust_list set_tid_address statx uname write
""",
)
"""What Python does not start without, or C libraries do by themselves."""

_LINE = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)


def made_in(trace: Path) -> set[str]:
    """Return the names of the system calls that `strace -f -o` has written down."""
    return set(_LINE.findall(trace.read_text(errors="replace")))


def number_of(names: Iterable[str]) -> str:
    """Return the numbers of system calls, with commas between, as `deny` takes them."""
    return ",".join(_numbers()[name] for name in names)


@cache
def _numbers() -> dict[str, str]:
    command = ["cc", "-E", "-dM", "-include", "sys/syscall.h", "-xc", "/dev/null"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.MULTILINE))
