"""Static programs started by dynamic ones and the other way round, in every way that there is."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, wrap
from .kit.origins import PAYLOAD_DIGEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage, Words
    from .kit.world import World

HOWS = ["spawn", "spawnp", "fork", "vfork", "search", "in-place"]
STARTERS: dict[str, tuple[str, ...]] = {"dynamic": (), "static": ("-static",)}
IT_WORKS = "it works"
RESOLVER_S = 5


@pytest.mark.parametrize("environment", ["full", "empty"])
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("starter", STARTERS)
def test_a_program_of_the_other_kind(
    world: World, stage: Stage, one_hop: Chain, compiled: Builder, starter: str, how: str, environment: str
) -> None:
    """A static starter's child is dynamic, and so on; with its environment and without."""
    start = [compiled("starts", *STARTERS[starter]), how, environment]
    started: Words = [compiled("talk", "-static"), "exchange", NAME, stage.echo.port]
    if starter == "static":
        started = [shutil.which("nc"), "-N", NAME, stage.echo.port]
    result = world.run([*wrap(one_hop.urls), *start, *started], stdin=b"hello", resolver_s=RESOLVER_S)
    assert result.stdout == b"hello"
    assert result.complaints == []
    assert one_hop.asked_of(-1) == {NAME}


@pytest.mark.parametrize("engine", ["auto", "seccomp", "both"])
def test_a_shell_that_starts_all_kinds(
    world: World, stage: Stage, one_hop: Chain, compiled: Builder, engine: str
) -> None:
    """Each goes through the chain."""
    script = f"""\
        {compiled.go("dialler")} get {stage.url}/bytes
        curl -sS {stage.url}
        env -i {compiled("talk", "-static")} peer {NAME} {stage.echo.port} | wc -l
        env -i {compiled("talk", "-static", compiler="musl-gcc")} peer {NAME} {stage.echo.port} | wc -l
        env -i {compiled.rust("talk")} peer {NAME} {stage.echo.port} | wc -l
        env -i {compiled("talk")} peer {NAME} {stage.echo.port} | wc -l
        env -i {compiled.go("dialler", has_cgo=True)} get {stage.url}/bytes
        exec {sys.executable} -c "import urllib.request as r; print(r.urlopen('{stage.url}').read().decode())"
    """
    command = [*wrap(one_hop.urls, "--engine", engine), "bash", "-c", script]
    result = world.run(command, resolver_s=RESOLVER_S)
    said = [PAYLOAD_DIGEST, IT_WORKS, "2", "2", "2", "2", PAYLOAD_DIGEST, IT_WORKS]
    assert result.text.split("\n")[:8] == said
    assert result.complaints == []
    assert len(one_hop.servers[0].log) == 8


PYTHON = """\
import os, subprocess, sys
argv = sys.argv[1:]
for options in {}, {"env": {}}, {"close_fds": False}, {"preexec_fn": lambda: None}, {"cwd": "/"}:
    print(subprocess.run(argv, check=True, stdout=subprocess.PIPE, **options).stdout.decode().strip())
for environ in os.environ, {}:
    for spawn in os.posix_spawn, os.posix_spawnp:
        sys.stdout.flush()
        _, status = os.waitpid(spawn(argv[0], argv, environ), 0)
        assert status == 0, status
sys.stdout.flush()
os.execv(argv[0], argv)
"""


@pytest.mark.parametrize("engine", ["auto", "seccomp", "both"])
def test_children_of_python(
    world: World, stage: Stage, one_hop: Chain, compiled: Builder, engine: str
) -> None:
    """By subprocess, by posix_spawn, and in its own place."""
    child = [compiled.go("dialler"), "get", f"{stage.url}/bytes"]
    command = [*wrap(one_hop.urls, "--engine", engine), sys.executable, "-c", PYTHON, *child]
    result = world.run(command, resolver_s=RESOLVER_S)
    assert result.text.split("\n") == [PAYLOAD_DIGEST] * 10
    assert len(one_hop.servers[0].log) == 10


MAKEFILE = """\
all: {targets}
go-%:; @{go} get {url}/bytes
curl-%:; @curl -sS {url}/bytes | sha256sum | cut -d" " -f1
static-%:; @env -i {talk} exchange {name} {port} </etc/hostname >/dev/null && echo static
"""


def test_make(world: World, stage: Stage, one_hop: Chain, compiled: Builder) -> None:
    """With many jobs of both kinds at a time."""
    targets = [f"{kind}-{number}" for number in range(10) for kind in ("go", "curl", "static")]
    makefile = world.directory / "Makefile"
    makefile.write_text(
        MAKEFILE.format(
            targets=" ".join(targets),
            go=compiled.go("dialler"),
            talk=compiled("talk", "-static"),
            url=stage.url,
            name=NAME,
            port=stage.echo.port,
        )
    )
    result = world.run([*wrap(one_hop.urls), "make", "-j8", "-f", makefile], resolver_s=RESOLVER_S)
    assert sorted(result.text.split("\n")) == [PAYLOAD_DIGEST] * 20 + ["static"] * 10
    assert result.complaints == []
    assert len(one_hop.servers[0].log) == 30


@pytest.mark.parametrize("has_cgo", [False, True], ids=["static", "cgo"])
@pytest.mark.parametrize("verb", ["start", "start-bare"])
def test_children_of_go(
    world: World, stage: Stage, one_hop: Chain, compiled: Builder, verb: str, *, has_cgo: bool
) -> None:
    """os/exec starts curl, with our environment and with another; it is under the filter."""
    start = [compiled.go("dialler", has_cgo=has_cgo), verb]
    result = world.run([*wrap(one_hop.urls), *start, shutil.which("curl"), "-sS", stage.url])
    assert result.text == IT_WORKS
    assert one_hop.asked_of(-1) == {NAME}


# --- starts that fail


@pytest.fixture
def unfit(world: World, compiled: Builder) -> Iterator[dict[str, Path]]:
    """Make files that cannot be executed, each for a reason of its own."""
    place = world.directory / "unfit"
    place.mkdir(exist_ok=True)
    static = compiled("talk", "-static").read_bytes()
    files = {
        name: place / name for name in ("absent", "not-executable", "busy", "no-end", "no-program", "head")
    }
    for name, content in {
        "not-executable": static,
        "busy": static,
        "no-end": static[:5000],
        "no-program": static[:64],
        "head": static[:4],
    }.items():
        files[name].write_bytes(content)
        files[name].chmod(0o644 if name == "not-executable" else 0o755)
    files["fit"] = compiled("talk", "-static")
    files["directory"] = place
    with files["busy"].open("r+b"):
        yield files


UNFIT = [
    *((name, "full") for name in ("absent", "not-executable", "busy", "no-program", "head", "directory")),
    ("fit", "long"),
]


@pytest.mark.parametrize("attempt", UNFIT, ids=[name for name, _ in UNFIT])
@pytest.mark.parametrize("how", [how for how in HOWS if how != "search"])
@pytest.mark.parametrize("starter", STARTERS)
def test_a_start_that_fails(
    world: World,
    one_hop: Chain,
    compiled: Builder,
    unfit: dict[str, Path],
    starter: str,
    how: str,
    attempt: tuple[str, str],
) -> None:
    """Gives the errno that it would give bare, and leaves no filter where there was none."""
    name, environment = attempt
    command = [compiled("starts", *STARTERS[starter]), how, environment, unfit[name]]
    bare = world.run(command, expect=None)
    wrapped = world.run([*wrap(one_hop.urls), *command], expect=None)
    assert wrapped.complaints == bare.complaints == []
    if starter == "static":  # it is under a filter itself
        assert wrapped.text.split("\n")[0] == bare.text.split("\n")[0]
    else:
        assert wrapped.text == bare.text
    assert bare.returncode == wrapped.returncode
