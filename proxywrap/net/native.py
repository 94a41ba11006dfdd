"""The typed face of the cffi module: what the kernel offers and Python does not.

The only place where the untyped `_native` is touched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from proxywrap import _native
from proxywrap.protocol.wire import Target

__all__ = [
    "SENT_ON",
    "become_subreaper",
    "connect_here",
    "disconnect",
    "execute",
    "fail_connect",
    "gather_signals",
    "judge_target",
    "os_error",
    "preload_list",
    "proof",
    "release_signals",
    "scrub_memory",
    "signal_thread",
]

_ffi, _lib = _native.ffi, _native.lib
_AT_FDCWD = -100

SENT_ON: int = _lib.PW_SENT_ON
"""The si_code of a signal that came by way of another thread; the true one is its si_errno."""


def judge_target(path: str, argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Target, bytes]:
    """Tell whether the shim will be loaded into the program at `path`, and behind what.

    Args:
        path: relative to the current directory.
        argv: its arguments, its name the first.
        environ: what its environment will have, beside what is ours.

    Returns:
        `Target.OK` also where the kernel will fail by itself; and the name of
        a library that must stand before the shim in LD_PRELOAD, or none.

    """
    runtime = _ffi.new("char[]", _lib.PW_RUNTIME_BYTES)
    path_text = _ffi.new("char[]", os.fsencode(path))
    texts = [_texts(argv), _texts([f"{name}={value}" for name, value in environ.items()])]
    lists = [_ffi.new("char *[]", [*words, _ffi.NULL]) for words in texts]
    program = _ffi.new("struct pw_program *", (_AT_FDCWD, path_text, 0, _AT_FDCWD, *lists))
    verdict = _lib.pw_target_examine(program, runtime)
    return Target(verdict), bytes(_ffi.string(runtime))


def preload_list(ours: str, theirs: str, runtime: bytes) -> str:
    """Return the value of LD_PRELOAD that has our object where it belongs.

    Args:
        ours: path of the preload object.
        theirs: the value as the user has it, or nothing.
        runtime: as `judge_target` found it.

    """
    words = [os.fsencode(ours), os.fsencode(theirs), runtime]
    size = sum(len(word) + 3 for word in words)
    out = _ffi.new("char[]", size)
    _check(_lib.pw_order(out, size, *words))
    return os.fsdecode(bytes(_ffi.string(out)))


def proof(token: bytes, nonce: bytes, scope: int) -> bytes:
    """Return what shows who knows `nonce` that we know `token`, without telling it.

    Args:
        token: of 16 bytes.
        nonce: of 16 bytes, drawn by who asks.
        scope: where the listener was reached: 0 by its path, else the number of the network namespace in
            which it has its abstract name.

    """
    return int(_lib.pw_proof(token, nonce, scope)).to_bytes(8, sys.byteorder)


def connect_here(fd: int, sockaddr: bytes) -> int:
    """Connect the socket `fd` to one of ours on loopback, past a wrapper that we run under; keeps it open.

    Args:
        fd: in any state; where it is connecting or connected the address is not looked at.
        sockaddr: as the kernel takes it.

    Returns:
        0 or an errno.

    """
    return -int(_lib.pw_connect_here(fd, sockaddr, len(sockaddr)))


def disconnect(fd: int) -> None:
    """Make the socket `fd` unconnected again by connect(AF_UNSPEC); keeps `fd` open.

    Raises:
        OSError: as connect(2).

    """
    _check(_lib.pw_disconnect(fd))


def execute(path: str, argv: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Execute a program, past a wrapper that we run under: for one who is under a filter of ours.

    Raises:
        OSError: as execve(2).

    """
    texts = [_texts(argv), _texts(f"{name}={value}" for name, value in environ.items())]
    lists = [_ffi.new("char *[]", [*words, _ffi.NULL]) for words in texts]
    error = -int(_lib.pw_execute(os.fsencode(path), *lists))
    raise OSError(error, os.strerror(error))


def fail_connect(fd: int, sockaddr: bytes) -> None:
    """Leave the socket `fd` with a connect() that was refused; keeps `fd` open.

    Args:
        fd: in any state.
        sockaddr: as the kernel takes it, where nobody listens.

    Raises:
        OSError: as connect(2), but for ECONNREFUSED.

    """
    _check(_lib.pw_fail_connect(fd, sockaddr, len(sockaddr)))


def signal_thread(process: int, thread: int, signum: int) -> None:
    """Send a signal to one thread and to none of its siblings.

    Raises:
        OSError: as tgkill(2).

    """
    _check(_lib.pw_signal_thread(process, thread, signum))


def gather_signals() -> None:
    """Have the first thread, which blocks all signals, get those too that come to another thread.

    Until `release_signals`; a child inherits it.
    """
    _lib.pw_gather_signals()


def release_signals() -> None:
    """Undo `gather_signals`, but for signals that have been given another action since."""
    _lib.pw_release_signals()


def become_subreaper() -> None:
    """Have orphaned descendants become our children (PR_SET_CHILD_SUBREAPER).

    Raises:
        OSError: as prctl(2).

    """
    _check(_lib.pw_become_subreaper())


def scrub_memory(start: int, end: int, secret: bytes) -> int:
    """Overwrite `secret` with asterisks in our own memory from `start` to `end`.

    Args:
        start: first address; the range must be writable.
        end: one past the last address.
        secret: not empty.

    Returns:
        How often it was found.

    """
    return int(_lib.pw_scrub(start, end, _ffi.from_buffer(secret), len(secret)))


def _texts(words: Iterable[str]) -> list[Any]:
    """Return C strings; they live as long as the list."""
    return [_ffi.new("char[]", os.fsencode(word)) for word in words]


def os_error(number: int) -> OSError:
    """Return what a system call that fails with the errno `number` raises."""
    return OSError(number, os.strerror(number))


def _check(result: int) -> None:
    if result < 0:
        raise os_error(-result)
