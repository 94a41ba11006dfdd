"""Describe `proxywrap._native` to cffi: the wire structs and what Python lacks.

The declarations of the wire are read from `wire.h` itself, so the two
languages cannot disagree.
"""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent

JUDGE = ["target", "image", "loader", "secure", "order", "sockaddr"]
"""What judges a program is shared with the shim: the launcher starts one, too."""


def wire_declarations() -> str:
    """Return the part of wire.h that cffi can read: constants, enums and structs."""
    text = (HERE / "wire.h").read_text()
    return text[text.index("#define PW_WIRE_VERSION") : text.index("_Static_assert")]


ffi = FFI()
ffi.cdef(wire_declarations())
ffi.cdef("""
    #define PW_RUNTIME_BYTES ...
    struct pw_program {
        int dir;
        const char *path;
        int flags;
        int cwd;
        char *const *argv;
        char *const *envp;
    };
    enum pw_target pw_target_examine(const struct pw_program *program, char *runtime);
    int pw_order(char *out, size_t size, const char *ours, const char *theirs, const char *runtime);
    int pw_disconnect(int fd);
    int pw_become_subreaper(void);
    int pw_scrub(unsigned long start, unsigned long end, const char *secret, size_t n);
""")
ffi.set_source(
    "proxywrap._native",
    '#include "wire.h"\n#include "preload/target.h"\n#include "native/process.h"\n',
    sources=[*(f"csrc/preload/{name}.c" for name in JUDGE), "csrc/native/process.c"],
    include_dirs=["csrc"],
    extra_compile_args=["-std=gnu11"],
    depends=[
        "csrc/wire.h",
        *(f"csrc/preload/{name}.h" for name in JUDGE),
        "csrc/native/process.h",
    ],
    py_limited_api=True,
)
