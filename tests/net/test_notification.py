"""System calls of another process that wait for our answer."""

from __future__ import annotations

import array
import errno
import os
import resource
import select
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from proxywrap.net.notification import (
    Call,
    Listener,
    Notice,
    install_filter,
    missing_support,
    process_of,
    read_memory,
    take_descriptor,
    write_memory,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE_MS = 10_000


@contextmanager
def filtered(act: Callable[[], int]) -> Iterator[tuple[int, Listener]]:
    """Have a child that does something under the filter, and exits with what that returns."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            number = install_filter()
            theirs.send(array.array("i", [number]).tobytes())
            theirs.recv(1)
            os.close(number)
            os._exit(act())
        finally:
            os._exit(99)
    theirs.close()
    with ours:
        (number,) = array.array("i", ours.recv(4))
        listener = Listener(take_descriptor(pid, number))
        ours.send(b"!")
        try:
            yield pid, listener
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            if listener.fileno() >= 0:
                listener.close()


def receive(listener: Listener) -> Notice:
    """Return the next call."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    assert poll.poll(DEADLINE_MS)
    notice = listener.receive()
    assert notice is not None
    return notice


def status_of(pid: int) -> int:
    """Return with what a process has exited, which stays to be reaped."""
    result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert result is not None
    return int(result.si_status)


def raw_socket() -> int:
    """Return the errno of a call that is always notified, 0 without one."""
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, 255).fileno()
    except OSError as exc:
        return exc.errno or 98


def test_this_kernel_has_it() -> None:
    """Where it has not, no test here can pass."""
    assert missing_support() is None


@pytest.mark.parametrize(
    ("error", "status"), [(errno.EPERM, errno.EPERM), (errno.ENETUNREACH, errno.ENETUNREACH)]
)
def test_a_call_that_fails(error: int, status: int) -> None:
    """Its arguments are there; the answer is its result, and after that nobody waits."""
    with filtered(raw_socket) as (pid, listener):
        notice = receive(listener)
        assert (notice.thread, notice.call) == (pid, Call.SOCKET)
        assert notice.args[:3] == (socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 255)
        assert listener.is_waited_for(notice)
        assert listener.receive() is None
        listener.fail(notice, error)
        assert not listener.is_waited_for(notice)
        assert status_of(pid) == status
        with pytest.raises(EOFError):
            listener.receive()


def test_go_on_and_answer() -> None:
    """The kernel's result, and ours."""

    def act() -> int:
        with socket.socket(socket.AF_UNIX) as sock:
            if sock.connect_ex("\0nobody is there") != errno.ECONNREFUSED:
                return 1
            return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    with filtered(act) as (pid, listener):
        notice = receive(listener)
        assert notice.call is Call.CONNECT
        assert read_memory(notice.thread, notice.args[1] + 2, 3) == b"\0no"
        listener.go_on(notice)
        notice = receive(listener)
        assert notice.call is Call.GETSOCKOPT
        write_memory(notice.thread, notice.args[3], b"\7\0\0\0")
        listener.answer(notice)
        assert status_of(pid) == 7


def test_a_descriptor_as_the_answer() -> None:
    """The program has it under a number of its own, close-on-exec if that is asked for."""

    def act() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, 255) as sock:
            kind = sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
            return 7 if kind == socket.SOCK_STREAM and not sock.get_inheritable() else 1

    with filtered(act) as (pid, listener), socket.socket() as ours:
        listener.give(receive(listener), ours.fileno(), os.O_CLOEXEC)
        assert status_of(pid) == 7


def test_a_descriptor_for_who_may_have_no_more() -> None:
    """The call waits still, for another answer."""

    def act() -> int:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        return raw_socket()

    with filtered(act) as (pid, listener), socket.socket() as ours:
        notice = receive(listener)
        with pytest.raises(OSError, match="Too many open files"):
            listener.give(notice, ours.fileno(), 0)
        listener.fail(notice, errno.EPROTONOSUPPORT)
        assert status_of(pid) == errno.EPROTONOSUPPORT


def test_a_program_that_is_killed() -> None:
    """Nobody waits any more, an answer goes nowhere, and the last call was that."""
    with filtered(raw_socket) as (pid, listener):
        notice = receive(listener)
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert not listener.is_waited_for(notice)
        listener.answer(notice)
        listener.fail(notice, errno.EPERM)
        listener.go_on(notice)
        with pytest.raises(EOFError):
            listener.receive()


def test_a_listener_that_is_closed() -> None:
    """The kernel says ENOSYS; what it was asked is not asked of what has its number now."""
    with filtered(raw_socket) as (pid, listener):
        notice = receive(listener)
        number = listener.fileno()
        listener.close()
        with socket.socket() as other:
            os.dup2(other.fileno(), number)
            assert listener.fileno() == -1
            assert not listener.is_waited_for(notice)
            listener.fail(notice, errno.EPERM)
            os.close(number)
        assert status_of(pid) == errno.ENOSYS


def test_descriptors() -> None:
    """Of a process and of a thread of it; the errno says what is wrong."""
    with filtered(raw_socket) as (pid, listener):
        receive(listener)
        with open(os.devnull, "rb") as file:
            taken = take_descriptor(os.getpid(), file.fileno())
            assert os.path.sameopenfile(taken, file.fileno())
            os.close(taken)
        for process, fd, error in ((pid, 9999, errno.EBADF), (2**22 + 1, 0, errno.ESRCH)):
            with pytest.raises(OSError, match=r".") as raised:
                take_descriptor(process, fd)
            assert raised.value.errno == error


def test_memory_that_is_not_there() -> None:
    """What there is of it is read; all must be there to be written."""
    me = os.getpid()
    assert read_memory(me, 8, 4) == b""
    assert read_memory(me, 8, 0) == b""
    with pytest.raises(OSError, match=r".") as raised:
        write_memory(me, 8, b"data")
    assert raised.value.errno == errno.EFAULT
    with pytest.raises(ProcessLookupError):
        read_memory(2**22 + 1, 8, 4)


def test_the_process_of_a_thread() -> None:
    """Itself where it is gone."""
    assert process_of(os.getpid()) == os.getpid()
    assert process_of(2**22 + 1) == 2**22 + 1
