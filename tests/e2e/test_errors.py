"""What goes wrong on the way, as the application sees it and as the person at the terminal does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .kit.clients import NAME, PROGRAMS, wrap
from .kit.scripted import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Names
    from .kit.clients import Stage
    from .kit.world import World

SOCKS5_OK = b"\x05\x00"


def _outcome(
    world: World,
    chain: str | list[str],
    host: str = NAME,
    port: int = 80,
    times: int = 1,
    options: tuple[str, ...] = (),
) -> tuple[set[str], list[str]]:
    """Return the error that connect() gave, and what was said on stderr."""
    argv = [sys.executable, PROGRAMS / "outcome.py", host, str(port), str(times)]
    result = world.run([*wrap(chain, *options), *argv])
    lines = result.text.splitlines()
    assert len(lines) == 2 * times
    assert all(line.startswith("nonblocking EINPROGRESS ") for line in lines[1::2])
    return {line.split()[-1] for line in lines}, result.complaints


def _about(hop: str, complaints: list[str]) -> list[str]:
    """Return the lines that name a hop, but for the one that counts the repeats."""
    assert all(line.startswith("proxywrap: ") for line in complaints)
    return [line for line in complaints if hop in line and not line.endswith("more)")]


def _socks5_answer(rep: int) -> bytes:
    return bytes([5, rep, 0, 1]) + bytes(6)


@pytest.mark.parametrize(
    ("rep", "error"),
    [
        (1, "EHOSTUNREACH"),
        (2, "EACCES"),
        (3, "ENETUNREACH"),
        (4, "EHOSTUNREACH"),
        (5, "ECONNREFUSED"),
        (6, "ETIMEDOUT"),
        (7, "EHOSTUNREACH"),
        (8, "EHOSTUNREACH"),
    ],
)
def test_each_reply_of_socks5_is_an_errno(world: World, rep: int, error: str) -> None:
    """Blocking and non-blocking see the same; what the destination itself answers is not printed."""
    with world.running(script(SOCKS5_OK, _socks5_answer(rep))) as server:
        errors, complaints = _outcome(world, f"socks5://127.0.0.1:{server.port}")
    assert errors == {error}
    assert bool(complaints) == (rep not in {3, 5, 6})
    assert all(f"(REP {rep}): " in line for line in complaints)


@pytest.mark.parametrize(("code", "error"), [(91, "ECONNREFUSED"), (92, "EACCES"), (93, "EACCES")])
def test_each_reply_of_socks4_is_an_errno(world: World, code: int, error: str) -> None:
    """91 is the destination's answer and silent."""
    with world.running(script(bytes([0, code]) + bytes(6))) as server:
        errors, complaints = _outcome(world, f"socks4a://127.0.0.1:{server.port}")
    assert errors == {error}
    if code == 91:
        assert complaints == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, "EACCES"),
        (407, "EACCES"),
        (500, "EHOSTUNREACH"),
        (502, "EHOSTUNREACH"),
        (503, "ECONNREFUSED"),
        (504, "ETIMEDOUT"),
    ],
)
def test_each_status_of_http_is_an_errno(world: World, status: int, error: str) -> None:
    """502 to 504 are about the destination; 503 and 504 are silent."""
    with world.running(script(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())) as server:
        errors, complaints = _outcome(world, f"http://127.0.0.1:{server.port}")
    assert errors == {error}
    if status in {503, 504}:
        assert complaints == []


@pytest.mark.parametrize("server", ["microsocks", "dante"])
def test_a_refused_destination_is_refused(world: World, proxy: Callable[[str], str], server: str) -> None:
    """A real server's word for a closed port is ECONNREFUSED, and nobody is told more."""
    assert _outcome(world, proxy(server), port=world.port()) == ({"ECONNREFUSED"}, [])


def test_an_unreachable_destination_is_unreachable(
    world: World, proxy: Callable[[str], str], names: Names
) -> None:
    """A real server's word for a host that cannot be reached is EHOSTUNREACH, and silent."""
    found = _outcome(world, proxy("dante"), host=names.unreachable_address)
    assert found == ({"EHOSTUNREACH"}, [])


@pytest.mark.case("told-unknown-name")
@pytest.mark.parametrize("server", ["dante", "microsocks"])
def test_a_name_that_the_last_proxy_does_not_know(
    world: World, proxy: Callable[[str], str], server: str
) -> None:
    """The program sees no route; one line says that the proxy could not resolve the name."""
    url = proxy(server)
    errors, complaints = _outcome(world, url, host="typo.test")
    assert errors == {"EHOSTUNREACH"}
    world.judge.acquit()  # the proxy has asked its name server
    (told,) = _about(url, complaints)
    assert told.startswith(f"proxywrap: typo.test: {url}: ")
    assert told.endswith(": it could not resolve the name, or not reach its host")


@pytest.mark.case("errno-chain-fault")
@pytest.mark.parametrize("engine", ["preload", "seccomp"])
def test_a_port_behind_a_dead_chain_is_not_called_closed(world: World, engine: str) -> None:
    """It is filtered to nmap: that nobody listens is for the destination to say."""
    hops = [f"socks5://127.0.0.1:{world.port()}", "socks5://127.0.0.1:9"]
    argv = [*wrap(hops, "--engine", engine), "nmap", "-sT", "-Pn", "-n", "-p", "80", "192.0.2.80"]
    (line,) = [line for line in world.run(argv).text.splitlines() if line.startswith("80/tcp")]
    assert line.split()[1] == "filtered"


def test_a_dead_hop_is_named_once(world: World) -> None:
    """Ten failures, one line: which hop, that it refused, and what to do."""
    hop = f"127.0.0.1:{world.port()}"
    errors, complaints = _outcome(world, f"socks5://{hop}", times=5)
    assert errors == {"EHOSTUNREACH"}
    reason = "cannot be connected to: Connection refused: is it running, and is that its port?"
    assert _about(hop, complaints) == [f"proxywrap: socks5://{hop}: {reason}"]


def test_an_unreachable_hop_gives_what_the_kernel_said(world: World, names: Names) -> None:
    """EHOSTUNREACH, and a line that names the hop."""
    errors, complaints = _outcome(world, f"socks5://{names.unreachable_address}:1080")
    assert errors == {"EHOSTUNREACH"}
    assert len(_about(f"{names.unreachable_address}:1080", complaints)) == 1, complaints


def test_a_silent_hop_times_out(world: World) -> None:
    """A hop that accepts and says nothing costs no more than the read deadline."""
    with world.running(script(None)) as server:
        config = world.directory / "silent.conf"
        config.write_text(f"tcp_read_time_out 300\n[ProxyList]\nsocks5 127.0.0.1 {server.port}\n")
        errors, complaints = _outcome(world, [], options=("-f", str(config)))
        assert errors == {"ETIMEDOUT"}
        assert len(_about(f"127.0.0.1:{server.port}", complaints)) == 1, complaints


def test_a_hop_that_drops_every_packet_times_out(world: World) -> None:
    """The connect deadline ends the wait for a hop that is not there; nothing but its address is dialled."""
    config = world.directory / "dropped.conf"
    config.write_text("tcp_connect_time_out 300\n[ProxyList]\nsocks5 198.51.100.77 1080\n")
    errors, complaints = _outcome(world, [], options=("-f", str(config)))
    assert {(leak.kind, leak.destination) for leak in world.judge.acquit()} == {("tcp", "198.51.100.77")}
    assert errors == {"ETIMEDOUT"}
    assert len(_about("198.51.100.77:1080", complaints)) == 1, complaints


def test_a_wrong_password_is_permission_denied(world: World, proxy: Callable[[str], str]) -> None:
    """EACCES, and one line that names the hop and not the password."""
    hop = proxy("microsocks-password").rpartition("@")[2]
    errors, complaints = _outcome(world, f"socks5://alice:guess@{hop}", times=3)
    assert errors == {"EACCES"}
    assert len(_about(hop, complaints)) == 1, complaints
    assert not any("guess" in line for line in complaints)


def test_a_missing_password_is_permission_denied(world: World, proxy: Callable[[str], str]) -> None:
    """A server that wants a password from somebody who has none is the chain's fault."""
    hop = proxy("microsocks-password").rpartition("@")[2]
    errors, complaints = _outcome(world, f"socks5://{hop}")
    assert errors == {"EACCES"}
    assert len(_about(hop, complaints)) == 1, complaints


def test_what_is_no_socks_server_is_called_so(world: World) -> None:
    """The line says what was expected and what came."""
    with world.running(script(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        hop = f"127.0.0.1:{server.port}"
        errors, complaints = _outcome(world, f"socks5://{hop}", times=3)
    assert errors == {"EHOSTUNREACH"}
    assert len(_about(hop, complaints)) == 1, complaints
    assert "expected SOCKS version 5, got 72 ('H')" in complaints[0]
    assert "HTTP proxy" in complaints[0]


@pytest.mark.case("told-not-socks")
@pytest.mark.parametrize("scheme", ["socks4", "socks5"])
def test_a_real_http_proxy_is_no_socks_server(world: World, proxy: Callable[[str], str], scheme: str) -> None:
    """Tinyproxy waits for a line that never comes; the line says how to find out what it is."""
    hop = proxy("tinyproxy").rpartition("/")[2]
    config = world.directory / "mistaken.conf"
    config.write_text(f"tcp_read_time_out 300\n[ProxyList]\n{scheme} {hop.replace(':', ' ')}\n")
    errors, complaints = _outcome(world, [], options=("-f", str(config)))
    assert errors == {"ETIMEDOUT"}
    (told,) = _about(hop, complaints)
    asked = f"is it a {scheme.upper()} proxy, and may you use it? `proxywrapctl check` finds out."
    assert asked in told


def test_a_hop_that_hangs_up_is_named(world: World) -> None:
    """A connection closed in mid-handshake is the chain's fault."""
    with world.running(script()) as server:
        errors, complaints = _outcome(world, f"socks5://127.0.0.1:{server.port}")
    assert errors == {"EHOSTUNREACH"}
    assert len(_about(f"127.0.0.1:{server.port}", complaints)) == 1, complaints


@pytest.mark.parametrize("first", ["microsocks", "dante", "tinyproxy"])
def test_a_dead_second_hop_is_named(world: World, proxy: Callable[[str], str], first: str) -> None:
    """It is the chain's fault, not the destination's: it is printed, and it names the hop that is dead."""
    hop = f"127.0.0.1:{world.port()}"
    errors, complaints = _outcome(world, [proxy(first), f"socks5://{hop}"])
    assert errors == {"EHOSTUNREACH"}
    assert len(_about(hop, complaints)) == 1, complaints


def test_quiet_means_quiet(world: World) -> None:
    """With -q not even a dead hop is printed."""
    errors, complaints = _outcome(world, f"socks5://127.0.0.1:{world.port()}", options=("-q",))
    assert (errors, complaints) == ({"EHOSTUNREACH"}, [])


def test_a_literal_loopback_address_is_direct(world: World, stage: Stage) -> None:
    """127.0.0.0/8 never goes to a proxy, so that a dead one does not matter."""
    errors, complaints = _outcome(
        world, f"socks5://127.0.0.1:{world.port()}", host="127.0.0.2", port=stage.echo.port
    )
    assert (errors, complaints) == ({"connected"}, [])
