"""Programs that connect many times from one thread, and must not be held up by any of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, PROGRAMS, Words, wrap
from .kit.scripted import gate

if TYPE_CHECKING:
    from .kit.clients import Stage
    from .kit.world import Command, World

COUNT = 100
LOOPS: dict[str, Words] = {
    "asyncio": [sys.executable, PROGRAMS / "hundred.py", "asyncio"],
    "uvloop": [sys.executable, PROGRAMS / "hundred.py", "uvloop"],
    "node": ["node", PROGRAMS / "hundred.mjs"],
    "java": ["java", "-XX:TieredStopAtLevel=1", PROGRAMS / "Hundred.java"],
}
"""Each starts COUNT connects, counts 50 ticks of 10 ms, and only then starts the last one."""


def _line(process: Command) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(f"the program ended: {process.stderr.read().decode()}")
    return line.decode().strip()


def _say(process: Command) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


@pytest.mark.parametrize("loop", LOOPS)
def test_a_hundred_pending_connects_hold_up_nothing(world: World, stage: Stage, loop: str) -> None:
    """The gate opens for the last request, made after 50 ticks: a loop that is held up never gets there."""
    argv = [*LOOPS[loop], NAME, str(stage.echo.port), str(COUNT)]
    with world.running(gate(COUNT + 1)) as proxy:
        result = world.run([*wrap(proxy.url), *argv], stdin=b"\n")
        assert result.text.splitlines()[1:] == ["ticked 0", f"connected {COUNT + 1}"]
        assert proxy.arrived == COUNT + 1
        assert proxy.names == {NAME}
    assert world.judge.leaks == []


@pytest.mark.parametrize("loop", LOOPS)
def test_a_stopped_helper_holds_up_nothing(world: World, stage: Stage, loop: str) -> None:
    """Every connect has returned EINPROGRESS, the timer ticks while nobody answers, then all succeed."""
    argv = [*LOOPS[loop], NAME, str(stage.echo.port), str(COUNT)]
    with (
        world.running(gate(COUNT + 1)) as proxy,
        world.start([*wrap(proxy.url), *argv], stdin=subprocess.PIPE) as process,
    ):
        word, helper = _line(process).split()
        assert word == "resolved"
        os.kill(int(helper), signal.SIGSTOP)
        try:
            _say(process)
            assert _line(process) == "ticked 0"
            assert proxy.arrived == 0
        finally:
            os.kill(int(helper), signal.SIGCONT)
        assert _line(process) == f"connected {COUNT + 1}"
        assert process.wait() == 0


def test_a_hundred_parallel_transfers_of_curl(world: World, stage: Stage) -> None:
    """`curl --parallel` has all hundred requests under way before the first is answered."""
    parallel = [
        "curl",
        "-sS",
        "-Z",
        "--parallel-immediate",
        "--parallel-max",
        str(COUNT),
        "-w",
        "%{http_code}\n",
    ]
    with world.running(gate(COUNT)) as proxy:
        urls = f"http://{NAME}:{stage.web.port}/?[1-{COUNT}]"
        result = world.run([*wrap(proxy.url), *parallel, "-o", "/dev/null", urls])
        assert result.text.splitlines() == ["200"] * COUNT
        assert proxy.arrived == COUNT
    assert world.judge.leaks == []
