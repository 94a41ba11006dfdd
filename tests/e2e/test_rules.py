"""Rules: what becomes of a connection by where it goes and whose it is, however the program is entered."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from proxywrap.testing import SocksServer

from .kit import origins
from .kit.clients import NAME, PROGRAMS, wrap
from .kit.origins import ORIGIN
from .kit.world import UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .kit.world import World

LITERAL, MAPPED = "198.51.100.7", "::ffff:198.51.100.7"
SIX = "2001:db8:5::7"
NAMES = {NAME: ORIGIN, "www.site.test": ORIGIN, LITERAL: ORIGIN, SIX: ORIGIN}


@dataclass
class Stage:
    """Two chains, and where they lead."""

    world: World
    main: SocksServer
    office: SocksServer
    port: int
    other_port: int

    def options(self, rules: str, *more: str) -> list[str]:
        """Return the options that have a file with these rules read."""
        file = self.world.directory / "rules.conf"
        file.write_text(
            f"strict_chain\n[ProxyList]\nsocks5 127.0.0.1 {self.main.port}\n"
            f"[chain office]\nsocks5 127.0.0.1 {self.office.port}\n[rules]\n{rules}\n"
        )
        return ["-f", str(file), *more]

    def reset(self) -> None:
        """Forget what was asked for."""
        self.main.log.clear()
        self.office.log.clear()

    def way(self, outcome: str) -> str:
        """Return what became of a connection: its chain, `direct`, or its error."""
        if outcome != "connected":
            return outcome
        asked = [name for name in ("main", "office") if getattr(self, name).log]
        assert len(asked) <= 1
        return asked[0] if asked else "direct"


@pytest.fixture(scope="module")
def servers(shared_world: World) -> Iterator[Stage]:
    """Run both proxies and two destinations."""
    with (
        shared_world.running(SocksServer(names=NAMES)) as main,
        shared_world.running(SocksServer(names=NAMES)) as office,
        shared_world.running(origins.echo()) as echo,
        shared_world.running(origins.echo()) as other,
    ):
        yield Stage(shared_world, main, office, echo.port, other.port)


@pytest.fixture
def stage(world: World, servers: Stage) -> Stage:
    """Return them with nothing asked for yet."""
    assert world is servers.world
    servers.reset()
    return servers


@pytest.fixture(scope="session")
def plain(compiled: Callable[..., Path]) -> dict[str, list[object]]:
    """Return what is put before the destination, by how the program is entered."""
    dynamic, static = compiled("reach"), compiled("reach", "-static")
    return {
        "shim": [dynamic],
        "seccomp": ["--engine", "seccomp", "--", dynamic],
        "both": ["--engine", "both", "--", dynamic],
        "static": [static],
    }


WAYS = ["shim", "seccomp", "both", "static"]


def reach(stage: Stage, way: list[object], options: list[str], host: str, port: int, *limit: object) -> str:
    """Connect to a literal address by a C program; return what became of it."""
    stage.reset()
    engine = [str(word) for word in way[:-1] if word != "--"]
    result = stage.world.run([*wrap([], *options, *engine), way[-1], host, str(port), *limit])
    return stage.way(result.text)


def outcome_of(stage: Stage, options: list[str], host: str, port: int) -> tuple[str, list[str]]:
    """Connect to a name; return what became of it and what was said on stderr."""
    stage.reset()
    argv = [sys.executable, PROGRAMS / "connects.py", host, str(port), "1"]
    result = stage.world.run([*wrap([], *options), *argv])
    return stage.way(result.text.split()[0]), result.complaints


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", [LITERAL, MAPPED, SIX])
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("chain office 198.51.100.0/24 2001:db8:5::/48", "office"),
        ("chain office 198.51.100.7 2001:db8:5::7", "office"),
        ("chain office 203.0.113.0/24", "main"),
        ("block 198.51.100.0/24 [2001:db8::]/32", "EACCES"),
        ("block *:1-1023\nchain office *", "office"),
        ("chain ProxyList *\nblock *", "main"),
        ("chain office *.test", "main"),
        ("block app=reach*", "EACCES"),
        ("block app=nothing\nchain office app=*/reach*", "office"),
    ],
)
def test_addresses(
    stage: Stage, plain: dict[str, list[object]], way: str, host: str, rules: str, expected: str
) -> None:
    """By network, address, port and program; a mapped address is the IPv4 one that it maps."""
    assert reach(stage, plain[way], stage.options(rules), host, stage.port) == expected


@pytest.mark.parametrize("way", WAYS)
def test_ports(stage: Stage, plain: dict[str, list[object]], way: str) -> None:
    """One port is blocked, a range of them goes another way."""
    options = stage.options(f"block *:{stage.other_port}\nchain office 198.51.100.0/24:1024-65535")
    assert reach(stage, plain[way], options, LITERAL, stage.other_port) == "EACCES"
    assert reach(stage, plain[way], options, LITERAL, stage.port) == "office"


@pytest.mark.parametrize("way", WAYS)
def test_loopback_only_where_a_rule_names_it(stage: Stage, plain: dict[str, list[object]], way: str) -> None:
    """A rule for every host is not about this one."""
    assert reach(stage, plain[way], stage.options("block *"), ORIGIN, stage.port) == "direct"
    assert reach(stage, plain[way], stage.options("block 127.0.0.0/8"), ORIGIN, stage.port) == "EACCES"
    assert reach(stage, plain[way], stage.options("chain office 127.0.0.2"), ORIGIN, stage.port) == "office"


@pytest.mark.parametrize("way", WAYS)
def test_direct_address(stage: Stage, plain: dict[str, list[object]], way: str) -> None:
    """It is dialled by this host itself, whose routes count, and no proxy is asked."""
    outcome = reach(stage, plain[way], stage.options(f"direct {UNREACHABLE}"), UNREACHABLE, stage.port)
    assert outcome == "EHOSTUNREACH"
    assert not stage.main.log


@pytest.mark.parametrize("way", WAYS)
def test_a_direct_connect_has_the_limit_of_its_socket(
    stage: Stage, plain: dict[str, list[object]], way: str
) -> None:
    """SO_SNDTIMEO bounds a blocking connect(), whether anybody answers or not."""
    options = stage.options("direct 198.51.100.7")
    assert reach(stage, plain[way], options, LITERAL, stage.port, 300) == "EINPROGRESS"
    leaks = stage.world.judge.acquit()
    assert {(leak.kind, leak.destination) for leak in leaks} == {("tcp", LITERAL)}
    assert reach(stage, plain[way], options, ORIGIN, stage.port, 300) == "direct"
    assert reach(stage, plain[way], options, ORIGIN, stage.world.port(), 300) == "ECONNREFUSED"


@pytest.mark.parametrize(
    ("rules", "host", "expected"),
    [
        ("chain office *.site.test", "www.site.test", "office"),
        ("chain office *.site.test", NAME, "main"),
        ("chain office .site.test", "www.site.test", "office"),
        ("chain office www.*.test", "www.site.test", "office"),
        ("chain office SITE.test.", NAME, "office"),
        ("chain office [rs]ite.test", NAME, "office"),
        ("block *.test\nchain office *", NAME, "EACCES"),
        ("chain office *.other\nblock app=python*", NAME, "EACCES"),
        ("chain office 0.0.0.0/0 ::/0", NAME, "main"),
        ("chain office 198.18.0.0/15", NAME, "main"),
    ],
)
def test_names(stage: Stage, rules: str, host: str, expected: str) -> None:
    """A fake address is judged as the name that it stands for, never as an address."""
    way, complaints = outcome_of(stage, stage.options(rules), host, stage.port)
    assert (way, complaints) == (expected, [])


def test_names_of_a_static_program(stage: Stage, compiled: Callable[..., Path]) -> None:
    """A static program has its names from the helper's name server, and the same rules."""
    program = compiled("reach", "-static")
    stage.reset()
    script = f"{program} $(dig +short {NAME}) {stage.port}"
    for rules, expected in (("chain office *.test", "office"), ("block *.test", "EACCES")):
        stage.reset()
        result = stage.world.run([*wrap([], *stage.options(rules)), "sh", "-c", script])
        assert stage.way(result.text) == expected


def test_a_direct_name_is_looked_up_here(stage: Stage) -> None:
    """The host's own resolver is asked for it, and nobody else; /etc/hosts is one."""
    options = stage.options(f"direct {NAME}")
    argv = [sys.executable, PROGRAMS / "connects.py", NAME, str(stage.port), "1"]
    stage.reset()
    result = stage.world.run([*wrap([], *options), *argv], expect=None)
    assert result.text.split()[0] == "EHOSTUNREACH"
    assert {leak.kind for leak in stage.world.judge.acquit()} <= {"query", "udp"}
    assert not stage.main.log


def test_resolve_local(stage: Stage) -> None:
    """The name is looked up here, and its address goes to the proxy; other names do not."""
    options = stage.options("resolve local *.lan")
    way, _ = outcome_of(stage, options, NAME, stage.port)
    assert way == "main"
    assert stage.main.log[0].is_name
    assert stage.world.judge.acquit() == []
    way, complaints = outcome_of(stage, options, "printer.lan", stage.port)
    assert way == "EHOSTUNREACH"
    assert {leak.kind for leak in stage.world.judge.acquit()} <= {"query", "udp"}
    assert not [access for access in stage.main.log if access.host is not None]
    assert len(complaints) <= 1


def test_what_is_blocked_is_told_by_rule(stage: Stage) -> None:
    """With -v the line says which rule it was, by its place in the file, and the name."""
    options = stage.options("chain office *.other\nblock *.test", "-v")
    way, complaints = outcome_of(stage, options, NAME, stage.port)
    assert way == "EACCES"
    (line,) = [line for line in complaints if "blocked" in line]
    assert "rules.conf:8" in line
    assert f"{NAME}:{stage.port}" in line


def test_a_rule_that_can_never_match_is_warned_about(stage: Stage) -> None:
    """With its line, and that of the rule which has taken all of it."""
    options = stage.options("direct *.test\nblock www.site.test")
    result = stage.world.run([*wrap([], *options), "true"])
    (line,) = result.complaints
    assert "rules.conf:8: this rule can never match: line 7 has taken all of it" in line


def test_a_chain_by_name(stage: Stage) -> None:
    """-c makes another chain the default; an unknown name is an error that says which there are."""
    way, _ = outcome_of(stage, stage.options("direct 192.0.2.1", "-c", "office"), NAME, stage.port)
    assert way == "office"
    result = stage.world.run(
        [*wrap([], *stage.options("direct 192.0.2.1", "-c", "home")), "true"], expect=125
    )
    line = result.complaints[0]
    assert "'home'" in line
    assert "office" in line
    result = stage.world.run([*wrap([], *stage.options("chain home *")), "true"], expect=125)
    assert "rules.conf:7: expected the name of a chain, found 'home'" in result.complaints[0]
