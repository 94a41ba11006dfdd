"""SSH servers as hops, by the system's own ssh: OpenSSH at both ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from net.certificates import make_certificates

from .conftest import HOSTS
from .kit import foreign
from .kit.clients import CLIENTS, NAME, PROGRAMS, PROXYWRAP, wrap
from .kit.home import Home
from .kit.origins import BANNER, PAYLOAD, banner_first, digest, serving, until_closed
from .kit.world import factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kit.building import Builder
    from .kit.clients import Stage
    from .kit.world import Command, World

GATE, INNER = "ssh://gate", "ssh://inner"
FETCH = ["curl", "-sS", "-o", "/dev/null"]


@pytest.fixture(scope="module")
def servers(shared_world: World) -> Iterator[dict[str, foreign.Sshd]]:
    """Two, and the second alone is asked for what only it knows."""
    with (
        foreign.sshd(shared_world, "127.0.0.1", HOSTS) as gate,
        foreign.sshd(shared_world, "127.0.0.1", HOSTS) as inner,
    ):
        yield {"gate": gate, "inner": inner}


@pytest.fixture(scope="module")
def home(shared_world: World, servers: dict[str, foreign.Sshd]) -> Home:
    """Have the right keys, for both."""
    return Home.make(shared_world, "right", **servers)


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _clients_of_ssh(world: World) -> list[int]:
    """Return the ssh clients that are inside."""
    found = []
    for pid in world.residents():
        with contextlib.suppress(OSError):
            if _status(pid)["Name"] == "ssh":
                found.append(pid)
    return found


def _ends(pid: int) -> bool:
    """Wait for the end of a process; return whether it comes."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 20 * factor())[0])
    finally:
        os.close(pidfd)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_program_through_ssh(world: World, stage: Stage, home: Home, client: str) -> None:
    """Over 1 MiB each way, by a name that only the server knows."""
    CLIENTS[client](stage, home.of(wrap(GATE)))
    assert world.judge.leaks == []


@pytest.mark.parametrize("engine", ["seccomp", "both"])
def test_the_other_engines(world: World, stage: Stage, home: Home, engine: str) -> None:
    """Parked and lent sockets are relayed by the same way; ssh itself is under no filter."""
    CLIENTS["curl"](stage, home.of(wrap(GATE, "--engine", engine)))
    assert world.judge.leaks == []


@pytest.mark.parametrize("verb", ["exchange", "limited"])
def test_a_static_program(world: World, stage: Stage, home: Home, compiled: Builder, verb: str) -> None:
    """1 MiB there and back, with a half-close between."""
    talk = compiled("talk", "-static")
    command = home.of([*wrap(GATE), talk, verb, NAME, stage.echo.port])
    assert world.run(command, stdin=PAYLOAD[: 1 << 20], resolver_s=5).stdout == PAYLOAD[: 1 << 20]


@pytest.mark.parametrize(
    "order", [("socks5", "ssh"), ("ssh", "socks5"), ("ssh", "inner"), ("socks5", "ssh", "http", "inner")]
)
def test_ssh_anywhere_in_a_chain(
    world: World, stage: Stage, home: Home, proxy: Callable[[str], str], order: tuple[str, ...]
) -> None:
    """Behind another hop ssh has its connection from there, and still its own configuration."""
    urls = {"socks5": proxy("microsocks-password"), "http": proxy("tinyproxy"), "ssh": GATE, "inner": INNER}
    prefix = home.of(wrap([urls[kind] for kind in order]))
    CLIENTS["curl"](stage, prefix)
    CLIENTS["nc"](stage, prefix)
    assert world.judge.leaks == []


def test_ssh_behind_tls(world: World, stage: Stage, home: Home, proxy: Callable[[str], str]) -> None:
    """What is no plain socket is carried for ssh, and over ssh TLS is spoken again."""
    certificates = make_certificates(world.directory, "127.0.0.1")
    port = int(proxy("microsocks").rpartition(":")[2])
    with foreign.stunnel(world, port, certificates.right) as secure:
        url = f"socks5+tls://127.0.0.1:{secure}?ca={certificates.ca}"
        for chain in ([url, GATE], [url, GATE, url]):
            CLIENTS["curl"](stage, home.of(wrap(chain)))
            CLIENTS["nc"](stage, home.of(wrap(chain)))
    assert world.judge.leaks == []


@pytest.mark.parametrize("chain", [[GATE], [GATE, INNER]])
def test_a_banner(world: World, home: Home, chain: list[str]) -> None:
    """A server that speaks first, blocking and not: not a byte is lost."""
    with world.running(banner_first()) as origin:
        argv = [sys.executable, PROGRAMS / "banner.py", NAME, str(origin.port), str(len(BANNER))]
        result = world.run(home.of([*wrap(chain), *argv]))
    assert result.text.splitlines() == [f"{digest(BANNER)} and back"] * 2


def test_a_user_and_a_port_in_the_url(world: World, stage: Stage, servers: dict[str, foreign.Sshd]) -> None:
    """Count more than those of ssh's configuration."""
    server = servers["gate"]
    home = Home.make(world, "other")
    home.add("there", HostName="127.0.0.1", Port=1, User="nobody", HostKeyAlias="the-origin")
    home.add("*", IdentityFile=server.key, UserKnownHostsFile=server.known_hosts)
    CLIENTS["curl"](stage, home.of(wrap(f"ssh://root@there:{server.port}")))


# --- what goes wrong --------------------------------------------------------


def test_a_refused_destination(world: World, home: Home) -> None:
    """Is the program's to hear, and nobody else's; its own server's error is told, not another one."""
    argv = [*wrap(GATE), sys.executable, PROGRAMS / "outcome.py", NAME, str(world.port())]
    result = world.run(home.of(argv))
    assert result.text.splitlines() == ["blocking ECONNREFUSED", "nonblocking EINPROGRESS ECONNREFUSED"]
    assert result.complaints == []


@pytest.mark.case("told-unknown-name")
def test_a_name_that_the_server_does_not_know(world: World, home: Home) -> None:
    """The program sees no route; one line says that the server could not resolve the name."""
    argv = [*wrap(GATE), sys.executable, PROGRAMS / "outcome.py", "typo.test", "80"]
    result = world.run(home.of(argv))
    world.judge.acquit()  # the server has asked its name server
    assert result.text.splitlines() == ["blocking EHOSTUNREACH", "nonblocking EINPROGRESS EHOSTUNREACH"]
    assert result.complaints[0].startswith(f"proxywrap: typo.test: {GATE}: connect failed: ")
    assert result.complaints[0].endswith(": it could not resolve the name, or not reach its host")


@pytest.mark.parametrize(
    ("settings", "url", "error", "reason"),
    [
        (
            {"IdentityFile": "{other}"},
            GATE,
            "EACCES",
            (
                "lets us in with no key that ssh has (publickey,keyboard-interactive): "
                "give it the right one, by ssh-add or as IdentityFile in ssh's configuration"
            ),
        ),
        (
            {"UserKnownHostsFile": "/dev/null"},
            GATE,
            "EHOSTUNREACH",
            (
                "its host key is not known here: connect to it once by ssh, "
                "and accept the key if it is the right one"
            ),
        ),
        (
            {"UserKnownHostsFile": "{wrong}"},
            GATE,
            "EHOSTUNREACH",
            (
                "its host key is another one than known_hosts has: find out why before you trust it; "
                "`ssh-keygen -R` with its name removes the old one"
            ),
        ),
        (
            {"Port": 1},
            GATE,
            "EHOSTUNREACH",
            "cannot be connected to: Connection refused: is it running, and is that its port?",
        ),
        (
            {},
            "ssh://nobody.test",
            "EHOSTUNREACH",
            "its name cannot be resolved: Name or service not known: is it spelt right?",
        ),
        (
            {"NoSuchOption": "yes"},
            GATE,
            "EHOSTUNREACH",
            (
                "ssh has ended: {config}: terminating, 1 bad configuration options: "
                "does `ssh -v` to that host say more?"
            ),
        ),
    ],
    ids=["key", "unknown-host-key", "changed-host-key", "nobody", "no-name", "configuration"],
)
def test_a_fault_of_the_hop(
    world: World,
    servers: dict[str, foreign.Sshd],
    settings: dict[str, object],
    url: str,
    error: str,
    reason: str,
) -> None:
    """Each has a line that says what to do, once."""
    gate, inner = servers["gate"], servers["inner"]
    wrong = world.directory / "wrong_hosts"
    wrong.write_text(f"the-origin {(inner.known_hosts.parent / 'host_key.pub').read_text()}")
    home = Home.make(world, f"wrong-{os.urandom(4).hex()}")
    given = {name: str(value).format(other=inner.key, wrong=wrong) for name, value in settings.items()}
    home.add("gate", **given)
    home.add("gate", HostName="127.0.0.1", Port=gate.port, User="root", HostKeyAlias="the-origin")
    home.add("gate", IdentitiesOnly="yes", UserKnownHostsFile=gate.known_hosts)
    if "IdentityFile" not in given:
        home.add("gate", IdentityFile=gate.key)
    argv = [*wrap(url), sys.executable, PROGRAMS / "outcome.py", NAME, "80"]
    result = world.run(home.of(argv))
    assert result.text.splitlines() == [f"blocking {error}", f"nonblocking EINPROGRESS {error}"]
    expected = reason.format(config=home.config)
    assert result.complaints[0].startswith(f"proxywrap: {url}: {expected}")
    world.judge.acquit()  # ssh itself asks for the name of a first hop, as anybody would


def test_a_server_that_forbids_it(world: World) -> None:
    """Is the chain's fault, and told as one."""
    with foreign.sshd(world, "127.0.0.1", HOSTS, "AllowTcpForwarding no") as server:
        home = Home.make(world, "forbidden", gate=server)
        argv = [*wrap(GATE), sys.executable, PROGRAMS / "outcome.py", NAME, "80"]
        result = world.run(home.of(argv))
    assert result.text.splitlines() == ["blocking EACCES", "nonblocking EINPROGRESS EACCES"]
    assert result.complaints[0].startswith(f"proxywrap: {GATE}: administratively prohibited: open failed: ")


def test_a_password_is_refused(world: World) -> None:
    """And not shown."""
    result = world.run([*wrap("ssh://me:s3cret@gate"), "true"], expect=125)
    assert result.complaints == [
        (
            "proxywrap: -x: expected ssh://[USER@]HOST[:PORT]: "
            "ssh logs in by keys and its agent, with no password of ours"
        )
    ]


def test_without_ssh(world: World, home: Home) -> None:
    """Somebody has to install it."""
    argv = ["/usr/bin/env", "PATH=/nowhere", *wrap(GATE)]
    result = world.run(home.of([*argv, sys.executable, PROGRAMS / "outcome.py", NAME, "80"]))
    expected = (
        f"proxywrap: {GATE}: ssh cannot be started: No such file or directory: install OpenSSH's client"
    )
    assert result.complaints[0].startswith(expected)


# --- many, and the end ------------------------------------------------------


def test_twenty_at_once(world: World, stage: Stage) -> None:
    """No more log in at a time than a server lets as it comes."""
    with foreign.sshd(world, "127.0.0.1", HOSTS, "MaxStartups 10:100:10") as server:
        home = Home.make(world, "many", gate=server)
        urls = [word for _ in range(20) for word in ("-o", "/dev/null", f"{stage.url}/")]
        argv = ["curl", "--no-progress-meter", "-Z", "--parallel-immediate", "--parallel-max", "20", *urls]
        result = world.run(home.of([*wrap(GATE), *argv]))
    assert result.complaints == []


@contextlib.contextmanager
def _silent(world: World) -> Iterator[tuple[int, list[bytes]]]:
    """Run a server that says `well`, and nothing else ever; yield its port and what it was told."""
    told: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"well\n")
        told.append(await reader.read())
        await reader_forever.wait()
        await until_closed(writer)

    reader_forever = asyncio.Event()
    with world.running(serving(handle)) as origin:
        yield origin.port, told
        world.call(_set, reader_forever)


async def _set(event: asyncio.Event) -> None:
    event.set()


TALKING = """
import socket, sys, time
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print(sock.makefile().readline().strip(), flush=True)
sock.sendall(b"last words")
{then}
"""


def test_last_words_to_a_server_that_does_not_hang_up(world: World, home: Home) -> None:
    """They arrive, nobody waits for its end, and ssh ends all the same."""
    with _silent(world) as (port, told):
        began_s = time.monotonic()
        world.run(home.of([*wrap(GATE), sys.executable, "-c", TALKING.format(then=""), NAME, str(port)]))
        assert time.monotonic() - began_s < 20 * factor()
        assert told == [b"last words"]
        assert all(_ends(pid) for pid in _clients_of_ssh(world))


@contextlib.contextmanager
def _talking(world: World, home: Home, port: int, then: str) -> Iterator[tuple[Command, int, int]]:
    """Run a program that has been welcomed; yield it, the helper and the ssh that it has."""
    script = TALKING.format(then=then)
    command = home.of([*wrap(GATE), sys.executable, "-c", script, NAME, str(port)])
    with world.start(command, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"well\n"
        (ssh,) = _clients_of_ssh(world)
        yield process, int(_status(ssh)["PPid"]), ssh


def test_kill_of_the_command(world: World, home: Home) -> None:
    """Leaves no ssh, and no file."""
    with (
        _silent(world) as (port, _told),
        _talking(world, home, port, "time.sleep(1000)") as (process, helper, ssh),
    ):
        children = Path(f"/proc/{helper}/task/{helper}/children").read_text().split()
        (command,) = (int(pid) for pid in children if int(pid) != ssh)
        os.kill(command, signal.SIGKILL)
        assert process.wait(20 * factor()) == -signal.SIGKILL
        assert world.wait_deserted() == {}
        assert world.runtime_files() == []


def test_kill_of_the_helper(world: World, home: Home) -> None:
    """Leaves no ssh either, though the destination says nothing."""
    with (
        _silent(world) as (port, _told),
        _talking(world, home, port, "sys.stdin.read()") as (process, helper, ssh),
    ):
        handle = os.pidfd_open(ssh)
        os.kill(helper, signal.SIGKILL)
        assert select.select([handle], [], [], 20 * factor())[0]
        os.close(handle)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20 * factor()) == 0


def test_what_reaches_ssh(world: World, home: Home) -> None:
    """Neither the shim nor a terminal, nor what a supervisor sends to everybody."""
    with (
        _silent(world) as (port, _told),
        _talking(world, home, port, "time.sleep(1000)") as (process, _helper, ssh),
    ):
        assert os.getsid(ssh) == ssh
        environment = Path(f"/proc/{ssh}/environ").read_text().split("\0")
        names = {entry.partition("=")[0] for entry in environment}
        assert not names & {"LD_PRELOAD", "PROXYWRAP_CHANNEL", "PROXYWRAP_PROXY"}
        status = _status(ssh)
        assert status["Seccomp"] == _status(os.getpid())["Seccomp"]
        assert int(status["SigIgn"], 16) >> (signal.SIGTERM - 1) & 1
        process.terminate()
        assert process.wait(20 * factor()) == -signal.SIGTERM


def test_the_agent(world: World, stage: Stage, servers: dict[str, foreign.Sshd]) -> None:
    """Has the only key."""
    server = servers["gate"]
    home = Home.make(world, "agent")
    home.add("gate", HostName="127.0.0.1", Port=server.port, User="root", HostKeyAlias="the-origin")
    home.add("gate", UserKnownHostsFile=server.known_hosts, IdentityFile="none")
    with_key = ["ssh-agent", "sh", "-c", 'ssh-add -q "$0" && exec "$@"', server.key]
    result = world.run(home.of([*with_key, *wrap(GATE), *FETCH, f"{stage.url}/"]))
    assert result.complaints == []


def test_a_server_that_dies(world: World, home: Home) -> None:
    """Is a reset to the program, not the end of what it reads."""
    with (
        _silent(world) as (port, _told),
        _talking(world, home, port, "print(sock.recv(1))") as (process, _helper, ssh),
    ):
        os.kill(ssh, signal.SIGKILL)
        assert process.stderr is not None
        assert b"ConnectionResetError" in process.stderr.read()


def test_a_dead_server_in_a_dynamic_chain(world: World, stage: Stage, home: Home) -> None:
    """Is found out, and gone on without."""
    home.add("dead", HostName="127.0.0.1", Port=1)
    file = world.directory / "dynamic.conf"
    file.write_text(f"dynamic_chain\n[ProxyList]\nssh://dead\n{GATE}\n{INNER}\n")
    argv = home.of([PROXYWRAP, "-v", "-f", file, "--", *FETCH, f"{stage.url}/"])
    lines = world.run(argv).complaints
    assert any(f"connected, {GATE} > {INNER}" in line for line in lines), lines


def test_check(world: World, home: Home) -> None:
    """Tells who lets us in, and why the others do not."""
    control = PROXYWRAP.with_name("proxywrapctl")
    good = world.run(home.of([control, "check", "-x", GATE, "-x", INNER]))
    assert [line.split()[:4] for line in good.text.splitlines()[1:3]] == [
        [GATE, "yes", "ssh", "accepted"],
        [INNER, "yes", "ssh", "accepted"],
    ]
    bad = world.run(home.of([control, "check", "-x", "ssh://no-such-user@gate"]), expect=1)
    assert "ssh://***@gate: lets us in with no key that ssh has" in bad.text
    assert [line.split()[:4] for line in bad.text.splitlines()[1:2]] == [
        ["ssh://***@gate", "yes", "ssh", "refused"]
    ]


def test_another_ssh_that_has_the_connection(
    world: World, stage: Stage, servers: dict[str, foreign.Sshd]
) -> None:
    """A ControlPath of the user's is used, and what lies behind another hop goes its own way."""
    home = Home.make(world, "shared", **servers)
    control = world.directory / "control"
    home.add("*", ControlPath=control)
    master = home.of(["ssh", "-N", "-o", "ControlMaster=yes", "gate"])
    with world.start(master) as process, world.employing(process):
        while not control.exists():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        CLIENTS["curl"](stage, home.of(wrap(GATE)))
        result = world.run(
            home.of([*wrap(GATE), sys.executable, PROGRAMS / "outcome.py", NAME, str(world.port())])
        )
        assert result.text.splitlines()[0] == "blocking ECONNREFUSED"
        assert result.complaints == []
        process.terminate()
