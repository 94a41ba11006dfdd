"""Children are wrapped, whoever starts them, or they do not run."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import PROGRAMS, Libc, Programs, both_libcs
from .stage import End, Unwrapped, Wrapped, run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def place() -> Iterator[Wrapped]:
    """Lend one wrapped world, where every connection succeeds, to all tests here."""
    with Wrapped(End.ACCEPTED, options=("--engine", "preload")) as made:
        made.go()
        yield made


WITH_ENVIRONMENT = [
    "execve",
    "execvpe",
    "execle",
    "number",
    "self",
    "fexecve",
    "fexecve-path",
    "fexecve-memory",
    "execveat",
    "execveat-number",
    "vfork",
    "setsid",
    "posix_spawn",
    "posix_spawnp",
]
WITHOUT = ["execv", "execvp", "execl", "execlp", "system", "popen", "wordexp"]
WAYS = [
    *(
        (way, env)
        for way in WITH_ENVIRONMENT
        for env in ("own", "null", "empty", "custom", "cleared", "replaced", "twice")
    ),
    *((way, env) for way in WITHOUT for env in ("own", "cleared", "replaced", "twice")),
]


@both_libcs
@pytest.mark.parametrize(("way", "env"), WAYS)
def test_a_child_is_wrapped(place: Wrapped, program: Programs, way: str, env: str, libc: Libc) -> None:
    """Whatever function started it and whatever environment it was given; the rest of that is kept."""
    result = run(place, [program("exec_child", libc)], way, env)
    expected = "1" if env in {"custom", "replaced", "twice"} else ""
    assert result.trace == [f"connect: 0, A: {expected}", "EXIT-SUCCESS", "EXIT-SUCCESS"]
    assert result.errors == ""


def test_env_i(place: Wrapped, program: Programs) -> None:
    """`env -i` does not lose the wrapper."""
    result = run(place, ["env", "-i", program("exec_child")], "probe")
    assert result.trace == ["connect: 0, A: ", "EXIT-SUCCESS"]


# --- where the program is looked for


def _tools(directory: Path, here: Path, there: Path) -> str:
    for name, program in (("here", here), ("there", there)):
        (directory / name).mkdir()
        shutil.copy(program, directory / name / "tool")
    return str(directory)


@both_libcs
def test_the_directory_of_file_actions(place: Wrapped, program: Programs, tmp_path: Path, libc: Libc) -> None:
    """As without the wrapper, where every program may run."""
    directory = _tools(tmp_path, Path("/bin/true"), Path("/bin/false"))
    with Unwrapped(End.ACCEPTED) as alone:
        truth = run(alone, [program("spawn_dir", libc)], "", directory)
    result = run(place, [program("spawn_dir", libc)], "", directory)
    assert truth.trace[-1:] == ["EXIT-SUCCESS"]
    assert "status: 1" in truth.trace
    assert result == truth


@both_libcs
def test_a_relative_path_is_judged_where_it_will_be(
    place: Wrapped, program: Programs, tmp_path: Path, libc: Libc
) -> None:
    """The program in the other directory cannot be wrapped: it never runs, whichever way it is named."""
    directory = _tools(tmp_path, Path("/bin/true"), program("probe", Libc.GLIBC, "-static"))
    result = run(place, [program("spawn_dir", libc)], "", directory)
    denied = ["Permission denied"]
    ran = ["Success" if libc is Libc.GLIBC else "No error information", "status: 0"]
    missing = ["No such file or directory"]
    assert result.trace == [
        *ran,
        *denied * 4,
        *missing * 2,
        *ran,
        *ran,
        *missing,
        *denied,
        "EXIT-SUCCESS",
    ]
    assert result.errors.count("statically linked") == result.errors.count("\n") > 0


@both_libcs
@pytest.mark.parametrize("way", ["execvp", "execlp", "execvpe", "posix_spawnp"])
def test_no_other_program_runs_for_a_refused_one(
    place: Wrapped, program: Programs, tmp_path: Path, way: str, libc: Libc
) -> None:
    """The search through PATH ends at what must not run, though one of that name is further on."""
    directory = _tools(tmp_path, program("probe", Libc.GLIBC, "-static"), Path("/bin/true"))
    env = os.environ | {"PATH": f"{directory}/here:{directory}/there:{os.environ['PATH']}"}
    result = run(place, [program("exec_named", libc)], way, "tool", env=env)
    assert result.trace == ["Permission denied", "EXIT-SUCCESS"]
    assert "statically linked" in result.errors


# --- what cannot be entered


def _static(program: Programs, _directory: Path) -> Path:
    return program("probe", Libc.GLIBC, "-static")


def _static_musl(program: Programs, _directory: Path) -> Path:
    return program("probe", Libc.MUSL, "-static")


def _static_pie(program: Programs, _directory: Path) -> Path:
    return program("probe", Libc.GLIBC, "-static-pie")


def _copy(program: Programs, directory: Path) -> Path:
    path = directory / "copy"
    shutil.copy(program("probe"), path)
    return path


def _patched(program: Programs, directory: Path, at: int, value: bytes) -> Path:
    path = _copy(program, directory)
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


def _other_class(program: Programs, directory: Path) -> Path:
    return _patched(program, directory, 4, b"\x01")


def _other_machine(program: Programs, directory: Path) -> Path:
    return _patched(program, directory, 18, struct.pack("<H", 183))


def _other_libc(program: Programs, directory: Path) -> Path:
    path = _copy(program, directory)
    data = path.read_bytes()
    assert b"/lib64/ld-linux-x86-64.so.2" in data
    path.write_bytes(data.replace(b"/lib64/ld-linux-x86-64.so.2", b"/lib64/ld-uClibc-x86-64.so0"))
    return path


def _go(program: Programs, _directory: Path) -> Path:
    return program("probe", Libc.GLIBC, "-DGO_NOTE")


def _setgid(program: Programs, directory: Path) -> Path:
    path = _copy(program, directory)
    os.chown(path, 0, 65534)
    path.chmod(0o2755)
    return path


def _script_for_static(program: Programs, directory: Path) -> Path:
    path = directory / "script"
    path.write_text(f"#!{_static(program, directory)}\n")
    path.chmod(0o755)
    return path


CANNOT = {
    "static": (_static, "statically linked"),
    "static musl": (_static_musl, "statically linked"),
    "static-pie": (_static_pie, "statically linked"),
    "another ELF class": (_other_class, "another processor or word size"),
    "another machine": (_other_machine, "another processor or word size"),
    "another libc": (_other_libc, "neither glibc nor musl"),
    "Go": (_go, "Go program"),
    "setgid": (_setgid, "setuid, setgid"),
    "a script for a static interpreter": (_script_for_static, "statically linked"),
}

SHOWS = {
    "another ELF class": ["trap-elf-class"],
    "another libc": ["trap-another-libc"],
    "Go": ["trap-go"],
    "setgid": ["trap-setuid-said", "prog-sudo-outside"],
    "a script for a static interpreter": ["trap-script"],
}
KINDS = [pytest.param(kind, id=kind, marks=pytest.mark.case(*SHOWS.get(kind, []))) for kind in CANNOT]


@both_libcs
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["execve", "posix_spawn", "vfork"])
def test_what_cannot_be_entered_is_refused(
    place: Wrapped, program: Programs, tmp_path: Path, kind: str, way: str, libc: Libc
) -> None:
    """EACCES to the caller, one line to the user, and it does not run."""
    make, reason = CANNOT[kind]
    path = make(program, tmp_path)
    result = run(place, [program("exec_refused", libc)], way, str(path))
    assert result.trace == ["Permission denied", "EXIT-SUCCESS"]
    assert result.errors.count("\n") == 1
    assert str(path) in result.errors
    assert reason in result.errors


@pytest.mark.parametrize("kind", CANNOT)
def test_as_the_command_itself(place: Wrapped, program: Programs, tmp_path: Path, kind: str) -> None:
    """COMMAND is judged like any other: 126, and one line."""
    make, reason = CANNOT[kind]
    result = run(place, [make(program, tmp_path)])
    assert (result.trace, result.status) == ([], 126)
    assert result.errors.count("\n") == 1
    assert reason in result.errors


def test_every_program_begins_with_its_purpose() -> None:
    """A reader sees what each is for."""
    for path in PROGRAMS.glob("*.c"):
        licence, second, *_ = path.read_text().splitlines()
        assert licence == "/* SPDX-License-Identifier: MIT */", path
        assert second.startswith("/*"), path
