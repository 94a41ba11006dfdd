"""What to write in the place of a COMMAND that cannot be executed, by running it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROXYWRAP = str(Path(sys.executable).with_name("proxywrap"))


def run(*command: str, **environ: str) -> tuple[int, str]:
    """Return the status of a COMMAND that cannot be executed, and what is said of it."""
    result = subprocess.run(
        [PROXYWRAP, "-x", "socks5://127.0.0.1:9", "--", *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )
    assert result.stdout == ""
    return result.returncode, result.stderr.removeprefix("proxywrap: ").removesuffix("\n")


@pytest.mark.case("start-unrunnable")
def test_a_command_in_quotes() -> None:
    """It is one word, and so the name of a program."""
    expected = (
        "curl -s http://h/: command not found: expected a program and its arguments, found them in one word: "
        "write them without quotes, or sh -c 'curl -s http://h/'"
    )
    assert run("curl -s http://h/") == (127, expected)


@pytest.mark.parametrize("name", ["cd", "export", "source", "ulimit"])
def test_a_builtin(name: str) -> None:
    """Only the shell has it, unless somebody has put a program of that name into $PATH."""
    expected = f"{name}: expected a program, found a word of the shell's own: write sh -c '{name} /'"
    assert run(name, "/", PATH="/nonexistent") == (127, expected)


def test_an_exported_function() -> None:
    """Bash hands it to its children by a variable, which no other program knows."""
    expected = "greet: expected a program, found a function of bash: write bash -c 'greet me'"
    variable = {"BASH_FUNC_greet%%": "() {  echo hello\n}"}
    assert run("greet", "me", **variable) == (127, expected)


def test_an_alias() -> None:
    """Nobody but its shell knows it, so it may be any word that is not found."""
    status, said = run("ll9")
    assert status == 127
    assert said == (
        "ll9: command not found (an alias or a function is known to its shell only: bash -ic 'll9')"
    )


def test_a_script_that_may_not_be_executed(tmp_path: Path) -> None:
    """Both ways of running it are shown."""
    script = tmp_path / "script"
    script.write_text("#!/bin/sh -e\necho ran\n")
    script.chmod(0o644)
    expected = (
        f"{script}: expected an executable file, found one that may not be executed: "
        f"write chmod +x {script}, or /bin/sh -e {script}"
    )
    assert run(str(script)) == (126, expected)


@pytest.mark.case("start-unrunnable")
def test_a_script_with_the_line_ends_of_windows(tmp_path: Path) -> None:
    """The kernel says that there is no such file, of which everybody can see that there is."""
    script = tmp_path / "script"
    script.write_bytes(b"#!/bin/sh\r\necho ran\r\n")
    script.chmod(0o755)
    status, said = run(str(script))
    assert status == 127
    assert said == (
        f"{script}: expected a script with lines that end in LF, found CR LF, so its interpreter would be "
        f"'/bin/sh' and a CR: write sed -i 's/\\r$//' {script}"
    )
    subprocess.run(said.partition("write ")[2], shell=True, check=True)
    assert (
        subprocess.run([PROXYWRAP, "-x", "http://h", script], capture_output=True, check=True).stdout
        == b"ran\n"
    )


def test_a_script_without_its_interpreter(tmp_path: Path) -> None:
    """It is the interpreter that is missing, not the script."""
    script = tmp_path / "script"
    script.write_text("#!/nonexistent/python9\n")
    script.chmod(0o755)
    assert run(str(script)) == (
        127,
        f"{script}: expected its interpreter /nonexistent/python9, found no such file",
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a program setuid for another user")
def test_sudo_is_to_stand_first(tmp_path: Path) -> None:
    """What it runs is wrapped so; `allow_unwrapped`, whose traffic goes past, comes last."""
    sudo = tmp_path / "sudo"
    shutil.copy("/bin/true", sudo)
    os.chown(sudo, 65534, -1)
    sudo.chmod(0o4755)
    status, said = run(str(sudo), "true")
    assert status == 126
    assert said.index("write sudo first, `sudo proxywrap … COMMAND`") < said.index("`allow_unwrapped ")
