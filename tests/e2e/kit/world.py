"""A network namespace without a way out, and the judge that sees every attempt to leave.

The default routes of the namespace lead to a TUN device that the judge reads,
and its resolv.conf to an address behind that device and to a stub on
127.0.0.53. What a wrapped program sends past the wrapper ends up in
`Judge.leaks`, as a packet or as a query.

One thread lives inside the namespace and runs an event loop. A socket belongs
to the namespace of the thread that made it, so servers on this loop are inside
while the tests that talk about them stay outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import secrets
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

__all__ = ["UNREACHABLE", "Command", "Judge", "Leak", "Result", "World", "factor"]

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
IPPROTO_HOPOPTS = 0
ICMPV6_OF_THE_KERNEL = {131, 132, 133, 135, 136, 143}
"""Multicast listener reports, router and neighbour discovery: sent by every interface that comes up."""

MARKER = ("198.51.100.254", 9)
NAMESERVER = "198.51.100.53"
STUB = "127.0.0.53"

UNREACHABLE = "203.0.113.66"
"""A host that answers "unreachable" at once."""

LINKS = f"""\
link set lo up
link set leak0 addrgenmode none
addr add 192.0.2.2/24 dev leak0
link set leak0 up
addr add 2001:db8::2/64 dev leak0 nodad
route add default via 192.0.2.1 dev leak0
route add default via 2001:db8::1 dev leak0
route add unreachable {UNREACHABLE}/32
"""


def factor() -> float:
    """Return by how much slow machines stretch every deadline."""
    return float(os.environ.get("PROXYWRAP_TEST_FACTOR", "1"))


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing that went past the wrapper."""

    kind: str
    """`tcp`, `udp`, `icmp`, … for a packet; `query` for a question to the stub."""
    destination: str
    detail: str


def _describe(packet: bytes) -> Leak | None:
    """Return what a packet on the device is, or None for the kernel's own noise."""
    if packet[0] >> 4 == 4:
        protocol = packet[9]
        destination = str(IPv4Address(packet[16:20]))
        payload = packet[(packet[0] & 15) * 4 :]
    else:
        protocol = packet[6]
        destination = str(IPv6Address(packet[24:40]))
        payload = packet[40:]
        if protocol == IPPROTO_HOPOPTS:
            protocol, payload = payload[0], payload[(payload[1] + 1) * 8 :]
        if protocol == socket.IPPROTO_ICMPV6 and payload[0] in ICMPV6_OF_THE_KERNEL:
            return None
    if protocol in {socket.IPPROTO_TCP, socket.IPPROTO_UDP}:
        kind = "tcp" if protocol == socket.IPPROTO_TCP else "udp"
        port = int.from_bytes(payload[2:4], "big")
        return Leak(kind, destination, f"port {port}: {payload[:64].hex()}")
    return Leak(f"ip protocol {protocol}", destination, payload[:32].hex())


class Judge:
    """Reads the only device beside lo, and answers as the stub resolver."""

    def __init__(self) -> None:
        self._leaks: list[Leak] = []
        self._packets: dict[bytes, asyncio.Event] = {}
        self._queries: dict[bytes, asyncio.Event] = {}
        self._world: World | None = None

    @property
    def leaks(self) -> list[Leak]:
        """What has left the wrapper so far: all that was sent before this call is in it."""
        assert self._world is not None
        self._world.call(self._settle)
        return list(self._leaks)

    def acquit(self) -> list[Leak]:
        """Return the leaks and forget them: for the tests that want one to be seen."""
        leaks = self.leaks
        self._leaks.clear()
        return leaks

    async def start(self, world: World, device: int) -> None:
        """Begin to watch; called inside the namespace."""
        self._world = world
        loop = asyncio.get_running_loop()
        loop.add_reader(device, self._read_device, device)
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Stub(self), local_addr=(STUB, 53))
        self._server = await asyncio.start_server(self._answer_stream, STUB, 53)

    async def stop(self) -> None:
        """End the stub; the device goes with the namespace."""
        self._transport.close()
        self._server.close()
        await self._server.wait_closed()

    def _read_device(self, device: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(device, 65536)
                for nonce, event in self._packets.items():
                    if packet.endswith(nonce):
                        event.set()
                        break
                else:
                    leak = _describe(packet)
                    if leak is not None:
                        self._leaks.append(leak)

    def answer(self, query: bytes, transport: str) -> bytes:
        """Note a question and return NXDOMAIN, so that nobody waits for more."""
        if query in self._queries:
            self._queries[query].set()
            return b""
        self._leaks.append(Leak("query", STUB, f"{transport}: {query!r}"))
        return query[:2] + b"\x81\x83" + query[4:6] + bytes(6) + query[12:]

    async def _answer_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._leaks.append(Leak("query", STUB, "tcp: connection"))
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = self.answer(await reader.readexactly(length), "tcp")
            writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()

    async def _settle(self) -> None:
        # Packets and datagrams are delivered in order: once the marker is
        # here, so is everything that was sent before it.
        nonce = secrets.token_bytes(16)
        self._packets[nonce] = asyncio.Event()
        self._queries[nonce] = asyncio.Event()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(nonce, MARKER)
            sock.sendto(nonce, (STUB, 53))
        await self._packets[nonce].wait()
        await self._queries[nonce].wait()
        del self._packets[nonce], self._queries[nonce]


class _Stub(asyncio.DatagramProtocol):
    """The resolver on 127.0.0.53 that systemd-resolved would be."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        answer = self._judge.answer(data, "udp")
        if answer:
            self._transport.sendto(answer, addr)


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it said."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output, without the last line feed."""
        return self.stdout.decode().removesuffix("\n")

    @property
    def complaints(self) -> list[str]:
        """The lines of standard error."""
        return self.stderr.decode().splitlines()


class Command(subprocess.Popen[bytes]):
    """A process inside, which is killed if the test leaves it behind."""

    def __exit__(self, *exc_info: object) -> None:
        """Kill what still runs, and reap it."""
        if self.poll() is None:
            self.kill()
        super().__exit__(*exc_info)  # type: ignore[arg-type]


class World:
    """The namespace; use it as a context manager.

    Args:
        has_name_servers: what has a hosts file of its own asks them for other names; else it
            knows of no others, and says so at once.

    """

    def __init__(self, *, has_name_servers: bool = True) -> None:
        self._has_name_servers = has_name_servers
        self.judge = Judge()
        self.directory = Path(tempfile.mkdtemp(prefix="pw-", dir="/tmp"))
        self.directory.chmod(0o755)
        self._ready: Future[None] = Future()
        self._ports = iter(range(20000, 32000))
        self._servers: set[int] = set()

    # Life and death of the namespace.

    def __enter__(self) -> Self:
        """Make the namespace, with the judge in it."""
        self._thread = threading.Thread(target=self._live, name="world", daemon=True)
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Let the namespace go, and the files that lived with it."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        subprocess.run(["rm", "-rf", self.directory], check=True)

    def _live(self) -> None:
        device = -1
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "the tests need network namespaces: unshare(CLONE_NEWNET)")
            self.namespace = f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"leak0", IFF_TUN | IFF_NO_PI))
            Path("/proc/sys/net/ipv6/conf/leak0/router_solicitations").write_text("0")
            subprocess.run(["ip", "-batch", "-"], input=LINKS.encode(), check=True)
            asyncio.run(self._serve(device))
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
        finally:
            if device >= 0:
                os.close(device)

    async def _serve(self, device: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        await self.judge.start(self, device)
        self._ready.set_result(None)
        await self._end.wait()
        await self.judge.stop()

    # What happens inside.

    def call(self, function: Callable[..., Awaitable[T]], *args: Any, timeout: float = 30) -> T:
        """Await `function(*args)` inside and return its result."""

        async def run() -> T:
            return await asyncio.wait_for(function(*args), timeout * factor())

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    @contextlib.contextmanager
    def running(self, server: contextlib.AbstractAsyncContextManager[T]) -> Any:
        """Enter an asynchronous context manager inside, for the length of a with block."""
        value = self.call(server.__aenter__)
        try:
            yield value
        finally:
            self.call(server.__aexit__, None, None, None)

    def port(self) -> int:
        """Return a port that nobody else in this namespace uses: below the kernel's own range, each once."""
        return next(self._ports)

    def inside(
        self, argv: Iterable[object], *, hosts: Mapping[str, str] | None = None, resolver_s: int = 1
    ) -> list[str]:
        """Return the command line that runs `argv` inside, with `hosts` as its /etc/hosts.

        `resolver_s` is for how long its C library asks a name server. Where
        that is a wrong one, nobody answers; musl asks no longer in all.
        """
        resolv = self.directory / f"resolv-{resolver_s}.conf"
        if not resolv.exists():
            resolv.write_text(
                f"nameserver {NAMESERVER}\nnameserver {STUB}\noptions timeout:{resolver_s} attempts:1\n"
            )
        mounts = f"mount --bind {resolv} /etc/resolv.conf"
        if hosts is not None:
            with tempfile.NamedTemporaryFile("w", dir=self.directory, prefix="hosts-", delete=False) as file:
                file.write("127.0.0.1 localhost\n")
                file.writelines(f"{address} {name}\n" for name, address in hosts.items())
            Path(file.name).chmod(0o644)
            mounts += f" && mount --bind {file.name} /etc/hosts"
            if not self._has_name_servers:
                files_only = self.directory / "nsswitch.conf"
                files_only.write_text("hosts: files\n")
                mounts += f" && mount --bind {files_only} /etc/nsswitch.conf"
        enter = ["nsenter", f"--net={self.namespace}", "unshare", "--mount", "--propagation", "private"]
        return [*enter, "sh", "-c", f'{mounts} && exec "$@"', "sh", *map(str, argv)]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a small environment, the same for everything that runs inside."""
        run, home = self.directory / "run", self.directory / "home"
        run.mkdir(mode=0o700, exist_ok=True)
        home.mkdir(exist_ok=True)
        keep = {name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_START") if name in os.environ}
        return {**keep, "LC_ALL": "C.UTF-8", "HOME": str(home), "XDG_RUNTIME_DIR": str(run), **(extra or {})}

    def start(
        self,
        argv: Iterable[object],
        *,
        env: Mapping[str, str] | None = None,
        hosts: Mapping[str, str] | None = None,
        resolver_s: int = 1,
        **options: Any,
    ) -> Command:
        """Start a command inside; `options` are those of Popen."""
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        }
        return Command(
            self.inside(argv, hosts=hosts, resolver_s=resolver_s), env=self.environment(env), **options
        )

    def run(
        self,
        argv: Iterable[object],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        expect: int | None = 0,
        **options: Any,
    ) -> Result:
        """Run a command inside to its end; unless `expect` is None, its status must be that."""
        options.setdefault("stdin", subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        with self.start(argv, env=env, **options) as process:
            stdout, stderr = process.communicate(stdin, timeout * factor())
        result = Result(process.returncode, stdout or b"", stderr or b"")
        if expect is not None and result.returncode != expect:
            said = (result.stderr + b"\n" + result.stdout[:2000]).decode(errors="replace")
            raise AssertionError(
                f"{' '.join(map(str, argv))}: status {result.returncode}, expected {expect}\n{said}"
            )
        return result

    # Who is inside.

    @contextlib.contextmanager
    def employing(self, process: Command) -> Any:
        """Count a process and its children among the servers, which may stay when a test ends."""
        self._servers.add(process.pid)
        try:
            yield process
        finally:
            self._servers.discard(process.pid)

    def residents(self) -> set[int]:
        """Return the processes inside that are no servers."""
        inode = os.stat(self.namespace).st_ino
        found = set()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                pid = int(entry.name)
                if (
                    pid != os.getpid()
                    and (entry / "ns/net").stat().st_ino == inode
                    and not self._is_server(pid)
                ):
                    found.add(pid)
        return found

    def _is_server(self, pid: int) -> bool:
        while pid > 1:
            if pid in self._servers:
                return True
            stat = Path(f"/proc/{pid}/stat").read_text()
            pid = int(stat.rpartition(")")[2].split()[1])
        return False

    def wait_deserted(self, timeout: float = 10) -> dict[int, str]:
        """Wait until no resident is left; return the command lines of those that had to be killed."""
        deadline = time.monotonic() + timeout * factor()
        while residents := self.residents():
            for pid in residents:
                if not _wait_for_end(pid, deadline):
                    stayed = {pid: _command_line(pid) for pid in self.residents()}
                    for straggler in stayed:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(straggler, signal.SIGKILL)
                    return stayed
        return {}

    def runtime_files(self) -> list[str]:
        """Return what proxywrap has left in the runtime directory."""
        return sorted(path.name for path in (self.directory / "run").glob("*"))


def _wait_for_end(pid: int, deadline: float) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        remaining = max(0.0, deadline - time.monotonic())
        return bool(select.select([handle], [], [], remaining)[0])
    finally:
        os.close(handle)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return "?"
