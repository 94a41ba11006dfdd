"""Proxies that are spoken to by TLS: stunnel in front of proxies that nobody here wrote."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from net.certificates import Certificates, make_certificates

from .conftest import HOSTS, PASSWORD
from .kit import foreign
from .kit.clients import CLIENTS, NAME, PROGRAMS, PROXYWRAP, wrap
from .kit.origins import BANNER, ORIGIN, banner_first, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kit.clients import Stage
    from .kit.world import World

ADVICE = "give its authority's certificate as ca=FILE"


@pytest.fixture(scope="module")
def certificates(shared_world: World) -> Certificates:
    """Make them once."""
    return make_certificates(shared_world.directory, "127.0.0.1", "proxy.test")


@pytest.fixture
def secured(
    world: World, proxy: Callable[[str], str], certificates: Certificates
) -> Iterator[Callable[..., str]]:
    """Return a function to the URL of a foreign proxy behind TLS, and the options behind it."""
    with ExitStack() as stack:

        def start(
            name: str, which: str = "right", options: str | None = None, host: str = "127.0.0.1"
        ) -> str:
            place, _, port = proxy(name).rpartition(":")
            secure = stack.enter_context(foreign.stunnel(world, int(port), getattr(certificates, which)))
            kind = {"socks5": "socks5+tls", "http": "https"}[place.partition(":")[0]]
            query = f"?ca={certificates.ca}" if options is None else options
            return f"{kind}{place[place.index(':') :].replace('127.0.0.1', host)}:{secure}{query}"

        yield start


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("server", ["microsocks-password", "tinyproxy"])
def test_a_program_through_a_proxy_by_tls(
    world: World, stage: Stage, secured: Callable[..., str], server: str, client: str
) -> None:
    """Over 1 MiB each way, by a name that only the proxy knows."""
    CLIENTS[client](stage, wrap(secured(server)))
    assert world.judge.leaks == []


@pytest.mark.parametrize("engine", ["seccomp", "both"])
def test_the_other_engines(world: World, stage: Stage, secured: Callable[..., str], engine: str) -> None:
    """A parked socket is relayed by the same way."""
    CLIENTS["curl"](stage, wrap(secured("microsocks"), "--engine", engine))
    assert world.judge.leaks == []


@pytest.mark.parametrize(
    "order", [("tls", "plain", "plain"), ("plain", "tls", "plain"), ("tls", "tls", "tls")]
)
def test_tls_anywhere_in_a_chain(
    world: World,
    stage: Stage,
    proxy: Callable[[str], str],
    secured: Callable[..., str],
    order: tuple[str, ...],
) -> None:
    """Each hop is verified by itself, TLS within TLS."""
    names = ("microsocks-password", "dante", "tinyproxy")
    chain = [secured(name) if kind == "tls" else proxy(name) for name, kind in zip(names, order, strict=True)]
    CLIENTS["curl"](stage, wrap(chain))
    assert world.judge.leaks == []


def test_a_banner(world: World, secured: Callable[..., str]) -> None:
    """A server that speaks first, through TLS, blocking and not: not a byte is lost."""
    with world.running(banner_first()) as origin:
        argv = [sys.executable, PROGRAMS / "banner.py", NAME, str(origin.port), str(len(BANNER))]
        result = world.run([*wrap(secured("microsocks")), *argv])
    assert result.text.splitlines() == [f"{digest(BANNER)} and back"] * 2


def test_a_proxy_by_name(world: World, stage: Stage, secured: Callable[..., str]) -> None:
    """The name is looked up here, and the certificate has to be for it."""
    argv = [
        *wrap(secured("microsocks", host="proxy.test")),
        "curl",
        "-sS",
        f"http://{NAME}:{stage.web.port}/bytes",
    ]
    assert world.run(argv, hosts={"proxy.test": "127.0.0.1"}).stdout == stage.upload.read_bytes()


@pytest.mark.parametrize(
    ("which", "options", "reason"),
    [
        ("expired", None, "certificate has expired: is this host's clock right?"),
        (
            "elsewhere",
            None,
            "IP address mismatch, certificate is not valid for '127.0.0.1': write the name that it has",
        ),
        ("right", "", f"unable to get local issuer certificate: {ADVICE}"),
    ],
)
def test_a_wrong_certificate(
    world: World, secured: Callable[..., str], which: str, options: str | None, reason: str
) -> None:
    """The program is refused, the line has the reason, and no password."""
    url = secured("microsocks-password", which, options)
    result = world.run([*wrap(url), "curl", "-sS", f"http://{NAME}/"], expect=7)
    place = url.rpartition("@")[2].partition("?")[0]
    expected = f"proxywrap: socks5+tls://***@{place}: its certificate is not accepted: {reason}"
    assert result.complaints[0] == expected
    assert PASSWORD not in result.stderr.decode()


def test_insecure_says_so_each_time(world: World, stage: Stage, secured: Callable[..., str]) -> None:
    """One line for each connection, and not at all with -q."""
    url = secured("microsocks", "elsewhere", "?insecure=1")
    fetch = [
        "curl",
        "-sS",
        "--no-keepalive",
        "-H",
        "Connection: close",
        "-o",
        "/dev/null",
        f"{stage.url}/bytes",
    ]
    both = ["sh", "-c", '"$@" && "$@"', "sh", *fetch]
    lines = world.run([*wrap(url), *both]).complaints
    place = url.partition("?")[0]
    assert len(lines) == 2
    for line in lines:
        assert line.startswith(
            f"proxywrap: {place}: its certificate was not checked: remove insecure=1, or give ca=FILE"
        )
    assert world.run([*wrap(url, "-q"), *fetch]).complaints == []


@pytest.mark.parametrize("server", ["microsocks", "tinyproxy"])
def test_a_plain_proxy_written_as_one_of_tls(world: World, proxy: Callable[[str], str], server: str) -> None:
    """One hangs up, the other one waits for more; the line says what to write."""
    url = proxy(server).replace("http://", "https://").replace("socks5://", "socks5+tls://")
    file = world.directory / "plain.conf"
    file.write_text(f"tcp_read_time_out 300\n[ProxyList]\n{url}\n")
    argv = [*wrap([]), "curl", "-sS", f"http://{NAME}/"]
    argv[1:1] = ["-f", file]
    result = world.run(argv, expect=7 if server == "microsocks" else 28)
    assert "is it a plain proxy, to be written http:// or socks5://?" in result.stderr.decode()


def test_options_in_a_file(
    world: World, stage: Stage, secured: Callable[..., str], certificates: Certificates
) -> None:
    """Words behind the line; a relative file is where COMMAND's directory was at the start."""
    port = secured("tinyproxy").partition("?")[0].rpartition(":")[2]
    file = world.directory / "tls.conf"
    file.write_text(f"[ProxyList]\nhttps 127.0.0.1 {port} ca={certificates.ca.name}\n")
    argv = [*wrap([]), "curl", "-sS", f"{stage.url}/bytes"]
    argv[1:1] = ["-f", file]
    assert world.run(argv, cwd=certificates.ca.parent).stdout == stage.upload.read_bytes()


@pytest.mark.parametrize("to", [HOSTS[NAME], ORIGIN])
def test_a_password_is_in_no_log(world: World, stage: Stage, secured: Callable[..., str], to: str) -> None:
    """Neither in -vv's lines nor in the JSON."""
    log = world.directory / "tls.log"
    argv = [
        *wrap(secured("microsocks-password"), "-vv", "--log", log),
        "curl",
        "-sSo",
        "/dev/null",
        f"http://{to}:{stage.web.port}/",
    ]
    result = world.run(argv, expect=None)
    assert PASSWORD not in result.stderr.decode() + log.read_text()
    assert "s3cret" not in result.stderr.decode() + log.read_text()


@pytest.mark.parametrize("which", ["right", "expired"])
def test_check_by_tls(world: World, stage: Stage, secured: Callable[..., str], which: str) -> None:
    """`proxywrapctl check` goes the same way, and says the same of a certificate."""
    argv = [PROXYWRAP.with_name("proxywrapctl"), "check", "--json", "-x", secured("tinyproxy", which)]
    result = world.run([*argv, "--to", f"{NAME}:{stage.web.port}"], expect=0 if which == "right" else 1)
    if which == "right":
        assert "TLS" in result.text
    else:
        assert "certificate has expired" in result.text
