"""Describe `proxywrap._native` to cffi: the wire structs and what Python lacks.

The declarations of the wire are read from `wire.h` itself, so the two
languages cannot disagree.
"""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent

JUDGE = ["target", "image", "limits", "loader", "secure", "order", "sockaddr"]
"""What judges a program is shared with the shim: the launcher starts one, too."""

PROOF = ["proof"]
"""What the shim checks, the helper makes."""

HEADERS = [
    "wire.h",
    "preload/proof.h",
    "preload/target.h",
    "notify/filter.h",
    "native/notify.h",
    "native/process.h",
    "native/rehearse.h",
    "native/signals.h",
]
SOURCES = [
    "csrc/notify/filter.c",
    "csrc/native/notify.c",
    "csrc/native/process.c",
    "csrc/native/rehearse.c",
    "csrc/native/signals.c",
]


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
    uint64_t pw_proof(const uint8_t *token, const uint8_t *nonce, uint64_t scope);
    int pw_order(char *out, size_t size, const char *ours, const char *theirs, const char *runtime);
    #define PW_PROBE ...
    int pw_filter_install(void);

    struct pw_notice {
        uint64_t id;
        uint64_t args[6];
        int thread;
        int call;
    };
    int pw_notify_support(void);
    void pw_notify_wake_in_turn(int listener);
    int pw_notify_receive(int listener, struct pw_notice *out);
    int pw_notify_answer(int listener, uint64_t id, int64_t value, int error);
    int pw_notify_go_on(int listener, uint64_t id);
    int pw_notify_give(int listener, uint64_t id, int fd, int flags);
    int pw_notify_is_valid(int listener, uint64_t id);
    int pw_take_descriptor(int process, int fd);
    int64_t pw_memory_read(int process, uint64_t address, void *out, size_t n);
    int64_t pw_memory_write(int process, uint64_t address, const void *data, size_t n);

    int pw_disconnect(int fd);
    int pw_connect_here(int fd, const void *addr, unsigned int len);
    int pw_execute(const char *path, char *const argv[], char *const envp[]);
    int pw_fail_connect(int fd, const void *addr, unsigned int len);
    int pw_signal_thread(int process, int thread, int signum);
    int pw_become_subreaper(void);
    #define PW_NEED_ALWAYS ...
    #define PW_NEED_FILTER ...
    #define PW_NEED_CHILDREN ...
    #define PW_NEED_SPLICE ...
    const char *pw_rehearse(int need, int *error);
    int pw_scrub(unsigned long start, unsigned long end, const char *secret, size_t n);

    #define PW_SENT_ON ...
    void pw_gather_signals(void);
    void pw_release_signals(void);
""")
ffi.set_source(
    "proxywrap._native",
    "".join(f'#include "{header}"\n' for header in HEADERS),
    sources=[*(f"csrc/preload/{name}.c" for name in (*JUDGE, *PROOF)), *SOURCES],
    include_dirs=["csrc"],
    extra_compile_args=["-std=gnu11"],
    depends=[
        *(f"csrc/preload/{name}.h" for name in (*JUDGE, *PROOF)),
        *(f"csrc/{header}" for header in HEADERS),
    ],
    py_limited_api=True,
)
