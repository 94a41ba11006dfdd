"""What to write in the place of a COMMAND that cannot be executed.

A shell runs builtins, aliases, functions and scripts without the executable
bit. The kernel runs none of them, and so neither env(1) nor proxywrap does.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

__all__ = ["interpreter_fault", "not_executable", "not_found"]

_WORDS = """
    . : alias bg bind break builtin caller case cd command compgen complete continue declare dirs disown
    enable eval exec exit export fc fg for function getopts hash help history if jobs let local logout
    mapfile popd pushd read readarray readonly return select set shift shopt source suspend time times
    trap type typeset ulimit umask unalias unset until wait while
"""

_HEAD_BYTES = 256
"""The kernel looks no further for an interpreter (BINPRM_BUF_SIZE)."""


def not_found(name: str, arguments: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """Return what is wrong with a COMMAND that $PATH does not have.

    Args:
        name: as it was typed.
        arguments: what followed it.
        environ: where bash puts functions that it exports.

    """
    line = shlex.join([name, *arguments])
    if name in _WORDS.split():
        return f"{name}: expected a program, found a word of the shell's own: write sh -c {shlex.quote(line)}"
    if f"BASH_FUNC_{name}%%" in environ:
        return f"{name}: expected a program, found a function of bash: write bash -c {shlex.quote(line)}"
    if len(name.split()) > 1 and "/" not in name.split(maxsplit=1)[0]:
        return (
            f"{name}: command not found: expected a program and its arguments, found them in one word: "
            f"write them without quotes, or sh -c {shlex.quote(name)}"
        )
    if "/" in name:
        return f"{name}: command not found"
    return f"{name}: command not found (an alias or a function is known to its shell only: bash -ic {name!r})"


def not_executable(path: str) -> str:
    """Return what is wrong with a file that may not be executed."""
    expected = f"{path}: expected an executable file, found one that may not be executed"
    interpreter = _interpreter(_head(path))
    if interpreter is None:
        return expected
    return f"{expected}: write chmod +x {shlex.quote(path)}, or {interpreter.strip()} {shlex.quote(path)}"


def interpreter_fault(path: str) -> str | None:
    """Return what keeps the kernel from finding a script's interpreter, None where nothing does."""
    interpreter = _interpreter(_head(path))
    if interpreter is None:
        return None
    program = interpreter.split(" ")[0]
    if interpreter.endswith("\r"):
        return (
            f"{path}: expected a script with lines that end in LF, found CR LF, so its interpreter would be "
            f"{program.rstrip()!r} and a CR: write sed -i 's/\\r$//' {shlex.quote(path)}"
        )
    if not os.path.exists(program):
        return f"{path}: expected its interpreter {program}, found no such file"
    return None


def _interpreter(head: bytes) -> str | None:
    """Return what stands behind #! in a script, with the interpreter's argument."""
    line, newline, _ = head.partition(b"\n")
    if not head.startswith(b"#!") or not newline:
        return None
    return os.fsdecode(line[2:].strip(b" \t").replace(b"\t", b" ")) or None


def _head(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, _HEAD_BYTES)
    except OSError:
        return b""
    finally:
        os.close(fd)
