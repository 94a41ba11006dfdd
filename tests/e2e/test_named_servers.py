"""Name servers that a program names: asked through the chain, and what they say is the program's."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from proxywrap.address import Endpoint
from proxywrap.testing import Script, SocksServer

from .kit.clients import NAME, PROXYWRAP
from .kit.directory import DOMAIN, directory
from .kit.origins import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .kit.world import World

SERVER = "172.16.5.10"
"""Where only the proxy leads to."""

LONG = f"long.{DOMAIN}"
FAKE = r"198\.1[89]\.\d+\.\d+"

COMMANDS = {
    "host-srv": (
        ["host", "-t", "SRV", f"_ldap._tcp.{DOMAIN}", SERVER],
        "SRV record 0 100 389 dc01.corp.test",
    ),
    "host": (["host", f"www.{DOMAIN}", SERVER], r"has address 10\.9\.8\.7\n.*IPv6 address 2001:db8:9::7"),
    "dig": (["dig", "+short", f"www.{DOMAIN}", f"@{SERVER}"], r"^10\.9\.8\.7$"),
    "dig-unknown": (["dig", f"nobody.{DOMAIN}", f"@{SERVER}"], "status: NXDOMAIN"),
    "dig-backwards": (["dig", "+short", "-x", "10.9.8.7", f"@{SERVER}"], "www.corp.test"),
    "dig-long": (["dig", "+noedns", "+short", "TXT", LONG, f"@{SERVER}"], "x{200}"),
    "nslookup": (["nslookup", "-type=mx", DOMAIN, SERVER], "mail exchanger = 10 mail.corp.test"),
    "drill": (["drill", f"www.{DOMAIN}", f"@{SERVER}"], r"IN\s+A\s+10\.9\.8\.7"),
    "busybox": (["busybox", "nslookup", f"www.{DOMAIN}", SERVER], r"Address: 10\.9\.8\.7"),
}


@contextmanager
def network(world: World) -> Iterator[SocksServer]:
    """Run a name server that only a proxy leads to, and the proxy."""
    with world.running(directory()) as server:
        place = Endpoint(ip_address(ORIGIN), server.port)
        with world.running(SocksServer(names={SERVER: place})) as proxy:
            yield proxy


def configured(world: World, proxy: SocksServer, *lines: str) -> Sequence[object]:
    """Return the prefix that runs a command with a file of these lines."""
    file = world.directory / "named.conf"
    file.write_text("\n".join([*lines, "[ProxyList]", proxy.url, ""]))
    return [PROXYWRAP, "-f", file]


@pytest.mark.case("dns-named-server")
@pytest.mark.parametrize("engine", ["auto", "seccomp"])
@pytest.mark.parametrize(("command", "pattern"), COMMANDS.values(), ids=COMMANDS)
def test_what_the_server_says(world: World, engine: str, command: list[str], pattern: str) -> None:
    """A program that asks by UDP hears it, whatever it asked for, and nothing leaves beside the chain."""
    with network(world) as proxy:
        result = world.run([*configured(world, proxy), "--engine", engine, *command])
        assert re.search(pattern, result.text, re.DOTALL | re.MULTILINE), result.text
        assert {str(access.host) for access in proxy.log} == {SERVER}
    assert result.stderr == b""
    assert world.judge.leaks == []


@pytest.mark.case("dns-named-server")
def test_gobuster(world: World) -> None:
    """It finds the names that there are: a Go program, which asks by UDP and by nothing else."""
    words = world.directory / "words"
    words.write_text("ftp\nwww\nvpn\n")
    with network(world) as proxy:
        command = ["gobuster", "dns", "-q", "-r", SERVER, "-d", DOMAIN, "-w", words]
        result = world.run([*configured(world, proxy), *command])
    assert re.findall(r"Found: (\S+)", result.text) == [f"www.{DOMAIN}"]
    assert world.judge.leaks == []


@pytest.mark.case("dns-named-server-fake")
def test_addresses_may_stay_fake(world: World) -> None:
    """`dns_to_named_servers fake` has addresses answered here, and asks the server for all else."""
    with network(world) as proxy:
        prefix = configured(world, proxy, "dns_to_named_servers fake")
        found = world.run([*prefix, "dig", "+short", f"www.{DOMAIN}", f"@{SERVER}"])
        assert re.fullmatch(FAKE, found.text)
        assert proxy.log == []
        found = world.run([*prefix, "dig", "+short", "MX", DOMAIN, f"@{SERVER}"])
        assert found.text == f"10 mail.{DOMAIN}."
    assert world.judge.leaks == []


@pytest.mark.case("dns-named-server")
def test_a_server_that_cannot_be_reached(world: World) -> None:
    """That is a failure of the server's, and no invented answer."""
    with world.running(SocksServer(script=Script(refuse=errno.ECONNREFUSED))) as proxy:
        command = ["dig", "+tries=1", f"www.{DOMAIN}", f"@{SERVER}"]
        result = world.run([*configured(world, proxy), *command])
    assert "status: SERVFAIL" in result.text
    assert world.judge.leaks == []


@pytest.mark.case("dns-own-server")
def test_this_host_s_own_servers_are_not_asked(world: World) -> None:
    """What resolv.conf and loopback have answers with fake addresses, and asks nobody."""
    with network(world) as proxy:
        for server in ("198.51.100.53", "127.0.0.53", "::1"):
            result = world.run([*configured(world, proxy), "dig", "+short", NAME, f"@{server}"])
            assert re.fullmatch(FAKE, result.text)
        assert proxy.log == []
    assert world.judge.leaks == []


@pytest.mark.case("dns-named-server-stranger")
def test_another_user_has_nobody_connect(world: World) -> None:
    """He is told to ask by TCP; a wrapped program of his can, for it has the token."""
    with network(world) as proxy:
        nobody = ["setpriv", "--reuid=65534", "--clear-groups"]
        prefix = [*configured(world, proxy), *nobody]
        result = world.run([*prefix, "dig", "+ignore", f"www.{DOMAIN}", f"@{SERVER}"])
        assert re.search("flags: qr tc .*ANSWER: 0", result.text)
        assert proxy.log == []
        result = world.run([*prefix, "dig", "+short", f"www.{DOMAIN}", f"@{SERVER}"])
        assert result.text.splitlines()[-1] == "10.9.8.7"
    assert world.judge.leaks == []
