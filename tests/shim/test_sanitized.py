"""The shim itself under ASan and UBSan, and under valgrind, inside real programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import proxywrap

from .conftest import Libc, Programs
from .stage import End, Wrapped, run

ROOT = Path(__file__).parent.parent.parent
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

ROWS = [
    "connect_again",
    "connect_bad",
    "connect_interrupted",
    "connect_timeout",
    "connect_unspec",
    "io_early",
    "wait_poll",
    "wait_poll ppoll-mask",
    "wait_select",
    "wait_select pselect 1500",
    "wait_interrupted",
    "shut_early rdwr",
    "close_early",
    "epoll_basic edge before-fired",
    "epoll_basic oneshot before-fired",
    "epoll_changed deleted",
    "epoll_nested outer-first",
    "epoll_crowd",
    "epoll_wide 100",
    "epoll_copies both",
    "raw_wait level modified pwait",
    "raw_wait oneshot before pwait",
    "dup_early dup before",
    "dup_early dup2 after",
    "dup_over",
    "fork_early wait",
    "fork_epoll close",
    "close_all loop",
    "close_all range",
    "fastopen sendmsg",
    "errno_kept",
    "refused",
    "addrinfo_a thread",
    "hostent name_r site.test",
    "hostent addr_r 127.0.0.1",
    "nameinfo 4 site.test",
    "addrinfo @253 80 0 2 1",
    "local_udp",
]

ROWS_VALGRIND = [
    "connect_again",
    "io_early",
    "wait_mixed",
    "wait_select",
    "epoll_basic edge before-fired",
    "epoll_copies both",
    "epoll_nested outer-first",
    "epoll_crowd",
    "dup_early dup before",
    "fork_early wait",
    "close_early",
    "fastopen sendmsg",
    "hostent name_r site.test",
    "nameinfo 4 site.test",
    "addrinfo site.test 80 0 2 1",
]


OPTIONS = {
    # The program brings the runtime, so that its children need none; the shim is loaded before it.
    "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


class Sanitized(Wrapped):
    """Wrapped by a copy of the package, which `PYTHONPATH` leads to."""

    @property
    def prefix(self) -> list[str]:
        """Return a command line that does not look for the package here."""
        return [sys.executable, "-P", "-m", "proxywrap", *super().prefix[2:]]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a copy of the package whose preload object is sanitized."""
    directory = tmp_path_factory.mktemp("sanitized")
    shutil.copytree(Path(proxywrap.__file__).parent, directory / "proxywrap")
    ask = "from preload_build import COMPILE, LINK; print(*COMPILE, *LINK)"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, 'csrc'); {ask}"]
    flags = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    sources = sorted(str(path) for path in (ROOT / "csrc" / "preload").glob("*.c"))
    target = str(directory / "proxywrap" / "_preload.abi3.so")
    subprocess.run(["cc", *flags.stdout.split(), *SANITIZE, *sources, "-o", target], cwd=ROOT, check=True)
    return directory


@pytest.mark.case("trap-asan-shim")
@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize("row", ROWS)
def test_under_asan_and_ubsan(program: Programs, package: Path, row: str, end: End) -> None:
    """No bad access and no undefined behaviour, whatever the program does and however it ends."""
    name, *args = row.split()
    env = os.environ | OPTIONS | {"PYTHONPATH": str(package)}
    with Sanitized(end) as place:
        result = run(place, [program(name, Libc.GLIBC, *SANITIZE)], *args, env=env)
    assert result.errors == ""
    assert (result.trace[-1:], result.status) == (["EXIT-SUCCESS"], 0)


def test_a_storm_under_asan_and_ubsan(program: Programs, package: Path) -> None:
    """Nor in threads."""
    env = os.environ | OPTIONS | {"PYTHONPATH": str(package)}
    with Sanitized(End.ACCEPTED) as place:
        result = run(place, [program("storm", Libc.GLIBC, *SANITIZE)], env=env)
    assert (result.errors, result.trace[-1:], result.status) == ("", ["EXIT-SUCCESS"], 0)


@pytest.mark.case("trap-valgrind")
@pytest.mark.parametrize("row", ROWS_VALGRIND)
def test_under_valgrind(program: Programs, tmp_path: Path, row: str) -> None:
    """No bad access and no use of what was never set, as valgrind sees them."""
    name, *args = row.split()
    log, configuration = tmp_path / "log", tmp_path / "configuration"
    suppressions = Path(__file__).parent / "valgrind.supp"
    valgrind = [
        "valgrind",
        "-q",
        "--error-exitcode=99",
        f"--suppressions={suppressions}",
        f"--log-file={log}.%p",
    ]
    with Wrapped(End.ACCEPTED) as place:
        # The tool is static; the program inside it is not.
        configuration.write_text(
            f"allow_unwrapped memcheck-*\n[ProxyList]\nsocks5 {place.server.host} {place.server.port}\n"
        )
        place.proxy = ["-f", str(configuration)]
        result = run(place, [*valgrind, program(name)], *args)
    found = "".join(path.read_text() for path in tmp_path.glob("log.*"))
    assert [line for line in found.splitlines() if "unknown 'how' field -1" not in line] == []
    assert (result.trace[-1:], result.status) == (["EXIT-SUCCESS"], 0)
