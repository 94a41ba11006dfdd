"""Programs that resolve by themselves: answered by the helper, as if by the server that they ask."""

from __future__ import annotations

import errno
import re
import sys
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest

from proxywrap.scheme import Scheme
from proxywrap.testing import Script

from .kit.chains import Chain, chain
from .kit.clients import NAME, PROGRAMS, PROXYWRAP, wrap

if TYPE_CHECKING:
    from .kit.clients import Stage, Words
    from .kit.world import World

POOL_V4, POOL_V6 = ip_network("198.18.0.0/15"), ip_network("fd70:726f:7879:7772::/64")
SERVERS = ["", "@127.0.0.53", "@198.51.100.53", "@2001:db8::53", "@::1"]
"""What resolv.conf has; a stub of this host's; name servers elsewhere."""

ELSEWHERE = {"@2001:db8::53"}


def fake(world: World, chain: Chain) -> Words:
    """Return the prefix under which servers elsewhere answer with fake addresses, too."""
    file = world.directory / "fake.conf"
    file.write_text("\n".join(["dns_to_named_servers fake", "[ProxyList]", *chain.urls, ""]))
    file.chmod(0o600)
    return [PROXYWRAP, "-f", file]


def dig(world: World, chain: Chain, *words: str) -> list[str]:
    """Return the lines of the answer section, and what dig says of the server."""
    result = world.run([*fake(world, chain), "dig", "+tries=1", "+time=5", *words])
    assert result.stderr == b""
    lines = result.text.splitlines()
    server = next(line for line in lines if line.startswith(";; SERVER: "))
    asked = next((word[1:] for word in words if word.startswith("@")), "198.51.100.53")
    assert server.startswith(f";; SERVER: {asked}#53")
    assert not [line for line in lines if "WARNING" in line or "reply from" in line]
    start = lines.index(";; ANSWER SECTION:") if ";; ANSWER SECTION:" in lines else len(lines)
    return [*lines[start + 1 :]][: lines[start:].index("") - 1 if start < len(lines) else 0]


@pytest.mark.parametrize(
    ("server", "transport"),
    [*((server, "+notcp") for server in SERVERS), ("@127.0.0.53", "+tcp"), ("@::1", "+tcp")],
)
def test_dig(world: World, one_hop: Chain, server: str, transport: str) -> None:
    """One address by UDP from any server, and by TCP from a stub; nobody is asked."""
    words = [word for word in (server, transport) if word]
    (line,) = dig(world, one_hop, *words, NAME)
    assert ip_address(line.split()[-1]) in POOL_V4
    assert line.split()[:4] == [f"{NAME}.", "60", "IN", "A"]
    (line,) = dig(world, one_hop, *words, "six.test", "AAAA")
    assert ip_address(line.split()[-1]) in POOL_V6
    if server not in ELSEWHERE:
        assert dig(world, one_hop, *words, NAME, "MX") == []
    assert world.judge.leaks == []
    assert one_hop.asked_of(0) == set()


def test_dig_backwards(world: World, one_hop: Chain) -> None:
    """A fake address gives its name; dig asks with a cookie, and in mixed case where it is told to."""
    script = f"dig +short -x $(dig +short {NAME} A | tee /dev/stderr) @192.0.2.53"
    result = world.run([*wrap(one_hop.urls), "sh", "-c", script])
    assert result.text == f"{NAME}."
    assert ip_address(result.stderr.decode().strip()) in POOL_V4
    assert world.judge.leaks == []


def test_a_name_server_elsewhere_by_tcp(world: World) -> None:
    """That is TCP like any other: the chain is asked for it."""
    command = ["dig", "+tcp", "+tries=1", "+time=2", NAME, "@198.51.100.53"]
    with chain(world, [Scheme.SOCKS5], Script(refuse=errno.ECONNREFUSED)) as refusing:
        world.run([*wrap(refusing.urls), *command], expect=9)
        assert refusing.asked_of(0) == {"198.51.100.53"}
    assert world.judge.leaks == []


@pytest.mark.parametrize(
    ("command", "pattern"),
    [
        (["nslookup", NAME], r"Server:\s+198\.51\.100\.53\n.*Address: (198\.1[89]\.\S+)"),
        (["nslookup", NAME, "127.0.0.53"], r"Server:\s+127\.0\.0\.53\n.*Address: (198\.1[89]\.\S+)"),
        (["host", NAME], r"has address (198\.1[89]\.\S+)\n?$"),
        (["host", "-T", NAME, "127.0.0.53"], r"127\.0\.0\.53#53.*has address (198\.1[89]\.\S+)"),
        (["drill", NAME, "@192.0.2.53"], r"IN\s+A\s+(198\.1[89]\.\S+)\n.*SERVER: 192\.0\.2\.53"),
        (["drill", "-t", NAME, "@127.0.0.53"], r"IN\s+A\s+(198\.1[89]\.\S+)\n.*SERVER: 127\.0\.0\.53"),
        (["busybox", "nslookup", NAME, "192.0.2.53"], r"192\.0\.2\.53:53\n.*Address: (198\.1[89]\.\S+)"),
        (["busybox", "nslookup", NAME], r"Address: (198\.1[89]\.\S+)"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_resolver(world: World, one_hop: Chain, command: list[str], pattern: str) -> None:
    """Each finds the address, and takes the answer for that of the server that it asked."""
    result = world.run([*fake(world, one_hop), *command])
    assert re.search(pattern, result.text, re.DOTALL), result.text
    assert result.stderr == b""
    assert world.judge.leaks == []


def test_c_ares(world: World, one_hop: Chain) -> None:
    """Node's resolve4, resolve6 and reverse, with servers of its own too."""
    result = world.run([*fake(world, one_hop), "node", PROGRAMS / "ask_dns.mjs"])
    found = dict(line.split(" ", 1) for line in result.text.splitlines())
    address = found["resolve4"]
    assert ip_address(address) in POOL_V4
    assert found["reverse"] == NAME
    assert found["both"] == "ENODATA 1"
    assert ip_address(found["resolve6"]) in POOL_V6
    assert (found["resolveMx"], found["resolveTxt"]) == ("ENODATA", "EBADNAME")
    for server in ("198.51.100.53", "127.0.0.53", "[2001:db8::53]", "[::1]:53"):
        assert found[server] == address
    assert world.judge.leaks == []


def test_dnspython(world: World, one_hop: Chain) -> None:
    """It takes no answer that is not from the address it asked."""
    result = world.run([*fake(world, one_hop), sys.executable, PROGRAMS / "ask_dns.py"])
    address = result.text.split()[1]
    expected = [
        line
        for server in ("198.51.100.53", "127.0.0.53", "::1")
        for line in (f"{server} {address} {NAME}.", "no answer", "no such name")
    ]
    assert result.text.splitlines() == [*expected, *[address] * 3]
    assert world.judge.leaks == []


@pytest.mark.parametrize(
    "ask", ["dig +short NAME", "dig +short NAME @::1", "dig +tcp +short NAME @127.0.0.53"]
)
def test_an_address_leads_to_the_name(world: World, stage: Stage, one_hop: Chain, ask: str) -> None:
    """What a program has from DNS it can connect to, and the name is the last hop's to resolve."""
    script = f"curl -sS http://$({ask.replace('NAME', NAME)}):{stage.web.port}/"
    assert world.run([*wrap(one_hop.urls), "sh", "-c", script]).text == "it works"
    assert one_hop.asked_of(0) == {NAME}
    assert world.judge.leaks == []


def test_an_ipv6_address_leads_to_the_name(world: World, stage: Stage, one_hop: Chain) -> None:
    """Likewise where a program asks for nothing else."""
    script = f"curl -gsS http://[$(dig +short AAAA {NAME} @192.0.2.53)]:{stage.web.port}/"
    assert world.run([*fake(world, one_hop), "sh", "-c", script]).text == "it works"
    assert one_hop.asked_of(0) == {NAME}
    assert world.judge.leaks == []


def test_dns_over_another_port_is_refused(world: World, one_hop: Chain) -> None:
    """UDP to 853, and over TLS to a stub."""
    for server, transport in (("192.0.2.53", "+notcp"), ("127.0.0.53", "+tcp")):
        command = ["dig", "-p", "853", transport, "+tries=1", "+time=2", NAME, f"@{server}"]
        result = world.run([*wrap(one_hop.urls), *command], expect=9)
        assert "DNS over" in result.complaints[0]
    assert world.judge.leaks == []


def test_another_network_namespace(world: World, one_hop: Chain) -> None:
    """Nobody answers there, and nothing leaves."""
    script = f"ip link set lo up; exec dig +tries=1 +time=1 {NAME} @192.0.2.53"
    world.run([*wrap(one_hop.urls), "unshare", "-n", "sh", "-c", script], expect=9)
    assert world.judge.leaks == []


def test_the_system_bus(world: World, one_hop: Chain) -> None:
    """Messages to what resolves names there are refused, all others pass untouched."""
    script = 'mount -t tmpfs tmpfs /run && exec "$@"'
    program = [*wrap(one_hop.urls), sys.executable, PROGRAMS / "on_bus.py"]
    result = world.run(["sh", "-c", script, "sh", *program])
    expected = []
    for way in ("send", "sendmsg", "write", "pwritev2", "writev", "duplicate"):
        expected += [f"{way} org.freedesktop.{name} EACCES" for name in ("resolve1", "Avahi")]
        expected.append(f"{way} True")
    for hidden, outcome in (
        ("sendfile", "EINVAL"),
        ("splice", "EINVAL"),
        ("fdopen w", "EACCES"),
        ("fdopen r+", "EACCES"),
        ("fdopen r", "done"),
        ("dprintf", "EACCES"),
    ):
        expected += [f"{hidden} {outcome}", f"{hidden} b''"]
    assert result.text.splitlines() == [*expected, "path EACCES", "abstract EACCES", "True"]
    through = "proxywrap: refused name resolution through"
    past = "it would resolve names past the proxies"
    assert result.complaints == [
        f"{through} the system bus: {past}",
        f"{through} stdio on the system bus: {past}",
        f"{through} the system bus: {past} (13 times more)",
        f"{through} stdio on the system bus: {past} (2 times more)",
    ]
