"""ld.so ignores an object that it cannot load and runs the program without: that must not happen."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import proxywrap
from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import chain
from .kit.clients import NAME, PROXYWRAP, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kit.chains import Chain
    from .kit.clients import Stage, Words
    from .kit.world import World

SHIM = Path(proxywrap.__path__[0]).resolve() / "_preload.abi3.so"
BY_SHIM = ["--engine", "preload"]
"""Then what the shim cannot be loaded into is refused."""

OUT = f"tcp_connect 198.51.100.9 2001:db8:9::9 {NAME}"


@pytest.fixture(scope="module")
def refusing(shared_world: World) -> Iterator[Chain]:
    """Run a hop that reaches nothing, so that every packet to the outside is the program's own."""
    with chain(shared_world, [Scheme.SOCKS5], Script(refuse=111)) as made:
        yield made


def test_a_limit_of_the_address_space(world: World, refusing: Chain, compiled: Callable[..., Path]) -> None:
    """Whatever the limit, a program that runs at all runs wrapped."""
    script = f"for n in $(seq 1500 50 9000); do (ulimit -v $n; exec {compiled('leaky')} {OUT}); done; true"
    result = world.run([*wrap(refusing.urls), "sh", "-c", script])
    assert world.judge.leaks == []
    assert "tcp_connect: -1" in result.text


@pytest.mark.parametrize(
    "change",
    [
        f"mount --bind {SHIM.parent} {SHIM.parent} && mount -o remount,bind,noexec {SHIM.parent}",
        f"mount --bind /etc/hostname {SHIM}",
    ],
    ids=["noexec", "another-file"],
)
def test_an_object_that_would_not_be_loaded(
    world: World, refusing: Chain, compiled: Callable[..., Path], change: str
) -> None:
    """Where ld.so could not map it, or would find another file, the program is refused with one line."""
    script = f"{change} && exec {compiled('leaky')} {OUT}"
    result = world.run([*wrap(refusing.urls, *BY_SHIM), "unshare", "-m", "bash", "-c", script], expect=126)
    assert world.judge.leaks == []
    assert any("the shim's file cannot be" in line for line in result.complaints)


def test_an_object_that_cannot_be_loaded_leaves_the_filter(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path]
) -> None:
    """Where the engine may be another one, the program is wrapped by it."""
    script = f'mount --bind /etc/hostname {SHIM} && exec "$@"'
    command = ["unshare", "-m", "bash", "-c", script, "bash", *_company(stage, compiled)]
    _talks(world, one_hop, [*wrap(one_hop.urls), *command], "all came back")


# --- other roots, users and places


def _talks(world: World, hop: Chain, command: Words, said: str) -> None:
    result = world.run(command)
    assert result.text.splitlines()[-1] == said
    assert hop.asked_of(-1) == {NAME}


def _company(stage: Stage, compiled: Callable[..., Path]) -> Words:
    return [compiled("company"), NAME, stage.echo.port]


@pytest.mark.parametrize(
    "options",
    [
        ["--dev-bind", "/", "/"],
        ["--bind", "/", "/", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--new-session"],
        ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--clearenv"],
    ],
    ids=["plain", "namespaces", "cleared"],
)
def test_in_bubblewrap(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path], options: list[str]
) -> None:
    """Where the sandbox shows our files, what runs in it is wrapped."""
    _talks(
        world,
        one_hop,
        [*wrap(one_hop.urls), "bwrap", *options, *_company(stage, compiled)],
        "all came back",
    )


@pytest.mark.parametrize("hidden", ["run", "nothing"])
def test_in_a_network_of_its_own(
    world: World, refusing: Chain, compiled: Callable[..., Path], hidden: str
) -> None:
    """A sandbox without network stays without, whether or not it can reach the helper."""
    place = world.directory / hidden
    place.mkdir(exist_ok=True)
    sandbox = ["bwrap", "--ro-bind", "/", "/", "--unshare-net", "--tmpfs", place]
    result = world.run([*wrap(refusing.urls), *sandbox, compiled("leaky"), *OUT.split()])
    assert "tcp_connect: -1" in result.text
    assert world.judge.leaks == []


def _change_root(world: World, program: Path, *, has_shim: bool) -> Path:
    """Make a root directory with a program, its C library and, perhaps, us."""
    root = Path(tempfile.mkdtemp(dir=world.directory))
    copied = [program, Path("/lib64/ld-linux-x86-64.so.2"), Path("/lib/x86_64-linux-gnu/libc.so.6")]
    for path in copied:
        (root / path.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.resolve(), root / path.relative_to("/"))
    if has_shim:
        (root / SHIM.relative_to("/")).parent.mkdir(parents=True)
        os.link(SHIM, root / SHIM.relative_to("/"))
    return root


def test_a_root_without_us(world: World, refusing: Chain, compiled: Callable[..., Path]) -> None:
    """ld.so would find nothing to preload there, and say no more than a warning."""
    root = _change_root(world, compiled("leaky"), has_shim=False)
    result = world.run(
        [*wrap(refusing.urls, *BY_SHIM), "chroot", root, compiled("leaky"), *OUT.split()], expect=126
    )
    assert world.judge.leaks == []
    assert any("the shim's file cannot be" in line for line in result.complaints)


def test_a_root_with_us(world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path]) -> None:
    """Our own file being there, at its own place, all is well, without /proc as well."""
    root = _change_root(world, compiled("company"), has_shim=True)
    _talks(
        world,
        one_hop,
        [*wrap(one_hop.urls), "chroot", root, *_company(stage, compiled)],
        "all came back",
    )


def test_a_root_without_us_leaves_the_filter(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path]
) -> None:
    """Where the engine may be another one, the program is wrapped by it."""
    root = _change_root(world, compiled("company"), has_shim=False)
    command = ["chroot", root, *_company(stage, compiled)]
    _talks(world, one_hop, [*wrap(one_hop.urls), *command], "all came back")


@pytest.mark.parametrize("kind", ["static", "of-path"])
def test_a_root_without_proc(world: World, refusing: Chain, compiled: Callable[..., Path], kind: str) -> None:
    """A program given by a descriptor is judged there, too; one that cannot be read is refused."""
    runner = compiled("by_descriptor")
    root = _change_root(world, runner, has_shim=True)
    target = root / "target"
    shutil.copy(compiled("leaky", *(["-static"] if kind == "static" else [])), target)
    command = ["chroot", root, runner, kind, "/target", *OUT.split()]
    result = world.run([*wrap(refusing.urls, *BY_SHIM), *command])
    assert result.text == "Permission denied"
    assert world.judge.leaks == []
    assert len(result.complaints) == 1


def _installed(directory: Path) -> Words:
    """Copy the package, and return the start of a command line that runs the copy."""
    shutil.copytree(Path(proxywrap.__path__[0]), directory / "proxywrap", dirs_exist_ok=True)
    start = f"import sys; sys.path.insert(0, {str(directory)!r}); from proxywrap.cli import main; main()"
    return [sys.executable, "-P", "-c", start]


@pytest.mark.parametrize("name", ["a b:c", "a;b", "a\nb"])
def test_a_directory_with_an_odd_name(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path], name: str
) -> None:
    """Blanks and colons part the words of LD_PRELOAD: children are wrapped still."""
    wrapper = [*_installed(world.directory / name), "-x", one_hop.urls[0], "--"]
    _talks(
        world,
        one_hop,
        [*wrapper, "env", "-i", "sh", "-c", '"$@"', "sh", *_company(stage, compiled)],
        "all came back",
    )


def test_a_private_directory_and_another_user(
    world: World, refusing: Chain, compiled: Callable[..., Path]
) -> None:
    """A user who cannot read the object is refused the program, and told why."""
    place = world.directory / "private"
    wrapper = [*_installed(place), "-x", refusing.urls[0], *BY_SHIM, "--"]
    place.chmod(0o700)
    become = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
    result = world.run([*wrapper, *become, compiled("leaky"), *OUT.split()], expect=None)
    assert result.returncode != 0
    assert world.judge.leaks == []
    assert any("the shim's file cannot be loaded" in line for line in result.complaints)


def test_another_user_who_can_read_us(
    world: World, stage: Stage, one_hop: Chain, compiled: Callable[..., Path]
) -> None:
    """Is wrapped, as apt's own user is."""
    wrapper = [*_installed(world.directory / "public"), "-x", one_hop.urls[0], "--"]
    become = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
    _talks(world, one_hop, [*wrapper, *become, *_company(stage, compiled)], "all came back")


# --- formats that only the kernel's administrator knows

BINFMT = """\
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
echo ':pw:M::PWFORMAT::{interpreter}:' > /proc/sys/fs/binfmt_misc/register
exec "$@"
"""


def test_a_format_of_binfmt_misc(world: World, refusing: Chain, compiled: Callable[..., Path]) -> None:
    """The kernel would start an interpreter that nobody has judged: it is no program to us."""
    static = compiled("leaky", "-static")
    target = world.directory / "target.pw"
    target.write_bytes(b"PWFORMAT\0")
    target.chmod(0o755)
    script = BINFMT.format(interpreter=static)
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    runner = compiled("by_descriptor")
    # Unwrapped it does start, and does not know what to make of TARGET.
    world.run([*namespace, runner, "path", target, *OUT.split()], expect=2)
    result = world.run([*wrap(refusing.urls), *namespace, runner, "path", target, *OUT.split()])
    assert result.text == "Exec format error"
    assert world.judge.leaks == []


# --- allow_unwrapped


def test_leave_to_run_unwrapped(world: World, refusing: Chain, compiled: Callable[..., Path]) -> None:
    """A program that is named runs bare, as COMMAND and as a child, and -v tells of it; no other does."""
    static = compiled("leaky", "-static")
    configuration = world.directory / "leave.conf"
    configuration.write_text(f"allow_unwrapped {static}\n[ProxyList]\n{refusing.urls[0]}\n")
    other = world.directory / "another-static"
    shutil.copy(static, other)
    wrapper = [PROXYWRAP, "-v", *BY_SHIM, "-f", configuration, "--"]
    told = world.run([*wrapper, static, *OUT.split()], expect=None)
    assert world.judge.acquit() != []
    assert any(f"{static} runs unwrapped" in line for line in told.complaints)
    child = world.run([*wrapper, "sh", "-c", '"$@"; true', "sh", static, *OUT.split()])
    assert world.judge.acquit() != []
    assert any(f"{static} runs unwrapped" in line for line in child.complaints)
    refused = world.run([*wrapper, "sh", "-c", '"$@"', "sh", other, *OUT.split()], expect=126)
    assert any("statically linked" in line for line in refused.complaints)


@pytest.mark.parametrize("child", [[], ["sh", "-c", '"$@"', "sh"]], ids=["command", "child"])
def test_what_is_refused_says_how_to_allow_it(
    world: World, refusing: Chain, compiled: Callable[..., Path], child: list[str]
) -> None:
    """The very line, and the file: whoever writes it there is not refused again."""
    static = world.directory / "a static [one]"
    shutil.copy(compiled("leaky", "-static"), static)
    configuration = world.directory / "allowing.conf"
    proxies = f"[ProxyList]\n{refusing.urls[0]}\n"
    configuration.write_text(proxies)
    command = [PROXYWRAP, *BY_SHIM, "-f", configuration, "--", *child, static, *OUT.split()]
    (complaint,) = (line for line in world.run(command, expect=126).complaints if "statically" in line)
    line, _, place = complaint.partition("`allow_unwrapped ")[2].partition("` ")
    assert place == f"above [ProxyList] in {configuration} permits it"
    assert world.judge.leaks == []
    configuration.write_text(f"allow_unwrapped {line}\n{proxies}")
    world.run(command, expect=None)
    assert world.judge.acquit() != []
