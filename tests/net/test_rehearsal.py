"""System calls tried before anything depends on them."""

from __future__ import annotations

import os

import pytest

from proxywrap.net.rehearsal import Forbidden, Need, can_splice, rehearse


@pytest.mark.parametrize("need", Need)
def test_nothing_is_missing_here(need: Need) -> None:
    """Every call is there; the process is afterwards what it was."""
    before = os.listdir("/proc/self/fd"), os.umask(0o22), os.getcwd(), os.getpgid(0)
    assert rehearse(need) is None
    assert (os.listdir("/proc/self/fd"), os.umask(before[1]), os.getcwd(), os.getpgid(0)) == (
        before[0],
        0o22,
        *before[2:],
    )


def test_the_kernel_relays() -> None:
    """Where splice(2) is there."""
    assert can_splice()


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(1, "permit it in the seccomp profile"), (38, "a newer kernel, or a seccomp profile")],
)
def test_what_is_forbidden_is_said_with_a_remedy(error: int, remedy: str) -> None:
    """A filter's EPERM is no old kernel."""
    assert "the system call pidfd_open() is not available here" in str(Forbidden("pidfd_open", error))
    assert remedy in str(Forbidden("pidfd_open", error))
