"""First hops whose connections stand ready: made and let in before a program connects."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from net.certificates import Certificates, make_certificates

from proxywrap.scheme import Scheme
from proxywrap.testing import Script, SocksServer

from .kit import foreign
from .kit.clients import CLIENTS, NAME, PROGRAMS, PROXYWRAP, wrap
from .kit.origins import BANNER, ORIGIN, PAYLOAD, PAYLOAD_DIGEST, banner_first, digest
from .kit.ready import WatchedServer, ask, held_back
from .kit.scripted import behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .kit.building import Builder
    from .kit.clients import Stage
    from .kit.world import World

USERS = {b"alice": b"p@ss:w/rd"}
KINDS = ["socks5", "socks4a", "http", "socks5+tls", "https", "socks5 unix", "socks5 pipeline"]
CLOSED = ["-H", "Connection: close"]


@pytest.fixture(scope="module")
def certificates(shared_world: World) -> Certificates:
    """Make them once."""
    directory = shared_world.directory / "warm"
    directory.mkdir()
    return make_certificates(directory, "127.0.0.1")


@pytest.fixture
def server(world: World) -> Iterator[WatchedServer]:
    """Run a proxy with a password."""
    with world.running(WatchedServer(users=USERS, names={NAME: ORIGIN})) as made:
        yield made


@pytest.fixture
def warm(
    world: World, server: WatchedServer, certificates: Certificates, tmp_path: Path
) -> Iterator[Callable[..., str]]:
    """Return a function to the server's URL as a hop of some kind with two connections that stand ready."""
    with ExitStack() as stack:

        def url(kind: str = "socks5", count: int = 2) -> str:
            scheme = {"https": Scheme.HTTP, "socks4a": Scheme.SOCKS4A, "http": Scheme.HTTP}.get(
                kind, Scheme.SOCKS5
            )
            plain = server.url_for(scheme)
            options = f"?warm={count}"
            if kind in {"https", "socks5+tls"}:
                port = stack.enter_context(foreign.stunnel(world, server.port, certificates.right))
                plain = f"{kind}{plain.removeprefix(str(scheme)).rpartition(':')[0]}:{port}"
                options += f"&ca={certificates.ca}"
            elif kind == "socks5 unix":
                path = tmp_path / "proxy.sock"
                stack.enter_context(world.running(behind(server.port, path)))
                plain = plain.rpartition("@")[0] + f"@unix:{path}"
            elif kind == "socks5 pipeline":
                options += "&pipeline=1"
            return plain + options

        yield url


def until_ready(world: World, server: WatchedServer, kind: str = "socks5", count: int = 2) -> list[str]:
    """Wait until so many more connections stand; return where all come from that do."""
    if kind.startswith("socks5"):
        world.call(server.until, lambda seen: seen.let_in >= count)
    else:
        world.call(server.until, lambda seen: len(seen.came) >= count)
    return server.came[:count]


def fetch(stage: Stage) -> list[object]:
    """Return the command that prints the digest of what the web server has."""
    return ["sh", "-c", 'curl -sS "$@" | sha256sum | cut -d " " -f 1', "sh", *CLOSED, f"{stage.url}/bytes"]


FETCHED = [PAYLOAD_DIGEST.encode(), b"status 0"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", ["preload", "seccomp"])
def test_the_connection_was_there(
    world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str], kind: str, engine: str
) -> None:
    """It had come, and given the password where that precedes the request; another one takes its place."""
    if kind == "socks4a":
        server._users = {b"alice": b""}
    with held_back(world, wrap(warm(kind), "--engine", engine), fetch(stage)) as process:
        before = until_ready(world, server, kind)
        for count in (3, 4):
            assert ask(process) == FETCHED
            assert server.log[-1].client in before
            before = until_ready(world, server, kind, count)
        process.communicate()
    assert [access.host for access in server.log[:2]] == [NAME, NAME]
    world.call(server.wait_idle)
    assert world.judge.leaks == []


@pytest.mark.parametrize("client", ["curl", "nc", "ssh", "node", "asyncio"])
def test_a_program(world: World, stage: Stage, warm: Callable[..., str], client: str) -> None:
    """Over 1 MiB each way, whether its connections stood ready or not."""
    CLIENTS[client](stage, wrap(warm()))
    assert world.judge.leaks == []


@pytest.mark.parametrize("server_name", ["microsocks-password", "dante", "ssh-D", "tinyproxy"])
def test_a_foreign_proxy(world: World, stage: Stage, proxy: Callable[[str], str], server_name: str) -> None:
    """Those that nobody here wrote let clients wait, each for as long as it likes."""
    with held_back(world, wrap(f"{proxy(server_name)}?warm=2", "-v"), fetch(stage)) as process:
        for _ in range(3):
            assert ask(process) == FETCHED
        _, said = process.communicate()
    assert b"no connection to it can be kept ready" not in said
    assert world.judge.leaks == []


def test_a_server_that_speaks_first(world: World, server: WatchedServer, warm: Callable[..., str]) -> None:
    """Not a byte of it is lost, blocking and not."""
    with world.running(banner_first()) as origin:
        argv = [sys.executable, PROGRAMS / "banner.py", NAME, str(origin.port), str(len(BANNER))]
        with held_back(world, wrap(warm()), argv) as process:
            before = until_ready(world, server)
            said = ask(process)
            process.communicate()
    assert said == [f"{digest(BANNER)} and back".encode()] * 2 + [b"status 0"]
    assert server.log[0].client in before


@pytest.mark.parametrize("verb", ["exchange", "limited"])
def test_a_static_program(
    world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str], compiled: Builder, verb: str
) -> None:
    """Blocking sockets are lent, non-blocking ones parked; both are relayed to what stood ready."""
    file = world.directory / "megabyte"
    file.write_bytes(PAYLOAD[: 1 << 20])
    talk = ["sh", "-c", '"$@" < "$0" | cmp - "$0"', file, compiled("talk", "-static")]
    with held_back(world, wrap(warm()), [*talk, verb, NAME, stage.echo.port]) as process:
        before = until_ready(world, server)
        assert ask(process) == [b"status 0"]
        process.communicate()
    assert server.log[0].client in before
    assert world.judge.leaks == []


def test_three_hops(world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str]) -> None:
    """The first one is asked for the second, and the handshakes go on from there."""
    with (
        world.running(SocksServer()) as second,
        world.running(SocksServer(names={NAME: ORIGIN}, users=USERS)) as third,
    ):
        chain = [warm(), second.url_for(Scheme.SOCKS4A), third.url_for(Scheme.HTTP)]
        with held_back(world, wrap(chain), fetch(stage)) as process:
            before = until_ready(world, server)
            assert ask(process) == FETCHED
            process.communicate()
        assert server.log[0].client in before
        assert server.log[0].port == second.port
        assert second.log[0].port == third.port
        assert third.log[0].host == NAME
    assert world.judge.leaks == []


def test_fifty_at_once(world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str]) -> None:
    """Two take what stands, the others go by themselves, and none waits."""
    urls = [f"{stage.url}/bytes"] * 50
    argv = [
        "curl",
        "-sS",
        "-Z",
        "--parallel-immediate",
        "--parallel-max",
        "50",
        *CLOSED,
        "-w",
        "%{size_download}\\n",
    ]
    with held_back(
        world, wrap(warm()), [*argv, *(word for url in urls for word in ("-o", "/dev/null", url))]
    ) as process:
        before = until_ready(world, server)
        assert ask(process) == [str(len(PAYLOAD)).encode()] * 50 + [b"status 0"]
        process.communicate()
    asked = [access.client for access in server.log if access.host]
    assert len(asked) == 50
    assert set(before) <= set(asked)
    assert world.judge.leaks == []


def test_insecure_says_so_for_each_connection(
    world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str]
) -> None:
    """And for none that nobody has used."""
    url = warm("https").partition("&")[0] + "&insecure=1"
    with held_back(world, wrap(url, "-v"), fetch(stage)) as process:
        for count in (2, 3):
            until_ready(world, server, "https", count)
            assert ask(process) == FETCHED
        until_ready(world, server, "https", 4)
        _, said = process.communicate()
    assert len([line for line in said.splitlines() if b"its certificate was not checked" in line]) == 2


# --- what goes wrong


def test_a_proxy_that_closes_what_waits(
    world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str]
) -> None:
    """The program does not hear of it, and the user once, with -v."""
    with held_back(world, wrap(warm(), "-v"), fetch(stage)) as process:
        until_ready(world, server)
        world.call(server.hang_up)
        assert ask(process) == FETCHED
        world.call(server.hang_up)
        assert ask(process) == FETCHED
        _, said = process.communicate()
    notes = [line for line in said.decode().splitlines() if "connected" not in line]
    place = f"socks5://***@127.0.0.1:{server.port}"
    text = (
        f"proxywrap: {place}: no connection to it can be kept ready: it hangs up on a connection that waits"
    )
    assert notes == ["proxywrap: configuration: -x", text]


def test_a_proxy_that_hangs_up_when_it_is_asked(
    world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str]
) -> None:
    """That may be its answer, which is final: the destination is asked for once."""
    server.script = Script(reply=b"")  # for those that come now
    with held_back(world, wrap(warm()), ["curl", "-sS", stage.url]) as process:
        before = until_ready(world, server)
        server.script = Script()
        assert ask(process) == [b"status 7"]
        process.communicate()
    (only,) = [access.client for access in server.log if access.host]
    assert only in before


def test_a_refusal_is_final(
    world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str]
) -> None:
    """The destination is asked for once, and the program has the errno."""
    server.script = Script(refuse=111)
    with held_back(world, wrap(warm()), ["curl", "-sS", stage.url]) as process:
        until_ready(world, server)
        assert ask(process) == [b"status 7"]
        _, said = process.communicate()
    assert len([access for access in server.log if access.host]) == 1
    assert b"proxywrap" not in said


def test_a_proxy_that_is_restarted(world: World, stage: Stage) -> None:
    """While it is away programs are refused; then they are served, by what stands as soon as some does."""
    port = world.port()

    def server() -> WatchedServer:
        return WatchedServer(port=port, users=USERS, names={NAME: ORIGIN})

    with ExitStack() as stack:
        with world.running(server()) as first:
            process = stack.enter_context(held_back(world, wrap(f"{first.url}?warm=2"), fetch(stage)))
            until_ready(world, first)
            assert ask(process) == FETCHED
            until_ready(world, first, count=3)
        assert ask(process)[0] == digest(b"").encode()
        with world.running(server()) as second:
            assert ask(process) == FETCHED
            assert second.log[0].client in second.came[:2]
            world.call(second.until, lambda seen: seen.let_in >= 3)
            before = list(second.came)
            assert ask(process) == FETCHED
            assert [access.client for access in second.log if access.host][1] in before
            process.communicate()


def test_a_proxy_that_is_not_there(world: World) -> None:
    """Who connects nowhere hears nothing of it, but one line with -v."""
    url = f"socks5://127.0.0.1:{world.port()}"
    quiet = world.run([*wrap(f"{url}?warm=8"), "sleep", "0.5"])
    assert quiet.complaints == []
    told = world.run([*wrap(f"{url}?warm=8", "-v"), "sleep", "0.5"])
    reason = "cannot be connected to: Connection refused: is it running, and is that its port?"
    assert told.complaints == [
        "proxywrap: configuration: -x",
        f"proxywrap: {url}: no connection to it can be kept ready: {reason}",
    ]


# --- the end


def test_nothing_is_left(world: World, server: WatchedServer, warm: Callable[..., str]) -> None:
    """The helper ends with its last program, and every connection with it."""
    with held_back(world, wrap(warm(count=64)), ["true"]) as process:
        until_ready(world, server, count=64)
        process.communicate()
    assert world.wait_deserted(5) == {}
    world.call(server.wait_idle)
    assert all(access.host is None for access in server.log)
    assert len(server.log) == 64


def test_a_program_that_connects_nowhere_and_ends(
    world: World, server: WatchedServer, warm: Callable[..., str]
) -> None:
    """It is not kept, and its proxy is not bothered."""
    world.run([*wrap(warm()), "true"])
    assert world.wait_deserted(5) == {}
    assert server.came == []


def test_another_proxy(world: World, stage: Stage, server: WatchedServer, tmp_path: Path) -> None:
    """After the file was read anew its hop's connections stand, and those of the old one are gone."""
    file = tmp_path / "a.conf"
    file.write_text(f"[ProxyList]\n{server.url} warm=3\n")
    with (
        world.running(WatchedServer(users=USERS, names={NAME: ORIGIN})) as other,
        held_back(world, [PROXYWRAP, "-f", file], fetch(stage)) as process,
    ):
        until_ready(world, server, count=3)
        file.write_text(f"[ProxyList]\n{other.url}?warm=3\n")
        (pid,) = world.run(["pgrep", "-P", str(process.pid)]).text.split()
        world.run([PROXYWRAP.with_name("proxywrapctl"), "reload", pid])
        before = until_ready(world, other, count=3)
        world.call(server.wait_idle)
        assert ask(process) == FETCHED
        assert other.log[0].client in before
        process.communicate()
    assert all(access.host is None for access in server.log)


def test_check_knows_the_option(
    world: World, stage: Stage, server: WatchedServer, warm: Callable[..., str]
) -> None:
    """It asks by connections of its own."""
    argv = [PROXYWRAP.with_name("proxywrapctl"), "check", "-x", warm(), "--to", f"{NAME}:{stage.web.port}"]
    world.run(argv)
    assert server.let_in > 0
