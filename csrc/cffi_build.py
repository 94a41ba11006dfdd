"""Describe `proxywrap._native` to cffi: the wire structs and what Python lacks.

The declarations of the wire are read from `wire.h` itself, so the two
languages cannot disagree.
"""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent


def wire_declarations() -> str:
    """Return the part of wire.h that cffi can read: constants, enums and structs."""
    text = (HERE / "wire.h").read_text()
    return text[text.index("#define PW_WIRE_VERSION") : text.index("_Static_assert")]


ffi = FFI()
ffi.cdef(wire_declarations())
ffi.cdef("""
    enum pw_target pw_target_judge(int dir, const char *path, int flags);
    int pw_disconnect(int fd);
    int pw_become_subreaper(void);
    int pw_scrub(unsigned long start, unsigned long end, const char *secret, size_t n);
""")
ffi.set_source(
    "proxywrap._native",
    '#include "wire.h"\n#include "preload/target.h"\n#include "native/process.h"\n',
    sources=["csrc/preload/target.c", "csrc/native/process.c"],
    include_dirs=["csrc"],
    extra_compile_args=["-std=gnu11"],
    depends=["csrc/wire.h", "csrc/preload/target.h", "csrc/native/process.h"],
    py_limited_api=True,
)
