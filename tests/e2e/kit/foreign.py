"""Proxies and servers that nobody here wrote, started inside the world.

Each proxy has its own /etc/hosts, so that it alone knows where the names lead.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from .world import World, factor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "Sshd",
    "dante",
    "microsocks",
    "running",
    "ssh_dynamic",
    "ssh_forward",
    "sshd",
    "stunnel",
    "tinyproxy",
    "tor",
]


async def _accepts(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        return sock.connect_ex((host, port)) == 0


@contextlib.contextmanager
def running(
    world: World,
    argv: Sequence[object],
    listens: tuple[str, int],
    *,
    hosts: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server until the block ends; it is ready when it accepts. Its process id is given."""
    log = world.directory / f"server-{listens[1]}.log"
    with log.open("wb") as output:
        process = world.start(argv, hosts=hosts or {}, stdout=output, stderr=subprocess.STDOUT)
    with process, world.employing(process):
        deadline = time.monotonic() + 20 * factor()
        while not world.call(_accepts, *listens):
            # The one event that can be waited for is the one that would make waiting vain.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
            if process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[0]} did not start: {log.read_text(errors='replace')}")
        try:
            yield process.pid
        except BaseException:
            print(f"--- log of {argv[0]}\n{log.read_text(errors='replace')[-4000:]}")
            raise
        finally:
            process.terminate()
            process.wait(20 * factor())


@contextlib.contextmanager
def microsocks(
    world: World,
    hosts: Mapping[str, str],
    *,
    password: str | None = None,
    host: str = "127.0.0.1",
) -> Iterator[str]:
    """Run microsocks and yield its URL."""
    port = world.port()
    login = ["-u", "alice", "-P", password] if password else []
    userinfo = f"alice:{quote(password, safe='')}@" if password else ""
    with running(world, ["microsocks", "-i", host, "-p", str(port), *login], (host, port), hosts=hosts):
        yield f"socks5://{userinfo}{f'[{host}]' if ':' in host else host}:{port}"


@contextlib.contextmanager
def dante(world: World, hosts: Mapping[str, str]) -> Iterator[str]:
    """Run Dante's server and yield its URL."""
    port = world.port()
    config = world.directory / f"danted-{port}.conf"
    config.write_text(
        f"""\
logoutput: stderr
internal: 127.0.0.1 port = {port}
external: lo
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0/0 to: 0/0 }}
socks pass {{ from: 0/0 to: 0/0 }}
""",
    )
    with running(world, ["danted", "-N", "1", "-f", config], ("127.0.0.1", port), hosts=hosts):
        yield f"socks5://127.0.0.1:{port}"


@contextlib.contextmanager
def tinyproxy(world: World, hosts: Mapping[str, str]) -> Iterator[str]:
    """Run tinyproxy and yield its URL."""
    port = world.port()
    config = world.directory / f"tinyproxy-{port}.conf"
    config.write_text(
        f"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 300\nLogLevel Connect\n"
        "User root\nGroup root\n",
    )
    with running(world, ["tinyproxy", "-d", "-c", config], ("127.0.0.1", port), hosts=hosts):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def stunnel(world: World, target: int, pem: Path) -> Iterator[int]:
    """Run stunnel, which takes TLS off, before a proxy, with the chain and key of `pem`; yield its port."""
    port = world.port()
    config = world.directory / f"stunnel-{port}.conf"
    config.write_text(
        f"foreground = yes\nsyslog = no\npid =\n[proxy]\naccept = 127.0.0.1:{port}\n"
        f"connect = 127.0.0.1:{target}\ncert = {pem}\n",
    )
    with running(world, ["stunnel4", config], ("127.0.0.1", port)):
        yield port


@contextlib.contextmanager
def tor(world: World, names: Mapping[str, str]) -> Iterator[str]:
    """Run Tor without a network, and yield its URL.

    What it answers by itself are `names`, and those of `.auto`; whatever else
    it is asked for it gives up after a second.
    """
    port = world.port()
    config = world.directory / f"torrc-{port}"
    lines = [
        f"SocksPort 127.0.0.1:{port} NoPreferIPv6Automap UseIPv4Cache",
        "SocksTimeout 1",
        f"DataDirectory {world.directory}/tor-{port}",
        "Socks5Proxy 127.0.0.1:1",  # where nobody listens: it leaves by no other way
        "User root",
        "Log notice stderr",
        "AutomapHostsOnResolve 1",
        "AutomapHostsSuffixes .auto",
        "VirtualAddrNetworkIPv4 9.9.0.0/16",
        *(f"MapAddress {name} {address}" for name, address in names.items()),
        *(f"MapAddress REVERSE[{address}] {name}" for name, address in names.items()),
    ]
    config.write_text("\n".join([*lines, ""]))
    with running(world, ["tor", "--defaults-torrc", "/dev/null", "-f", config], ("127.0.0.1", port)):
        yield f"socks5://127.0.0.1:{port}"


@dataclass(frozen=True, slots=True)
class Sshd:
    """A running sshd and what its clients need."""

    address: str
    port: int
    key: Path
    known_hosts: Path

    @property
    def flags(self) -> list[str]:
        """The options of ssh that log in without a question, checking the host key."""
        plain = {
            "IdentityFile": self.key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "HostKeyAlias": "the-origin",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        options = [text for name, value in plain.items() for text in ("-o", f"{name}={value}")]
        return ["-F", "none", *options, "-p", str(self.port)]

    def options(self, name: str) -> list[str]:
        """Return these, and whom to log in as at `name`."""
        return [*self.flags, f"root@{name}"]


@contextlib.contextmanager
def sshd(
    world: World,
    address: str,
    hosts: Mapping[str, str] | None = None,
    settings: str = "MaxStartups 1000",
) -> Iterator[Sshd]:
    """Run OpenSSH's server, with `settings` of its configuration added."""
    port = world.port()
    home = world.directory / f"sshd-{port}"
    home.mkdir()
    for name in ("host_key", "client_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", home / name], check=True
        )
    (home / "authorized_keys").write_bytes((home / "client_key.pub").read_bytes())
    (home / "known_hosts").write_text("the-origin " + (home / "host_key.pub").read_text())
    (home / "config").write_text(
        f"""\
ListenAddress {address}
Port {port}
HostKey {home}/host_key
AuthorizedKeysFile {home}/authorized_keys
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication no
PidFile none
MaxSessions 1000
{settings}
""",
    )
    # sshd wants its privilege separation directory, which only an init script makes.
    script = 'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$0" "$@"'
    argv = ["sh", "-c", script, "/usr/sbin/sshd", "-D", "-e", "-f", home / "config"]
    with running(world, argv, (address, port), hosts=hosts):
        yield Sshd(address, port, home / "client_key", home / "known_hosts")


@contextlib.contextmanager
def ssh_dynamic(world: World, hosts: Mapping[str, str]) -> Iterator[str]:
    """Run `ssh -D` to an sshd that knows the names, and yield the URL of its SOCKS server."""
    port = world.port()
    with sshd(world, "127.0.0.1", hosts) as far:
        argv = ["ssh", "-N", "-D", f"127.0.0.1:{port}", *far.options("127.0.0.1")]
        with running(world, argv, ("127.0.0.1", port)):
            yield f"socks5://127.0.0.1:{port}"


@contextlib.contextmanager
def ssh_forward(world: World, hosts: Mapping[str, str], host: str, target_port: int) -> Iterator[int]:
    """Run `ssh -L` to an sshd that knows the names, and yield the port that it forwards to `host`."""
    port = world.port()
    with sshd(world, "127.0.0.1", hosts) as far:
        way = f"127.0.0.1:{port}:{host}:{target_port}"
        argv = ["ssh", "-N", "-L", way, *far.options("127.0.0.1")]
        with running(world, argv, ("127.0.0.1", port)):
            yield port
