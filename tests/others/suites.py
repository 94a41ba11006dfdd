"""The suites: how each is built and run, in parts, and how its outcomes are read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ENGINES", "PARTS", "Outcomes", "Part", "run"]

Outcomes: TypeAlias = dict[str, str]
"""By the name of a test: ok, failed or skipped."""

PROGRAMS = Path(__file__).parent / "programs"
PROXYWRAP = Path(sys.executable).with_name("proxywrap")
DEAD = "socks5://127.0.0.1:1"
"""Nobody listens there, and nothing is to be asked: all is on loopback."""

ENGINES = ("auto", "seccomp", "both")
USER = 64738
LIMIT_S = 200
"""Of a part; nothing takes a third of it where there are two processors to have."""

GO_NAMES = {"PASS": "ok", "FAIL": "failed", "SKIP": "skipped"}
GO_LINE = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+) ", re.MULTILINE)
TAP_LINE = re.compile(r"^(not ok|ok) \d+ - (\S+)(?:.*(# SKIP))?", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A part of a suite that is run at a time.

    `command` makes the command of a directory for what is built and a file for
    outcomes; `read` reads its output and that file. `engines` it is run in, in
    `directory`; `prepare` builds what takes long, once.
    """

    name: str
    command: Callable[[Path, Path], Sequence[object]]
    read: Callable[[str, str], Outcomes]
    engines: tuple[str, ...] = ENGINES
    directory: str = "/"
    prepare: Callable[[Path], Path] | None = None

    def __str__(self) -> str:
        """Name the test."""
        return self.name


def run(part: Part, engine: str | None, built: Path, scratch: Path) -> tuple[Outcomes, str]:
    """Run a part in a network namespace that has loopback alone; return the outcomes, and what was said.

    Args:
        part: what to run.
        engine: to wrap it in, None to leave it alone.
        built: where built things are and are put.
        scratch: an empty directory.

    """
    file = scratch / "outcomes"
    file.touch()
    wrapper = [] if engine is None else [PROXYWRAP, "-x", DEAD, "--engine", engine, "--"]
    words = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    command = [*words, "timeout", "-k", 5, LIMIT_S, *wrapper, *part.command(built, file)]
    scratch.chmod(0o777)
    environment = {
        **os.environ,
        "TMPDIR": str(scratch),
        "HOME": str(scratch),
    }
    result = subprocess.run(
        [str(word) for word in command],
        cwd=scratch if part.directory == "/" else part.directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = result.stdout.decode(errors="replace")
    return part.read(said, file.read_text()), f"{said}\nstatus {result.returncode}"


# CPython: Debian's package libpython3.11-testsuite.

CPYTHON = {
    "test_asynchat": [],
    "test_asyncio.test_base_events": [],
    "test_asyncio.test_buffered_proto": [],
    "test_asyncio.test_events": ["*.PollEventLoopTests.*", "*.SelectEventLoopTests.*", "*subprocess*"],
    "test_asyncio.test_selector_events": [],
    "test_asyncio.test_server": [],
    "test_asyncio.test_sock_lowlevel": ["*huge_content*"],
    "test_asyncio.test_sslproto": [],
    "test_asyncio.test_streams": [],
    "test_asyncio.test_unix_events": [],
    "test_asyncore": [],
    "test_docxmlrpc": [],
    "test_epoll": [],
    "test_fork1": [],
    "test_ftplib": [],
    "test_httplib": [],
    "test_httpservers": [],
    "test_nntplib": [],
    "test_poll": ["*threaded_poll*", "*poll2*"],
    "test_poplib": [],
    "test_select": [],
    "test_selectors": ["*above_fd_setsize*"],
    "test_signal": ["*StressTest*", "*itimer*", "*PendingSignalsTests*", "*SiginterruptTest*", "*stress*"],
    "test_smtpd": [],
    "test_smtplib": [],
    "test_socket": ["*RDS*", "*VSOCK*", "*TIPC*", "*CAN*", "*UDPLITE*6*"],
    "test_ssl": [],
    "test_subprocess": ["*NoPoll*", "*POSIX*", "*communicate*", "*leak*"],
    "test_telnetlib": [],
    "test_urllib2_localnet": [],
}
"""Modules, and the tests that are left out of each for the time they take."""


def _cpython(module: str, left_out: list[str]) -> Part:
    def command(_built: Path, file: Path) -> list[object]:
        return ["/usr/bin/python3", "-W", "ignore", PROGRAMS / "cpython.py", file, module, *left_out]

    def read(_said: str, told: str) -> Outcomes:
        outcomes: Outcomes = {}
        for line in told.splitlines():
            outcome, _, test = line.partition(" ")
            outcomes[test] = "failed" if outcomes.get(test) == "failed" else outcome
        return outcomes

    return Part(f"cpython-{module}", command, read)


# Go: Debian's package golang-src.

GO_SOURCE = Path("/usr/lib/go/src")


def _go(package: str) -> Part:
    def prepare(built: Path) -> Path:
        program = built / package.replace("/", "-")
        if not program.exists():
            environment = {**os.environ, "CGO_ENABLED": "0"}
            argv = ["go", "test", "-c", "-o", str(program), package]
            subprocess.run(argv, cwd=GO_SOURCE / package, env=environment, check=True)
        return program

    def command(built: Path, _file: Path) -> list[object]:
        return [prepare(built), "-test.short", "-test.v"]

    def read(said: str, _told: str) -> Outcomes:
        return {name: GO_NAMES[outcome] for outcome, name in GO_LINE.findall(said)}

    return Part(f"go-{package}", command, read, ("auto", "both"), str(GO_SOURCE / package), prepare)


# libuv: in uvloop's source distribution.


def _build_libuv(built: Path) -> Path:
    """Return the program that has all of its tests."""
    program = built / "libuv" / "uv_run_tests_a"
    if program.exists():
        return program
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "uvloop", "uvloop"]
    subprocess.run([*pip, "-d", str(built)], check=True)
    (archive,) = built.glob("uvloop-*.tar.gz")
    subprocess.run(["tar", "xzf", str(archive), "-C", str(built)], check=True)
    source = archive.with_name(archive.name.removesuffix(".tar.gz")) / "vendor" / "libuv"
    make = ["cmake", "-DCMAKE_BUILD_TYPE=Debug", "-B", str(program.parent), "-S", str(source)]
    subprocess.run(make, stdout=subprocess.DEVNULL, check=True)
    make = ["cmake", "--build", str(program.parent), "-j", "2", "--target", program.name]
    subprocess.run(make, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return program


def _libuv() -> Part:
    def command(built: Path, file: Path) -> list[object]:
        (file.parent / "test").symlink_to(next(built.glob("uvloop-*/vendor/libuv/test")))
        user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all"]
        return [*user, _build_libuv(built)]

    def read(said: str, _told: str) -> Outcomes:
        found = TAP_LINE.findall(said)
        return {
            name: "skipped" if skip else {"ok": "ok"}.get(result, "failed") for result, name, skip in found
        }

    return Part("libuv", command, read, prepare=_build_libuv)


PARTS = [
    *(_cpython(module, left_out) for module, left_out in CPYTHON.items()),
    _go("net"),
    _go("net/http"),
    _libuv(),
]
