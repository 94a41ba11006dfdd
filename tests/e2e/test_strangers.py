"""What another user of the host can do to wrapped programs, and what he learns of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from .kit.clients import PROGRAMS, PROXYWRAP, wrap
from .kit.origins import ORIGIN
from .kit.ready import ask
from .kit.world import factor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .kit.building import Builder
    from .kit.chains import Chain
    from .kit.clients import Stage, Words
    from .kit.world import Command, World

STRANGER = "4242"
LINGER_S = 15
SOON_S = 5.0
"""Long enough for a slow machine, and a third of how long a close() lingers."""

TELL = 'echo "$PROXYWRAP_CHANNEL" $PPID; while read -r line; do "$@"; echo "status $?"; done'


@dataclass(frozen=True, slots=True)
class Held:
    """A wrapped shell that runs a command for each line, and what it knows of its helper."""

    process: Command
    helper: int
    token: str
    abstract: str
    path: str

    def runs(self) -> list[str]:
        """Run the command; return what it says, its status the last."""
        return [line.decode() for line in ask(self.process)]

    def kill_helper(self) -> None:
        """Have the helper gone, and its names with it."""
        os.kill(self.helper, signal.SIGKILL)
        assert self.process.stderr is not None
        assert b"the helper has died" in self.process.stderr.readline()


@contextlib.contextmanager
def held(
    world: World, prefix: Words, argv: Sequence[object], env: Mapping[str, str] | None = None
) -> Iterator[Held]:
    """Start it."""
    command = [*prefix, "sh", "-c", TELL, "sh", *argv]
    with world.start(command, stdin=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        channel, helper = process.stdout.readline().decode().split()
        fields = channel.split(":")
        abstract = next(each for each in fields if each.startswith("proxywrap-"))
        path = next(each for each in fields if each.endswith("/control"))
        yield Held(process, int(helper), fields[1], abstract, path)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20 * factor())


@contextlib.contextmanager
def started(world: World, argv: Sequence[object], word: bytes) -> Iterator[Command]:
    """Start a stranger's program, and wait until it says that it is ready; it is gone afterwards."""
    with world.start([sys.executable, *argv], stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == word + b"\n"
        yield process


def heard(impostor: Command) -> list[str]:
    """Have an impostor end; return what it was told."""
    stdout, _ = impostor.communicate(timeout=20 * factor())
    return stdout.decode().splitlines()


def impostor(world: World, it: Held, *places: str) -> contextlib.AbstractContextManager[Command]:
    """Have a stranger listen in the helper's place."""
    return started(world, [PROGRAMS / "impostor.py", STRANGER, it.token, *places], b"ready")


def _programs(stage: Stage, compiled: Builder) -> dict[str, list[object]]:
    talk = "exchange", "site.test", stage.echo.port
    return {
        "curl": ["curl", "-sS", stage.url],
        "address": ["curl", "-sS", f"http://{ORIGIN}:{stage.web.port}"],
        "musl": [compiled("talk", compiler="musl-gcc"), *talk],
        "static": [compiled("talk", "-static"), *talk],
        "user namespace": ["unshare", "-r", "curl", "-sS", stage.url],
        "another uid": ["setpriv", "--reuid", "4243", "--clear-groups", "curl", "-sS", stage.url],
    }


KINDS = ["curl", "address", "musl", "static", "user namespace", "another uid"]


# ---
# Who listens


@pytest.mark.case("stranger-abstract-name")
@pytest.mark.parametrize("kind", KINDS)
def test_who_takes_the_name_of_a_helper_that_has_died_is_told_nothing(
    one_hop: Chain, stage: Stage, compiled: Builder, kind: str
) -> None:
    """No token, no name, no socket: the connection is closed again, and the program's is refused."""
    world, argv = stage.world, _programs(stage, compiled)[kind]
    with held(world, wrap(one_hop.urls), argv) as it:
        it.kill_helper()
        with impostor(world, it, f"@{it.abstract}") as other:
            assert it.runs()[-1] != "status 0"
            told = heard(other)
    assert set(told) == {"nothing"}
    assert world.judge.leaks == []


@pytest.mark.case("stranger-directory")
def test_who_makes_the_directory_of_a_helper_that_has_died_is_told_nothing(
    one_hop: Chain, stage: Stage
) -> None:
    """In /tmp anybody may make one of the same name."""
    world, argv = stage.world, ["curl", "-sS", stage.url]
    place = world.directory / "open"
    place.mkdir(exist_ok=True)
    place.chmod(0o1777)
    env = {"XDG_RUNTIME_DIR": "", "TMPDIR": str(place)}
    with held(world, wrap(one_hop.urls), argv, env) as it:
        it.kill_helper()
        with impostor(world, it, it.path) as other:
            assert it.runs()[-1] != "status 0"
            assert set(heard(other)) == {"nothing"}
    subprocess.run(["rm", "-rf", place], check=True)


@pytest.mark.case("stranger-challenge")
def test_where_user_ids_mean_nothing_a_stranger_is_challenged_and_told_nothing(
    one_hop: Chain, stage: Stage
) -> None:
    """In a user namespace without a map all listeners look alike; the challenge has nothing of ours in it."""
    world, argv = stage.world, ["unshare", "-Ufp", "curl", "-sS", stage.url]
    with held(world, wrap(one_hop.urls), argv) as it:
        it.kill_helper()
        with impostor(world, it, f"@{it.abstract}") as other:
            assert it.runs()[-1] != "status 0"
            assert set(heard(other)) == {"op=9 name= token=False descriptors=0"}


@pytest.mark.case("stranger-namespaces")
@pytest.mark.parametrize(
    "inside",
    [
        ["unshare", "-U"],
        ["unshare", "-r"],
        ["unshare", "-rfp", "--mount-proc"],
        ["unshare", "-fp"],
        ["setpriv", "--reuid", "4243", "--clear-groups"],
        ["setpriv", "--reuid", "4243", "--clear-groups", "unshare", "-r"],
        ["setpriv", "--reuid", "4243", "--clear-groups", "unshare", "-U"],
        ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc; exec "$@"', "sh"],
    ],
    ids=" ".join,
)
def test_the_helper_itself_is_known_in_every_namespace(
    one_hop: Chain, stage: Stage, inside: list[str]
) -> None:
    """Where its user id is mapped, or is not, and where its process has no number."""
    argv = [*wrap(one_hop.urls), *inside, "curl", "-sS", stage.url]
    assert stage.world.run(argv).text == "it works"


@pytest.mark.parametrize("inside", [["unshare", "-rn"], ["unshare", "-Un"]], ids=" ".join)
def test_the_helper_is_known_by_its_path_from_another_network(
    one_hop: Chain, world: World, inside: list[str]
) -> None:
    """Names are asked for; nobody connects from there."""
    argv = [*wrap(one_hop.urls), *inside, "getent", "ahostsv4", "site.test"]
    assert world.run(argv).text.startswith("198.1")


def test_reload_asks_no_stranger(world: World) -> None:
    """Neither in a directory of his by the name of ours, nor in one of ours."""
    place = world.directory / "open"
    place.mkdir(exist_ok=True)
    place.chmod(0o1777)
    env = {"XDG_RUNTIME_DIR": "", "TMPDIR": str(place)}
    argv = [PROGRAMS / "impostor.py", STRANGER, "00", place / "proxywrap-000000000000" / "reload"]
    with started(world, argv, b"ready") as other:
        control = [PROXYWRAP.with_name("proxywrapctl"), "reload"]
        world.run(control, env=env, expect=None)
        assert heard(other) == []
    ours = place / "proxywrap-000000000001"
    ours.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.bind(str(ours / "reload"))
        os.seteuid(int(STRANGER))
        try:
            sock.listen()  # which is what the kernel remembers the user of
        finally:
            os.seteuid(0)
        world.run(control, env=env, expect=None)
        with sock.accept()[0] as connection:
            assert connection.recv(100) == b""
    subprocess.run(["rm", "-rf", place], check=True)


# ---
# Who sends descriptors


@pytest.mark.case("stranger-descriptors")
def test_descriptors_of_strangers_hold_nobody_up(one_hop: Chain, stage: Stage) -> None:
    """Their close() lingers as long as their owner likes: in a thread of its own, and not for long."""
    world, argv = stage.world, ["curl", "-sS", stage.url]
    with held(world, wrap(one_hop.urls), argv) as it:
        lingerers = [PROGRAMS / "lingerers.py", STRANGER, it.abstract, 40, LINGER_S]
        with started(world, lingerers, b"passed"):
            before = time.monotonic()
            assert it.runs() == ["it works", "status 0"]
            assert time.monotonic() - before < SOON_S
            assert _sockets_go(it.helper, SOON_S)


def _sockets_go(pid: int, within_s: float) -> bool:
    """Tell whether a helper comes to have no more descriptors than one that was left alone."""
    end = time.monotonic() + within_s * factor()
    while len(os.listdir(f"/proc/{pid}/fd")) > 20:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.case("stranger-killed-sender")
def test_a_program_that_is_killed_in_a_waiting_send_holds_nobody_up(
    one_hop: Chain, stage: Stage, compiled: Builder
) -> None:
    """Its socket is left to the helper alone, and lingers."""
    world = stage.world
    sender, other = compiled("lingering_send", "-static"), compiled("talk", "-static")
    script = (
        f'{sender} "$1" {LINGER_S} & read -r line; kill -9 $!; wait $! 2>/dev/null; echo killed; '
        f"while read -r line; do {other} peer site.test {stage.web.port} >/dev/null; echo done; done"
    )
    with _silent(world) as port:
        argv = [*wrap(one_hop.urls), "sh", "-c", script, "sh", port]
        with world.start(argv, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"sending\n"
            time.sleep(0.5)  # it fills its buffers, and waits
            process.stdin.write(b"kill\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"killed\n"
            began = before = time.monotonic()
            while before - began < 1:
                process.stdin.write(b"go\n")
                process.stdin.flush()
                assert process.stdout.readline() == b"done\n"
                now = time.monotonic()
                assert now - before < SOON_S
                before = now
            process.stdin.close()
            process.wait(20 * factor())


@contextlib.contextmanager
def _silent(world: World) -> Iterator[int]:
    """Have a listener inside that accepts and never reads."""

    async def listen() -> socket.socket:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        return sock

    with world.call(listen) as sock:
        yield sock.getsockname()[1]
