"""Under a filter that forbids a system call, a container's or a service's, it works or says why not."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme

from .kit.calls import NEEDED, OF_PYTHON, made_in, number_of
from .kit.chains import chain
from .kit.clients import PROXYWRAP, wrap
from .kit.origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .kit.building import Builder
    from .kit.clients import Stage, Words
    from .kit.world import Result, World

ERRNOS = {"EPERM": errno.EPERM, "ENOSYS": errno.ENOSYS}
DATA = b"there and back\n"


@pytest.fixture(scope="module")
def workloads(shared_world: World, compiled: Builder, stage: Stage) -> Iterator[list[Words]]:
    """Return commands that send DATA through a chain and print what returns: by the shim, by the filter."""
    with chain(shared_world, [Scheme.SOCKS4A]) as hops:
        file = shared_world.directory / "loopback.conf"
        file.write_text(f"strict_chain\nproxy_loopback\n[ProxyList]\n{hops.urls[0]}\n")
        prefix: Words = [PROXYWRAP, "-f", file]
        yield [
            [*prefix, program, "limited", ORIGIN, stage.echo.port]
            for program in (compiled("talk"), compiled("talk", "-static"))
        ]
        file.unlink()


def _is_told(result: Result) -> bool:
    """Tell whether it said, in one line and before COMMAND began, why it cannot start."""
    return (
        result.returncode in {125, 126}
        and len(result.complaints) == 1
        and result.complaints[0].startswith("proxywrap: ")
        and "()" in result.complaints[0]
        and result.stdout == b""
    )


@pytest.mark.case("call-forbidden")
@pytest.mark.parametrize("call", NEEDED)
def test_a_forbidden_call_is_done_without_or_told_of(
    world: World, compiled: Builder, workloads: list[Words], call: str
) -> None:
    """EPERM or ENOSYS, with the shim or with the filter: a working run, or one line at the start."""

    def run(error: int, command: Words) -> Result:
        return world.run(
            [compiled("deny"), error, number_of([call]), *command], stdin=DATA, expect=None, timeout=20
        )

    with ThreadPoolExecutor(2) as pool:
        runs = {
            (name, place): pool.submit(run, error, command)
            for name, error in ERRNOS.items()
            for place, command in zip(("shim", "filter"), workloads, strict=True)
        }
    for kind, future in runs.items():
        result = future.result()
        works = result.returncode == 0 and result.stdout == DATA and result.stderr == b""
        assert works or _is_told(result), (kind, result)


def test_every_call_that_is_made_is_in_the_matrix(
    world: World, workloads: list[Words], tmp_path: Path
) -> None:
    """What strace sees is in one of the lists."""
    trace = tmp_path / "trace"
    for command in (workloads[0], workloads[1], [*wrap("socks5://127.0.0.1:9"), "sh", "-c", "exit 0"]):
        world.run(["strace", "-f", "-qq", "-o", trace, "-A", *command], stdin=DATA)
    assert made_in(trace) - {*NEEDED, *OF_PYTHON} == set()


@pytest.mark.parametrize(
    "calls", [["pidfd_open"], ["pidfd_send_signal"], ["pidfd_open", "pidfd_send_signal"]]
)
def test_a_signal_is_passed_on_without_pidfds(world: World, compiled: Builder, calls: list[str]) -> None:
    """Docker's profile before 20.10 has neither; COMMAND hears of SIGTERM all the same."""
    script = "trap 'echo heard; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
    command = [
        compiled("deny"),
        errno.EPERM,
        number_of(calls),
        *wrap("socks5://127.0.0.1:9"),
        "sh",
        "-c",
        script,
    ]
    with world.start(command) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(process.pid, 15)
        assert process.communicate(timeout=20) == (b"heard\n", b"")
        assert process.returncode == 7
