"""The dynamic linker, started as a program, is judged by the program that it is given."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Libc, Programs, both_libcs
from .stage import End, Unwrapped, Wrapped, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOADERS = {Libc.GLIBC: "/lib64/ld-linux-x86-64.so.2", Libc.MUSL: "/lib/ld-musl-x86_64.so.1"}
"""The places that the ABI gives them."""

CHILD = ["sh", "-c", '"$@"; exit "$?"', "sh"]
"""Runs the rest as a child, which a hook judges; as COMMAND, the launcher does."""

both_places = pytest.mark.parametrize("before", [[], CHILD], ids=["command", "child"])


@pytest.fixture(scope="module")
def place() -> Iterator[Wrapped]:
    """Lend one wrapped world, where every connection succeeds, to all tests here."""
    with Wrapped(End.ACCEPTED, options=("--engine", "preload")) as made:
        made.go()
        yield made


@both_places
@both_libcs
@pytest.mark.parametrize("options", [[], ["--library-path", "/nowhere"], ["--argv0", "--verify"]], ids=str)
def test_a_program_is_wrapped(
    place: Wrapped, program: Programs, before: list[str], libc: Libc, options: list[str]
) -> None:
    """The linker heeds LD_PRELOAD for what it runs."""
    result = run(place, [*before, LOADERS[libc], *options, program("exec_child", libc)], "probe")
    assert result.trace == ["connect: 0, A: ", "EXIT-SUCCESS"]
    assert (result.errors, result.status) == ("", 0)


def test_another_preload(place: Wrapped, program: Programs) -> None:
    """What --preload adds comes after LD_PRELOAD and takes nothing away."""
    command: list[str | Path] = [LOADERS[Libc.GLIBC], "--preload", "libm.so.6", program("exec_child")]
    result = run(place, command, "probe")
    assert result.trace == ["connect: 0, A: ", "EXIT-SUCCESS"]


def test_curl(place: Wrapped) -> None:
    """Its request goes through the proxy, whose destination sends it back."""
    before = len(place.server.log)
    fetch = f"{LOADERS[Libc.GLIBC]} {shutil.which('curl')} -s --http0.9 -m 3 http://site.test/"
    result = run(place, ["sh", "-c", fetch, "sh"])
    assert "GET / HTTP/1.1" in result.trace
    assert len(place.server.log) == before + 1


# --- what runs nothing


def _library(_program: Programs, _directory: Path) -> Path:
    return next(Path("/lib/x86_64-linux-gnu").glob("libz.so.1")).resolve()


def _setgid(program: Programs, directory: Path) -> Path:
    path = directory / "setgid"
    shutil.copy(program("probe"), path)
    os.chown(path, 0, 65534)
    path.chmod(0o2755)
    return path


EXAMINED = {
    "a program": lambda program, _: program("probe"),
    "a static one": lambda program, _: program("probe", Libc.GLIBC, "-static"),
    "a setgid one": _setgid,
    "a library": _library,
}


@pytest.mark.parametrize("kind", EXAMINED)
def test_ldd(place: Wrapped, program: Programs, tmp_path: Path, kind: str) -> None:
    """Names what it names unwrapped, and the shim."""
    make: Callable[[Programs, Path], Path] = EXAMINED[kind]
    command = ["sh", "-c", f"LC_ALL=C ldd {make(program, tmp_path)} 2>&1 | sed 's/ (0x.*//'", "sh"]
    with Unwrapped(End.ACCEPTED) as alone:
        truth = run(alone, command)
    result = run(place, command)
    assert [line for line in result.trace if "_preload.abi3.so" not in line] == truth.trace
    assert truth.trace != []
    assert result.errors == ""


@both_libcs
@pytest.mark.parametrize("options", ["--list", "--library-path /lib --list"])
def test_a_list(place: Wrapped, program: Programs, libc: Libc, options: str) -> None:
    """The program is loaded, and not run."""
    result = run(place, ["sh", "-c", f"{LOADERS[libc]} {options} {program('probe', libc)}", "sh"])
    assert "it runs" not in result.trace
    assert any("_preload.abi3.so" in line for line in result.trace)
    assert (result.errors, result.status) == ("", 0)


# --- what must not run


def _relative(path: Path) -> str:
    return os.path.relpath(path)


def _script(loader: str, path: Path) -> str:
    script = path.parent / f"script-for-{path.name}"
    script.write_text(f"#!{loader} {path}\n")
    script.chmod(0o755)
    return str(script)


REFUSED: dict[str, Callable[[str, Path, Path], list[str]]] = {
    "static": lambda loader, static, _: [loader, str(static)],
    "static, by a relative path": lambda loader, static, _: [loader, _relative(static)],
    "static, behind options": lambda loader, static, _: [loader, "--library-path", "/lib", str(static)],
    "static, behind a value like an option": lambda loader, static, _: [
        loader,
        "--argv0",
        "--list",
        str(static),
    ],
    "an option that is not known": lambda loader, _, dynamic: [loader, "--new", str(dynamic)],
    "a linker for itself": lambda loader, _, dynamic: [loader, loader, str(dynamic)],
    "a script's interpreter": lambda loader, _, dynamic: [_script(loader, dynamic)],
}


@both_places
@both_libcs
@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("static", ["-static", "-static-pie", "-DGO_NOTE"])
def test_what_cannot_be_entered_is_refused(
    place: Wrapped, program: Programs, before: list[str], libc: Libc, kind: str, static: str
) -> None:
    """It does not run, and one line says so."""
    command = REFUSED[kind](LOADERS[libc], program("probe", Libc.GLIBC, static), program("probe", libc))
    result = run(place, [*before, *command])
    assert (result.trace, result.status) == ([], 126)
    assert "it is the dynamic linker" in result.errors


ONLY_ONE = {
    "a name without a slash": [LOADERS[Libc.GLIBC], "libc.so.6"],
    "an audit module": [LOADERS[Libc.GLIBC], "--audit", "libm.so.6", "/bin/true"],
    "what takes the place of LD_PRELOAD": [LOADERS[Libc.MUSL], "--preload", "/lib/x.so", "/bin/true"],
    "no option of musl's": [LOADERS[Libc.MUSL], "--verify", "/bin/true"],
}


@both_places
@pytest.mark.parametrize("kind", ONLY_ONE)
def test_what_one_libc_takes(place: Wrapped, before: list[str], kind: str) -> None:
    """What would run, or whether the shim were there, cannot be told."""
    result = run(place, [*before, *ONLY_ONE[kind]])
    assert (result.trace, result.status) == ([], 126)
    assert "it is the dynamic linker" in result.errors


def test_a_copy_of_the_linker(place: Wrapped, program: Programs, tmp_path: Path) -> None:
    """Only the very file that programs name is trusted to do what it does."""
    copy = tmp_path / Path(LOADERS[Libc.GLIBC]).name
    shutil.copy(LOADERS[Libc.GLIBC], copy)
    result = run(place, [copy, program("probe")])
    assert (result.trace, result.status) == ([], 126)
    assert "statically linked" in result.errors
