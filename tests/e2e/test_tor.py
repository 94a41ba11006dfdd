"""tor=1: names of addresses, and with `resolve remote` addresses of names, are found by the last proxy."""

from __future__ import annotations

import contextlib
import errno
import json
import sys
import time
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from net.certificates import Certificates, make_certificates

from proxywrap.testing import Script, SocksServer, TorLookups

from .kit import foreign
from .kit.clients import NAME, PROXYWRAP, wrap
from .kit.dead import DEAD
from .kit.origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kit.building import Builder
    from .kit.clients import Stage
    from .kit.world import World

POOL = ip_network("198.18.0.0/15")
TRUE, HOST, HOST_V6 = "8.8.4.4", "8.8.8.8", "2a00::7"
FOUND = {NAME: TRUE, "host.test": HOST, "six.test": HOST_V6}
REMOTE = "resolve remote *.test"
ENGINES = ["preload", "both", "seccomp"]


@contextlib.contextmanager
def tor(world: World, count: int = 1) -> Iterator[list[SocksServer]]:
    """Run so many proxies, the last of which is a Tor that says that NAME is at TRUE, and leads to ORIGIN."""
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(world.running(SocksServer(names={NAME: ORIGIN, TRUE: ORIGIN})))
            for _ in range(count)
        ]
        servers[-1].tor = TorLookups(FOUND)
        yield servers


@pytest.fixture(scope="module")
def certificates(shared_world: World) -> Certificates:
    """Make them once."""
    directory = shared_world.directory / "tor-certificates"
    directory.mkdir()
    return make_certificates(directory, "127.0.0.1")


def urls(servers: list[SocksServer], options: str = "tor=1") -> list[str]:
    """Return the chain, with these options of the last."""
    return [*(server.url for server in servers[:-1]), f"{servers[-1].url}?{options}"]


def configured(
    world: World, chain: list[str], rules: str = REMOTE, kind: str = "strict_chain"
) -> list[object]:
    """Return the prefix with a file of that chain and these rules."""
    file = world.directory / "tor.conf"
    times = "tcp_connect_time_out 2000\ntcp_read_time_out 1000"
    file.write_text("\n".join([kind, times, "[ProxyList]", *chain, "[rules]", rules, ""]))
    return wrap([], "-f", file)


def asked(server: SocksServer) -> list[str]:
    """Return what a proxy was asked, the helper's own greetings left out."""
    return [f"{access.command} {access.host}" for access in server.log if access.host is not None]


PYTHON_BY_ADDRESS = "import socket, sys; print(*socket.gethostbyaddr(sys.argv[1]))"
PYTHON_BY_NAME = """
import socket, sys
for name in sys.argv[1:]:
    try:
        print(*sorted({found[4][0] for found in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)}))
    except socket.gaierror as error:
        print({socket.EAI_NONAME: "EAI_NONAME", socket.EAI_AGAIN: "EAI_AGAIN"}.get(error.errno, error))
"""
PYTHON_NAMEINFO = """
import socket, sys
for flags in (0, socket.NI_NAMEREQD):
    try:
        print(socket.getnameinfo((sys.argv[1], 80), flags)[0])
    except socket.gaierror as error:
        print({socket.EAI_NONAME: "EAI_NONAME", socket.EAI_AGAIN: "EAI_AGAIN"}.get(error.errno, error))
"""


def python(code: str, *args: object) -> list[object]:
    """Return a program."""
    return [sys.executable, "-c", code, *args]


# -- names of addresses -----------------------------------------------------------


@pytest.mark.parametrize("pipeline", ["", "&pipeline=1"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("command", "address", "said"),
    [
        (["getent", "hosts"], HOST, f"{HOST}         host.test"),
        (["getent", "hosts"], HOST_V6, f"{HOST_V6}         six.test"),
        (python(PYTHON_BY_ADDRESS), HOST, f"host.test [] ['{HOST}']"),
        (python(PYTHON_NAMEINFO), f"::ffff:{HOST}", "host.test\nhost.test"),
        (["dig", "+short", "-x"], HOST, "host.test."),
        (["dig", "+short", "@127.0.0.53", "+tcp", "-x"], HOST_V6, "six.test."),
        (["busybox", "nslookup"], HOST, None),
    ],
    ids=["getent", "getent-6", "gethostbyaddr", "getnameinfo", "dig", "dig-6-tcp", "busybox"],
)
def test_the_name_of_an_address(
    world: World, command: list[object], address: str, said: str | None, count: int, pipeline: str
) -> None:
    """However a program asks for it, the last proxy is asked, once, through those before it."""
    with tor(world, count) as servers:
        result = world.run([*wrap(urls(servers, f"tor=1{pipeline}")), *command, address])
        if said is None:
            assert "name = host.test" in result.text
        else:
            assert result.text == said
        assert asked(servers[-1]) == [f"RESOLVE_PTR {address.removeprefix('::ffff:')}"]
        assert [asked(server) for server in servers[:-1]] == [
            [f"CONNECT {server.host}"] for server in servers[1:]
        ]
        assert result.complaints == []
    assert world.judge.leaks == []


@pytest.mark.parametrize("build", ["static", "dynamic"])
def test_the_name_of_an_address_under_a_filter(world: World, compiled: Builder, build: str) -> None:
    """Static programs ask a name server, which is us."""
    program: list[object] = python(PYTHON_BY_ADDRESS)
    if build == "static":
        program = [compiled("reverse", "-static", compiler="musl-gcc")]
    with tor(world) as servers:
        argv = [*wrap(urls(servers), "--engine", "seccomp"), *program, HOST]
        assert world.run(argv, resolver_s=5).text.split()[0] == "host.test"
        assert asked(servers[0]) == [f"RESOLVE_PTR {HOST}"]
    assert world.judge.leaks == []


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "192.168.0.1", "127.0.0.9", "198.18.7.7", "fe80::1", "fd00::1", "224.0.0.1"]
)
def test_addresses_that_nobody_else_knows(world: World, address: str) -> None:
    """They are told to nobody."""
    with tor(world) as servers:
        result = world.run([*wrap(urls(servers)), *python(PYTHON_NAMEINFO), address])
        assert result.text.split() == [address, "EAI_NONAME"]
        world.run([*wrap(urls(servers)), "dig", "+short", "-x", address])
        assert asked(servers[0]) == []
    assert world.judge.leaks == []


def test_an_address_of_the_user_s_own_network(world: World) -> None:
    """What `localnet` has is not asked about either, nor what is in /etc/hosts."""
    with tor(world) as servers:
        file = world.directory / "tor-local.conf"
        file.write_text(f"localnet {HOST}/32\n[ProxyList]\n{urls(servers)[0]}\n")
        prefix = wrap([], "-f", file)
        hosts = {"mine.test": "8.8.8.9"}
        for address, name in ((HOST, HOST), ("8.8.8.9", "mine.test")):
            result = world.run([*prefix, *python(PYTHON_NAMEINFO), address], hosts=hosts)
            assert result.text.split()[0] == name
        assert asked(servers[0]) == []
    assert world.judge.leaks == []


def test_without_the_option(world: World) -> None:
    """Nobody is asked, and there is no such name, as ever."""
    with tor(world) as servers:
        world.run([*wrap(servers[0].url), "getent", "hosts", HOST], expect=2)
        assert asked(servers[0]) == []
    assert world.judge.leaks == []


def test_an_address_without_a_name(world: World) -> None:
    """There is no such name, which is nobody's fault; it is asked about once in a while."""
    with tor(world) as servers:
        script = f"dig -x 8.8.4.9 | grep -o NXDOMAIN; {sys.executable} -c '{PYTHON_NAMEINFO}' 8.8.4.9"
        result = world.run([*wrap(urls(servers)), "sh", "-c", script])
        assert result.text.split() == ["NXDOMAIN", "8.8.4.9", "EAI_NONAME"]
        assert result.complaints == []
        assert asked(servers[0]) == ["RESOLVE_PTR 8.8.4.9"]
    assert world.judge.leaks == []


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("8.8.8.8.in-addr.arpa", 12, "1"),
        ("9.4.8.8.in-addr.arpa", 12, "h_errno 1"),
        ("8.8.8.8.in-addr.arpa", 1, "h_errno 4"),
        (NAME, 1, "1"),
        (NAME, 28, "h_errno 4"),
        ("nobody.test", 1, "h_errno 1"),
    ],
)
def test_by_libc_s_own_resolver(world: World, compiled: Builder, name: str, kind: int, said: str) -> None:
    """res_query says what it would say of a name server's answer."""
    with tor(world) as servers:
        program = [compiled("reverse", "-lresolv"), name, kind]
        assert world.run([*configured(world, urls(servers)), *program]).text == said
    assert world.judge.leaks == []


def test_through_tls(world: World, certificates: Certificates) -> None:
    """A Tor that is spoken to by TLS, behind another proxy."""
    with tor(world, 2) as (first, last), foreign.stunnel(world, last.port, certificates.right) as port:
        chain = [first.url, f"socks5+tls://127.0.0.1:{port}?ca={certificates.ca}&tor=1&isolate=process"]
        result = world.run([*wrap(chain), "getent", "hosts", HOST])
        assert result.text.split() == [HOST, "host.test"]
        assert [access.login for access in last.log if access.host is not None] == [1]
    assert world.judge.leaks == []


def test_behind_a_dead_proxy(world: World) -> None:
    """A dynamic chain does without it; one whose Tor is dead asks nobody else."""
    with tor(world) as (server,):
        dead, living = f"socks5://127.0.0.1:{world.port()} tor=1", f"{server.url} tor=1"
        for chain, said in (([dead, living], [HOST, "host.test"]), ([server.url, dead], [])):
            prefix = configured(world, chain, kind="dynamic_chain")
            result = world.run([*prefix, "getent", "hosts", HOST], expect=0 if said else 2)
            assert result.text.split() == said
            assert len(result.complaints) == (1 if said else 2), result.complaints
        assert asked(server).count(f"RESOLVE_PTR {HOST}") == 1
    assert world.judge.leaks == []


def test_a_program_that_gives_up(world: World) -> None:
    """Nobody waits for the answer that it does not want any more."""
    with tor(world) as (server,):
        server.hold()
        began = time.monotonic()
        world.run(
            [*wrap(urls([server])), "timeout", "-s", "KILL", "0.5", "getent", "hosts", HOST], expect=None
        )
        assert time.monotonic() - began < 5
        world.call(server.wait_for_requests, 1)
    assert world.judge.leaks == []


# -- proxies that fail ----------------------------------------------------------------


@contextlib.contextmanager
def failing(world: World, kind: str) -> Iterator[tuple[str, str]]:
    """Run a proxy that fails so; yield its place and what is said of it."""
    if kind == "no Tor":
        with world.running(SocksServer()) as server:
            yield f"127.0.0.1:{server.port}", "knows no"
    elif kind == "refuses":
        with world.running(SocksServer(script=Script(refuse=errno.EACCES))) as server:
            server.tor = TorLookups(FOUND)
            yield f"127.0.0.1:{server.port}", "not allowed by the proxy's rules (REP 2)"
    else:
        with world.running(DEAD[kind]()) as dead:
            yield f"127.0.0.1:{dead.port}", ""


@pytest.mark.parametrize("kind", ["no Tor", "refuses", "refused", "silent"])
@pytest.mark.parametrize("chain", ["strict_chain", "dynamic_chain"])
def test_a_proxy_that_fails(world: World, kind: str, chain: str) -> None:
    """To programs it is a name server that cannot tell now; the user hears why, once."""
    with failing(world, kind) as (place, said):
        prefix = configured(world, [f"socks5://{place} tor=1"], kind=chain)
        ask = f"{sys.executable} -c '{PYTHON_BY_NAME}' {NAME}; {sys.executable} -c '{PYTHON_NAMEINFO}' {HOST}"
        dig = "dig +tries=1 +time=5"
        digs = f"{dig} {NAME} | grep -o SERVFAIL; {dig} -x {HOST} | grep -o SERVFAIL"
        result = world.run([*prefix, "sh", "-c", f"{ask}; {digs}"])
        assert result.text.split() == ["EAI_AGAIN", HOST, "EAI_AGAIN", "SERVFAIL", "SERVFAIL"]
        lines = [line for line in result.complaints if "more" not in line.rpartition("(")[2]]
        assert all(place in line and said in line for line in lines), lines
        assert 1 <= len(lines) <= 2, lines  # two commands of Tor's, which it may not know
    assert world.judge.leaks == []


def test_nobody_waits_for_a_slow_one(world: World, stage: Stage) -> None:
    """While one program waits for the name of an address, others have names, and connect."""
    with tor(world) as servers:
        servers[0].hold(2)
        script = f"getent hosts {HOST} & dig +short {NAME}; curl -sS {stage.url}/; wait"
        result = world.run([*wrap(urls(servers)), "sh", "-c", script])
        assert sorted(asked(servers[0])) == [f"CONNECT {NAME}", f"RESOLVE_PTR {HOST}"]
        assert "it works" in result.text
        assert f"{HOST}         host.test" in result.text
    assert world.judge.leaks == []


# -- addresses of names ------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_the_true_address_of_a_name(world: World, engine: str) -> None:
    """By getaddrinfo and by DNS, of the family that it has, and asked about once."""
    with tor(world) as servers:
        script = f"""
            {sys.executable} -c '{PYTHON_BY_NAME}' {NAME} six.test nobody.test
            getent ahostsv6 {NAME} | head -n 1 | cut -d ' ' -f 1
            dig +short {NAME}; dig +short {NAME} AAAA
            dig +short six.test AAAA; dig +short six.test A
            dig +short {NAME} MX; dig +short +notcp {NAME} ANY
            dig nobody.test | grep -o NXDOMAIN
        """
        prefix = configured(world, urls(servers))
        prefix[1:1] = ["--engine", engine]
        result = world.run([*prefix, "sh", "-c", script])
        expected = [TRUE, HOST_V6, "EAI_NONAME", f"::ffff:{TRUE}", TRUE, HOST_V6, TRUE, "NXDOMAIN"]
        assert result.text.split() == expected
        assert asked(servers[0]) == [f"RESOLVE {name}" for name in (NAME, "six.test", "nobody.test")]
        assert result.complaints == []
    assert world.judge.leaks == []


def test_names_that_stay_fake(world: World) -> None:
    """What matches no rule, what an earlier one has looked up here, and Tor's own services."""
    with tor(world) as servers:
        rules = "resolve local a.lan\nresolve remote *.test *.onion *.lan"
        script = f"{sys.executable} -c '{PYTHON_BY_NAME}' other.example a.onion a.lan; dig +short b.onion"
        result = world.run([*configured(world, urls(servers), rules), "sh", "-c", script])
        assert [ip_address(each) in POOL for each in result.text.split()] == [True] * 4
        assert asked(servers[0]) == []
    assert world.judge.leaks == []


def test_names_that_are_known_here(world: World) -> None:
    """/etc/hosts is asked first."""
    with tor(world) as servers:
        prefix = configured(world, urls(servers))
        result = world.run([*prefix, *python(PYTHON_BY_NAME), NAME], hosts={NAME: "192.0.2.7"})
        assert result.text == "192.0.2.7"
        assert asked(servers[0]) == []
    assert world.judge.leaks == []


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_true_address_leads_to_the_name(world: World, stage: Stage, engine: str, count: int) -> None:
    """The proxy is asked for the name, whoever connects, and however it was looked up."""
    with tor(world, count) as servers:
        prefix = configured(world, urls(servers))
        prefix[1:1] = ["--engine", engine]
        script = f"curl -sS {stage.url}/; curl -sS http://$(dig +short {NAME}):{stage.web.port}/"
        result = world.run([*prefix, "sh", "-c", script])
        assert result.text.splitlines() == ["it works"] * 2
        assert asked(servers[-1]) == [f"RESOLVE {NAME}", f"CONNECT {NAME}", f"CONNECT {NAME}"]
    assert world.judge.leaks == []


@pytest.mark.parametrize("build", ["musl", "go"])
def test_a_static_program(world: World, stage: Stage, compiled: Builder, build: str) -> None:
    """It asks a name server, is given the true address, and connects to the name."""
    with tor(world) as servers:
        program = (
            [compiled("talk", "-static", compiler="musl-gcc"), "exchange", NAME, stage.echo.port]
            if build == "musl"
            else [compiled.go("dialler"), "exchange", NAME, stage.echo.port]
        )
        prefix = configured(world, urls(servers))
        result = world.run([*prefix, *program], stdin=b"hello", resolver_s=5)
        assert result.stdout == b"hello"
        assert asked(servers[0]) == [f"RESOLVE {NAME}", f"CONNECT {NAME}"]
    assert world.judge.leaks == []


def test_an_address_of_two_names(world: World, stage: Stage) -> None:
    """Nobody can say which of them is meant, so it is the address that is connected to."""
    with tor(world) as servers:
        assert servers[0].tor is not None
        servers[0].tor.found["twin.test"] = TRUE
        script = f"{sys.executable} -c '{PYTHON_BY_NAME}' {NAME} twin.test; curl -sS http://twin.test:{stage.web.port}/"
        result = world.run([*configured(world, urls(servers)), "sh", "-c", script])
        assert result.text.splitlines() == [TRUE, TRUE, "it works"]
        assert asked(servers[0])[-1] == f"CONNECT {TRUE}"
    assert world.judge.leaks == []


@pytest.mark.parametrize("rule", ["block *.test", f"direct {TRUE}"])
def test_rules_are_asked_about_the_name(world: World, stage: Stage, rule: str) -> None:
    """A name that has its true address is a name still."""
    with tor(world) as servers:
        prefix = configured(world, urls(servers), f"{REMOTE}\n{rule}")
        result = world.run([*prefix, "curl", "-sS", f"{stage.url}/"], expect=None)
        if rule.startswith("block"):
            assert result.returncode == 7
            assert asked(servers[0]) == [f"RESOLVE {NAME}"]
        else:
            assert result.text == "it works"
            assert asked(servers[0])[-1] == f"CONNECT {NAME}"
    assert world.judge.leaks == []


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "198.18.0.5", "169.254.1.1", "10.1.2.3"])
def test_an_address_that_leads_elsewhere(world: World, address: str) -> None:
    """Whoever is at the end of the chain cannot lead programs to this host, or its network."""
    with tor(world) as servers:
        assert servers[0].tor is not None
        servers[0].tor.found["evil.test"] = address
        file = world.directory / "tor-evil.conf"
        file.write_text(f"localnet 10.0.0.0/8\n[ProxyList]\n{urls(servers)[0]}\n[rules]\n{REMOTE}\n")
        result = world.run([*wrap([], "-f", file), *python(PYTHON_BY_NAME), "evil.test"])
        assert result.text == "EAI_NONAME"
        assert result.complaints == [
            (
                f"proxywrap: refused the address {address} of evil.test: "
                "what is there is not reached through the proxies"
            )
        ]
    assert world.judge.leaks == []


def test_what_is_told(world: World) -> None:
    """With -vv and in the log: what was found, by whom it was asked for."""
    log = world.directory / "tor.log"
    with tor(world) as servers:
        prefix = configured(world, urls(servers))
        prefix[1:1] = ["-vv", "--log", log]
        script = f"getent hosts {HOST}; {sys.executable} -c '{PYTHON_BY_NAME}' {NAME}"
        lines = world.run([*prefix, "sh", "-c", script]).complaints
    assert any(f"host.test: {HOST} found by the last proxy" in line for line in lines)
    assert any(f"{NAME}: {TRUE} found by the last proxy" in line for line in lines)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    found = [record for record in records if record["event"] == "resolved"]
    assert [(each["name"], each["addresses"], each["is_remote"], each["is_found"]) for each in found] == [
        ("host.test", [HOST], False, True),
        (NAME, [TRUE], False, True),
    ]


@pytest.mark.parametrize("isolate", ["process", "destination"])
def test_with_isolation(world: World, stage: Stage, isolate: str) -> None:
    """A name is asked about as it is connected to, on the same program's behalf, or for the same host."""
    with tor(world) as servers:
        prefix = configured(world, urls(servers, f"tor=1&isolate={isolate}"))
        script = f"curl -sS {stage.url}/; exec curl -sS http://other.test:1/"
        world.run([*prefix, "sh", "-c", script], expect=None)
        logins = {line: access.login for line, access in zip(asked(servers[0]), servers[0].log, strict=True)}
        assert logins == {f"RESOLVE {NAME}": 1, f"CONNECT {NAME}": 1, "RESOLVE other.test": 2}
    assert world.judge.leaks == []


def test_with_isolation_of_processes_that_nobody_knows(world: World) -> None:
    """A question to a name server tells of nobody: each is on its own behalf."""
    with tor(world) as servers:
        prefix = configured(world, urls(servers, "tor=1&isolate=process"))
        world.run([*prefix, "sh", "-c", f"dig {NAME}; dig six.test; dig -x {HOST}"])
        assert [access.login for access in servers[0].log] == [1, 2, 3]
    assert world.judge.leaks == []


def test_a_file_that_is_read_anew(world: World) -> None:
    """What another file says counts, and answers are asked for anew."""
    with tor(world) as servers:
        prefix = configured(world, urls(servers))
        file = world.directory / "tor.conf"
        ask = f"{sys.executable} -c '{PYTHON_BY_NAME}' {NAME}"
        text = file.read_text().replace(REMOTE, "resolve remote *.example")
        (world.directory / "tor-later").write_text(text)
        ctl = PROXYWRAP.with_name("proxywrapctl")
        script = f"{ask}; cp tor-later tor.conf; {ctl} reload >/dev/null; {ask}"
        result = world.run([*prefix, "sh", "-c", script], cwd=world.directory)
        first, second = result.text.splitlines()
        assert first == TRUE
        assert ip_address(second) in POOL
    assert world.judge.leaks == []


# -- configurations --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text", "reason"),
    [
        (
            [],
            "[ProxyList]\nsocks5://h:1 tor=1\nhttp h 1\n[rules]\nresolve remote a\n",
            "tor-wrong.conf:5: expected tor=1 behind the last proxy of [ProxyList], found none",
        ),
        (
            [],
            "random_chain\n[ProxyList]\nsocks5 h 1\nsocks5://h:1 tor=1\n[rules]\nresolve remote a\n",
            "tor-wrong.conf:6: expected tor=1 behind each proxy of [ProxyList], found none",
        ),
        (
            ["-c", "x"],
            "[ProxyList]\nsocks5://h:1 tor=1\n[chain x]\nhttp h 1\n[rules]\nresolve remote a\n",
            "-c: expected tor=1 behind the last proxy of [chain x], found none",
        ),
    ],
)
def test_a_chain_that_looks_nothing_up(world: World, options: list[str], text: str, reason: str) -> None:
    """It is an error at the start, with the line."""
    file = world.directory / "tor-wrong.conf"
    file.write_text(text)
    result = world.run([*wrap([], "-f", file, *options), "true"], expect=125)
    assert reason in result.stderr.decode()


@pytest.mark.parametrize("is_tor", [True, False])
def test_check(world: World, is_tor: bool) -> None:  # noqa: FBT001
    """`proxywrapctl check` asks a question that a Tor answers by itself."""
    argv = [PROXYWRAP.with_name("proxywrapctl"), "check", "--json", "-x"]
    with world.running(SocksServer(names={"localhost": "127.0.0.1"})) as server:
        server.tor = TorLookups({"192.0.2.1": "192.0.2.1"}) if is_tor else None
        hop = json.loads(world.run([*argv, *urls([server])]).text)["hops"][0]
        expected = None if is_tor else "the proxy knows no RESOLVE (REP 7): is it Tor? If not, remove tor=1"
        assert hop["advice"] == expected
    assert world.judge.leaks == []
