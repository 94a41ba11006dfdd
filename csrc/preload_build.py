"""Build `proxywrap/_preload.abi3.so`: an object that is no Python extension.

It is linked by hand: without any library, so that one object serves glibc and
musl; without the interpreter's own link flags, which may carry a RUNPATH.
"""

from __future__ import annotations

import os
import subprocess
from glob import glob
from pathlib import Path

from setuptools import Extension
from setuptools.command.build_ext import build_ext

NAME = "proxywrap._preload"

COMPILE = [
    "-std=gnu11",
    "-O2",
    "-g",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffreestanding",  # no call to a libc function that the code does not name
    "-fno-stack-protector",  # its guard lies at another place in each libc
    "-U_FORTIFY_SOURCE",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Wpointer-arith",
    "-Wformat=2",
    "-Wvla",
]

LINK = [
    "-shared",
    "-nostdlib",
    "-Wl,-Bsymbolic",  # calls among ourselves stay with ourselves
    "-Wl,-z,relro,-z,noexecstack",
    "-Wl,-soname,proxywrap-preload.so",
]


def command(target: Path, sources: list[str]) -> list[str]:
    """Return what compiles and links; `CC` and `PROXYWRAP_CFLAGS` are respected."""
    compiler = os.environ.get("CC", "cc").split()
    machine = subprocess.run([*compiler, "-dumpmachine"], check=True, capture_output=True, text=True).stdout
    # Otherwise libgcc's functions stand in the place of instructions, and nobody links it.
    inline = ["-mno-outline-atomics"] if machine.startswith("aarch64") else []
    extra = os.environ.get("PROXYWRAP_CFLAGS", "").split()
    return [*compiler, *COMPILE, *inline, *extra, *LINK, *sources, "-o", str(target)]


def preload(sources: list[str]) -> Extension:
    """Return the extension for setuptools to place; `BuildPreload` builds it."""
    return Extension(
        NAME,
        sources,
        depends=["csrc/wire.h", "csrc/hooks.def", *glob("csrc/preload/*.h")],
        py_limited_api=True,
    )


class BuildPreload(build_ext):
    """Build cffi's extension in the usual way and the preload object in ours."""

    def build_extension(self, ext: Extension) -> None:
        """Compile and link `ext`."""
        if ext.name != NAME:
            super().build_extension(ext)
            return
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        words = command(target, ext.sources)
        self.announce(" ".join(words), level=2)
        subprocess.run(words, check=True)
