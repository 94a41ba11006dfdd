"""The preload object is a guest: one object for glibc and musl, with no demands of its own."""

from __future__ import annotations

import os
import re
import subprocess
from ctypes.util import find_library
from pathlib import Path

import pytest

from .shim_object import ROOT, SHIM, hook_names, output, symbols

MUSL = Path("/lib/ld-musl-x86_64.so.1")
COMPILERS = ["cc", "musl-gcc"]

DUPS = """
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
int main(void)
{
	int fd = socket(AF_INET, SOCK_RAW, 1);
	printf("%d %d\\n", fd, errno);
	return 0;
}
"""
"""Only the shim refuses a raw socket to root; that it does shows that its hooks are called."""


def _glibc() -> Path:
    name = find_library("c")
    assert name is not None
    for line in output("ldconfig", "-p").splitlines():
        if line.split()[:1] == [name]:
            return Path(line.split()[-1])
    raise AssertionError(name)


def test_it_is_no_python_extension() -> None:
    """No symbol of Python's: it is loaded into programs that have none."""
    assert [name for name in symbols(SHIM) if name.lstrip("_").startswith("Py")] == []


def test_it_needs_no_library() -> None:
    """No DT_NEEDED, RUNPATH or RPATH; no text relocation, no executable stack."""
    dynamic = output("readelf", "-dW", SHIM)
    assert "Dynamic section" in dynamic
    for tag in ("NEEDED", "RUNPATH", "RPATH", "TEXTREL"):
        assert f"({tag})" not in dynamic
    (stack,) = re.findall(r"GNU_STACK.*", output("readelf", "-lW", SHIM))
    assert "RWE" not in stack


def test_no_symbol_is_versioned() -> None:
    """A version would be one of glibc's, which musl does not have."""
    assert [name for name in symbols(SHIM) if "@" in name] == []


@pytest.mark.parametrize("libc", [_glibc, lambda: MUSL], ids=["glibc", "musl"])
def test_both_libcs_have_what_it_takes(libc: object) -> None:
    """Each undefined symbol that is not weak is there, by any version."""
    assert callable(libc)
    has = {name.partition("@")[0] for name in symbols(libc(), "--defined-only")}
    wants = {name for name, kind in symbols(SHIM, "--undefined-only").items() if kind == "U"}
    assert wants
    assert wants - has == set()


def test_no_hook_is_called_by_its_name() -> None:
    """A call from inside goes to the original by pw_libc, or to the kernel: never to ourselves."""
    assert set(symbols(SHIM, "--undefined-only")) & set(hook_names()) == set()


def test_nothing_is_called_that_a_guest_must_not() -> None:
    """No memory, no stdio, no threads, no exit."""
    undefined = set(symbols(SHIM, "--undefined-only"))
    banned = {
        "malloc",
        "calloc",
        "realloc",
        "free",
        "printf",
        "fprintf",
        "exit",
        "abort",
        "pthread_create",
        "getenv",
    }
    assert undefined & banned == set()
    assert [name for name in undefined if name.startswith("__stack_chk") or name.endswith("_chk")] == []


def test_thread_local_memory_is_static() -> None:
    """Initial-exec only: a call of __tls_get_addr could allocate."""
    assert "__tls_get_addr" not in symbols(SHIM)
    relocations = output("readelf", "-rW", SHIM)
    for kind in ("DTPMOD", "DTPOFF", "TLSDESC"):
        assert kind not in relocations
    assert "STATIC_TLS" in output("readelf", "-dW", SHIM) or "TPOFF" not in relocations


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("binding", ["lazy", "now"])
def test_it_loads_and_its_hooks_are_called(tmp_path: Path, compiler: str, binding: str) -> None:
    """In a glibc and a musl program, also where every symbol is resolved at once."""
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(DUPS)
    subprocess.run([compiler, "-o", program, source], check=True)
    env = os.environ | {"LD_PRELOAD": str(SHIM)} | ({"LD_BIND_NOW": "1"} if binding == "now" else {})
    result = subprocess.run([program], env=env, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("-1 1\n", "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_programs_have_the_libc_that_they_should(tmp_path: Path, compiler: str) -> None:
    """The two compilers really make programs of two kinds, so that the tests above test both."""
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(DUPS)
    subprocess.run([compiler, "-o", program, source], check=True)
    assert ("ld-musl" in output("readelf", "-lW", program)) == (compiler == "musl-gcc")


def test_the_object_is_up_to_date() -> None:
    """It is not older than its sources, or all of this would be said of another one."""
    newest = max(
        path.stat().st_mtime for path in (ROOT / "csrc").rglob("*.[chd]*") if "__pycache__" not in path.parts
    )
    assert SHIM.stat().st_mtime >= newest, "build it again: pip install -e ."
