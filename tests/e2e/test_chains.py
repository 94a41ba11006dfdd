"""Chains of which some proxies are dead, and lists of which most are."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxywrap.testing import SocksServer

from .kit import origins
from .kit.clients import NAME, PROGRAMS, wrap
from .kit.dead import DEAD, Dead
from .kit.origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .kit.world import Command, World

TIMES = "tcp_connect_time_out 2000\ntcp_read_time_out 1000\n"


@dataclass
class Proxies:
    """Proxies that run, in the order of the file, and their lines in it."""

    places: list[SocksServer | Dead] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def living(self) -> list[SocksServer]:
        """Those that are of use."""
        return [place for place in self.places if isinstance(place, SocksServer)]

    def asked(self) -> list[list[str]]:
        """Return what each of the living was asked for, the helper's own greetings left out."""
        return [
            [access.destination for access in server.log if access.host is not None] for server in self.living
        ]


@contextlib.contextmanager
def proxies(world: World, kinds: Sequence[str]) -> Iterator[Proxies]:
    """Run a proxy for each of `kinds`: `live`, one of DEAD, or `absent`: none yet."""
    made = Proxies()
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            if kind == "absent":
                made.places.append(Dead(world.port()))
                made.lines.append(f"socks5 127.0.0.1 {made.places[-1].port}")
            elif kind == "live":
                server = stack.enter_context(world.running(SocksServer(names={NAME: ORIGIN})))
                made.places.append(server)
                made.lines.append(f"socks5 127.0.0.1 {server.port}")
            else:
                dead = stack.enter_context(world.running(DEAD[kind]()))
                made.places.append(dead)
                made.lines.append(f"socks5 127.0.0.1 {dead.port}{dead.credentials}")
        yield made


def configuration(world: World, made: Proxies, chain: str, times: str = TIMES) -> list[str]:
    """Return the options that have a file with these proxies read."""
    file = world.directory / "chains.conf"
    file.touch(mode=0o600)  # it may hold a password
    file.write_text(f"{chain}\n{times}[ProxyList]\n" + "\n".join(made.lines) + "\n")
    return ["-f", str(file)]


@pytest.fixture(scope="module")
def echo(shared_world: World) -> Iterator[int]:
    """Return the port of an echo server on ORIGIN."""
    with shared_world.running(origins.echo()) as server:
        yield server.port


def connect(
    world: World,
    options: Sequence[str],
    port: int,
    count: int = 1,
    host: str = NAME,
    env: Mapping[str, str] | None = None,
) -> tuple[list[str], list[float], list[str]]:
    """Connect so often; return what came of each, how long each took, and what was said on stderr."""
    argv = [sys.executable, PROGRAMS / "connects.py", host, str(port), str(count)]
    result = world.run([*wrap([], *options), *argv], env=env)
    words = [line.split() for line in result.text.splitlines()]
    return [word for word, _ in words], [float(took) for _, took in words], result.complaints


# -- one dead proxy among living ones ------------------------------------------


@pytest.mark.case("chain-left-out-told")
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("kind", DEAD)
def test_dynamic_does_without_a_dead_one(world: World, echo: int, kind: str, place: int) -> None:
    """It costs the first connection its deadline, the later ones nothing, and one line names it."""
    kinds = ["live", "live"]
    kinds.insert(place, kind)
    with proxies(world, kinds) as made:
        outcomes, took, complaints = connect(world, configuration(world, made, "dynamic_chain"), echo, 4)
        assert outcomes == ["connected"] * 4
        assert len(complaints) == 1
        assert f"127.0.0.1:{made.places[place].port}: " in complaints[0]
        assert complaints[0].endswith("; the chain goes on without it, as dynamic_chain says")
        first, last = made.asked()
        assert [destination for destination in last if NAME in destination] == [f"{NAME}:{echo}"] * 4
        assert first[-3:] == [f"127.0.0.1:{made.living[1].port}"] * 3
        dead = made.places[place]
        assert isinstance(dead, Dead)
        assert dead.connections <= 2
        assert max(took[1:]) < 0.25


@pytest.mark.case("chain-ssh-d-socks4")
@pytest.mark.parametrize("scheme", ["socks4", "socks4a"])
@pytest.mark.parametrize("chain", ["dynamic_chain", "random_chain", "round_robin_chain"])
def test_an_ssh_d_that_is_spoken_to_as_socks4_is_there(
    world: World, proxy: Callable[[str], str], echo: int, chain: str, scheme: str
) -> None:
    """It closes on what nobody can be connected to; it leads on all the same, and not a byte goes past it."""
    with proxies(world, ["live"]) as made:
        made.lines.insert(0, f"{scheme} 127.0.0.1 {proxy('ssh-D').rpartition(':')[2]}")
        options = configuration(world, made, chain)
        outcomes, _, complaints = connect(world, options, echo, 4)
        assert outcomes == ["connected"] * 4
        assert complaints == []
        (asked,) = made.asked()
        assert len(asked) == 4 if chain == "dynamic_chain" else len(asked) < 4


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("kind", DEAD)
def test_strict_needs_all(world: World, echo: int, kind: str, place: int) -> None:
    """Every connection fails, and the dead one is named, once."""
    kinds = ["live", "live"]
    kinds.insert(place, kind)
    with proxies(world, kinds) as made:
        outcomes, _, complaints = connect(world, configuration(world, made, "strict_chain"), echo, 2)
        assert set(outcomes) <= {"EHOSTUNREACH", "ETIMEDOUT", "EACCES"}
        named = f"127.0.0.1:{made.places[place].port}"
        told = [line for line in complaints if not line.endswith("more)")]
        assert len(told) == 1, complaints
        assert named in told[0], complaints


@pytest.mark.parametrize("chain", ["random_chain", "round_robin_chain"])
@pytest.mark.parametrize("kind", DEAD)
def test_lots_and_turns_pass_a_dead_one_over(world: World, echo: int, kind: str, chain: str) -> None:
    """All connections are made, through the living ones alone, and as fast as without it."""
    with proxies(world, ["live", kind, "live"]) as made:
        outcomes, took, complaints = connect(world, configuration(world, made, chain), echo, 12)
        assert outcomes == ["connected"] * 12
        assert complaints == []
        assert sum(map(len, made.asked())) == 12
        dead = made.places[1]
        assert isinstance(dead, Dead)
        assert dead.connections <= 1
        assert max(took[2:]) < 0.25
        if chain == "round_robin_chain":
            assert [len(asked) for asked in made.asked()] == [6, 6]


@pytest.mark.case("chain-all-dead-told")
@pytest.mark.parametrize("chain", ["dynamic_chain", "random_chain\nchain_len = 2", "round_robin_chain"])
def test_where_all_are_dead(world: World, echo: int, chain: str) -> None:
    """Connections fail, and one line names all proxies and what is wrong with each."""
    with proxies(world, ["refused", "refused", "garbage"]) as made:
        outcomes, _, complaints = connect(world, configuration(world, made, chain), echo, 2)
        assert outcomes == ["EHOSTUNREACH"] * 2
        told, *repeats = complaints
        assert told.startswith("proxywrap: no proxy of [ProxyList] can be used: ")
        assert all(f"127.0.0.1:{place.port}: " in told for place in made.places)
        assert repeats == [f"{told} (once more)"]


@pytest.mark.parametrize("chain", ["dynamic_chain", "random_chain", "round_robin_chain"])
def test_a_refused_destination_is_asked_for_once(world: World, chain: str) -> None:
    """What the last proxy says of the destination is final, and no fault of the proxy."""
    with proxies(world, ["live", "live", "live"]) as made:
        port = world.port()
        outcomes, _, complaints = connect(world, configuration(world, made, chain), port, 3)
        assert outcomes == ["ECONNREFUSED"] * 3
        assert complaints == []
        assert sum(asked.count(f"{NAME}:{port}") for asked in made.asked()) == 3


# -- a file that the user may not know of ---------------------------------------------


PACKAGED = "/etc/proxychains4.conf"
"""As Debian's and Kali's package has it: its proxy is a Tor on this host, which does not run here."""


@pytest.mark.case("told-proxychains-line")
@pytest.mark.parametrize(
    ("chain", "begin"),
    [
        ("strict_chain", "socks4://127.0.0.1:9050 ({origin}): "),
        ("dynamic_chain", "no proxy of [ProxyList] can be used: socks4://127.0.0.1:9050 ({origin}): "),
        ("random_chain", "no proxy of [ProxyList] can be used: socks4://127.0.0.1:9050 ({origin}): "),
        ("round_robin_chain", "no proxy of [ProxyList] can be used: socks4://127.0.0.1:9050 ({origin}): "),
    ],
)
def test_a_file_of_proxychains_is_named_with_the_line(
    world: World, echo: int, chain: str, begin: str, tmp_path: Path
) -> None:
    """A fault says where the proxy is written, without `-v`, whatever the kind of chain."""
    text = Path(PACKAGED).read_text(encoding="utf-8").replace("\nstrict_chain\n", f"\n{chain}\n")
    second = f"socks5 127.0.0.1 {world.port()}\n"
    file = tmp_path / ".proxychains" / "proxychains4.conf"
    file.parent.mkdir()
    file.write_text(text + second)
    line = text.splitlines().index("socks4 \t127.0.0.1 9050") + 1
    told, *_ = connect(world, [], echo, env={"HOME": str(tmp_path)})[2]
    assert told.startswith("proxywrap: " + begin.format(origin=f"{file}:{line}"))
    if chain != "strict_chain":
        assert f" ({file}:{len(text.splitlines()) + 1}): " in told


@pytest.mark.case("told-proxychains-line")
def test_the_file_of_the_package_is_named_with_the_line(world: World, echo: int, tmp_path: Path) -> None:
    """The file in /etc, which a user who wrote none has never seen."""
    line = Path(PACKAGED).read_text(encoding="utf-8").splitlines().index("socks4 \t127.0.0.1 9050") + 1
    told, *_ = connect(world, [], echo, env={"HOME": str(tmp_path)})[2]
    assert told.startswith(f"proxywrap: socks4://127.0.0.1:9050 ({PACKAGED}:{line}): ")


@pytest.mark.case("told-proxychains-line")
def test_what_a_file_of_proxychains_goes_on_without_is_named_with_the_line(
    world: World, echo: int, tmp_path: Path
) -> None:
    """So it is where another proxy of a dynamic chain lives."""
    file = tmp_path / ".proxychains" / "proxychains.conf"
    file.parent.mkdir()
    with proxies(world, ["refused", "live"]) as made:
        file.write_text("\n".join(["dynamic_chain", "proxy_dns", "[ProxyList]", *made.lines]) + "\n")
        outcomes, _, complaints = connect(world, [], echo, env={"HOME": str(tmp_path)})
        assert outcomes == ["connected"]
        hop = f"socks5://127.0.0.1:{made.places[0].port}"
        assert [told.partition(": ")[2].startswith(f"{hop} ({file}:4): ") for told in complaints] == [True]


# -- life and death ----------------------------------------------------------------


@contextlib.contextmanager
def connecting(world: World, options: Sequence[str], port: int, count: int) -> Iterator[Command]:
    """Run a program that connects whenever `next_outcome` asks it to."""
    argv = [*wrap([], *options), sys.executable, PROGRAMS / "connects.py", NAME, str(port), str(count)]
    with world.start(argv, stdin=subprocess.PIPE) as process:
        yield process
        process.communicate(timeout=20)


def next_outcome(process: Command, *, is_first: bool = False) -> tuple[str, float]:
    """Return what comes of the next connection."""
    assert process.stdin is not None
    assert process.stdout is not None
    if not is_first:
        process.stdin.write(b"\n")
        process.stdin.flush()
    outcome, took = process.stdout.readline().decode().split()
    return outcome, float(took)


@pytest.mark.parametrize("chain", ["dynamic_chain", "random_chain", "round_robin_chain"])
def test_a_dead_proxy_comes_back(world: World, echo: int, chain: str) -> None:
    """It is asked again when its pause is over, behind the program's back, and used when it lives."""
    with proxies(world, ["live", "absent"]) as made:
        options = configuration(world, made, chain)
        count = 60
        with connecting(world, options, echo, count) as process:
            assert next_outcome(process, is_first=True)[0] == "connected"
            reborn = SocksServer(port=made.places[1].port, names={NAME: ORIGIN})
            with world.running(reborn):
                deadline = time.monotonic() + 20
                done = 1
                while not any(access.destination == f"{NAME}:{echo}" for access in reborn.log):
                    assert time.monotonic() < deadline
                    assert done < count - 1
                    time.sleep(0.25)
                    outcome, took = next_outcome(process)
                    assert outcome == "connected"
                    assert took < 0.25
                    done += 1
                process.kill()


# -- company ---------------------------------------------------------------------------


@pytest.mark.parametrize("chain", ["dynamic_chain", "random_chain", "round_robin_chain\nchain_len = 2"])
def test_health_and_turns_are_shared(world: World, echo: int, chain: str) -> None:
    """Eight processes of 32 threads: no connection is lost, and the dead are asked once for all."""
    kinds = ["live", "garbage", "live", "refused", "live", "black-holed"]
    with proxies(world, kinds) as made:
        options = configuration(world, made, chain, "")
        program = PROGRAMS / "crowd.py"
        result = world.run(
            [*wrap([], *options), sys.executable, program, NAME, str(echo), "8", "32", "3"], timeout=90
        )
        assert result.text == f"{8 * 32 * 3} connected", result.complaints
        garbage = made.places[1]
        assert isinstance(garbage, Dead)
        assert garbage.connections <= 6
        last = [asked.count(f"{NAME}:{echo}") for asked in made.asked()]
        assert sum(last) == 8 * 32 * 3
        if chain.startswith("random"):
            assert min(last) > 100


# -- a list of which nearly all are dead --------------------------------------------------


MOST = 512
LIVING = (170, 301, 440)


@contextlib.contextmanager
def mostly_dead(world: World) -> Iterator[Proxies]:
    """Run MOST proxies of which but LIVING are dead, each of another sort than the one before."""
    kinds = ["refused", "black-holed", "garbage", "closing"]
    made = Proxies()
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(world.running(DEAD[kind]("0.0.0.0"))) for kind in kinds]
        for at in range(MOST):
            if at in LIVING:
                server = stack.enter_context(world.running(SocksServer(names={NAME: ORIGIN})))
                made.places.append(server)
                made.lines.append(f"socks5 127.0.0.1 {server.port}")
                continue
            scheme = ("socks5", "http", "socks4")[at // len(kinds) % 3]
            made.lines.append(f"{scheme} 127.7.{at // 250}.{at % 250 + 1} {places[at % len(kinds)].port}")
        yield made


@pytest.mark.parametrize(
    "chain",
    [
        "random_chain",
        "random_chain\nchain_len = 2",
        "round_robin_chain",
        "round_robin_chain\nchain_len = 2",
        "dynamic_chain",
    ],
)
def test_509_dead_of_512(world: World, echo: int, chain: str) -> None:
    """The first connection is there by the connect deadline, later ones are as fast as if all lived."""
    count = 30
    with mostly_dead(world) as made:
        options = configuration(world, made, chain, "")
        outcomes, took, complaints = connect(world, options, echo, count)
        assert outcomes == ["connected"] * count
        # Those behind the last living one may be asked or not.
        assert len(complaints) == (9 if chain == "dynamic_chain" else 0)
        assert took[0] < 10
        assert max(took[1:]) < 0.25
        assert sum(asked.count(f"{NAME}:{echo}") for asked in made.asked()) == count


@pytest.mark.parametrize("engine", ["auto", "seccomp"])
def test_a_survey_ends_with_its_program(world: World, echo: int, engine: str) -> None:
    """A program that is killed while hundreds of proxies are asked leaves nobody behind that asks on."""
    with mostly_dead(world) as made:
        options = configuration(world, made, "random_chain\nchain_len = 3", "")
        argv = [*wrap([], *options, "--engine", engine), "timeout", "-s", "KILL", "0.7"]
        began = time.monotonic()
        world.run([*argv, sys.executable, PROGRAMS / "connects.py", NAME, str(echo), "1"], expect=None)
        assert world.wait_deserted(3) == {}
        assert time.monotonic() - began < 3
