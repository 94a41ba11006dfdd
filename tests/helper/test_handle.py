"""A hold on a process, with pidfds and without."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from typing import TYPE_CHECKING, NoReturn

import pytest

from proxywrap.helper.handle import Handle, hold

if TYPE_CHECKING:
    from collections.abc import Iterator

FORBIDDEN = {
    "nothing": (),
    "pidfd_open": ((os, "pidfd_open"),),
    "pidfd_send_signal": ((signal, "pidfd_send_signal"),),
    "both": ((os, "pidfd_open"), (signal, "pidfd_send_signal")),
}


@pytest.fixture(params=FORBIDDEN)
def forbidden(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbid calls as a filter does."""

    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EPERM, "a filter's")

    for module, name in FORBIDDEN[request.param]:
        monkeypatch.setattr(module, name, refuse)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that ends by a signal."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


@pytest.mark.usefixtures("forbidden")
def test_a_signal_reaches_the_process(sleeper: subprocess.Popen[bytes]) -> None:
    """And once it has been reaped, nobody else."""
    handle = hold(sleeper.pid)
    assert handle.fd >= 0
    handle.send(signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        handle.send(signal.SIGTERM)
    os.close(handle.fd)


def test_without_a_descriptor_its_id_has_to_do(sleeper: subprocess.Popen[bytes]) -> None:
    """Where there is no /proc either."""
    Handle(sleeper.pid, -1).send(signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM


def test_a_process_that_has_ended_is_not_held(sleeper: subprocess.Popen[bytes]) -> None:
    """Nor is whoever has its id now."""
    sleeper.kill()
    sleeper.wait()
    with pytest.raises(ProcessLookupError):
        hold(sleeper.pid)
