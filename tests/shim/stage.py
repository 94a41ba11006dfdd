"""The two worlds that a program's trace is compared in.

`Unwrapped` is the oracle: a listener on loopback that drops SYNs, so that a
connecting socket stays in SYN_SENT, until it is told to let it succeed or fail.
`Wrapped` is the bundled proxy server, which holds each request until then. The
program cannot tell them apart, or the shim is wrong.
"""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from proxywrap.address import Endpoint, parse_host
from proxywrap.testing import RunningServer, Script, SocksServer, running

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PROXYWRAP", "Echo", "End", "Place", "Result", "Unwrapped", "Wrapped", "run"]

PROXYWRAP = str(Path(sys.executable).parent / "proxywrap")
DEADLINE_S = 60.0

IPV6_MINHOPCOUNT = 73
IP_MINTTL = 21
SYN_SENT = "02"

REMOTE = {4: "198.51.100.7", 6: "2001:db8::7"}
"""Nothing is there, so only the proxy can lead there."""

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


class End(Enum):
    """What becomes of the connections."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """What a program did; `trace` is its standard output, by lines."""

    trace: list[str]
    errors: str
    status: int


class Place(Protocol):
    """Somewhere to run a program."""

    @property
    def prefix(self) -> list[str]:
        """What stands before the command."""

    @property
    def destination(self) -> list[str]:
        """Return the address and the port to connect to."""

    def go(self) -> None:
        """Let what is pending, and what comes, meet its end."""


def run(
    place: Place,
    command: Sequence[str | Path],
    *args: str,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Result:
    """Run `command` with a destination and `args`; do what it asks for.

    `prefix` comes before the wrapper's own.
    """
    argv = [*prefix, *place.prefix, *command, *place.destination, *args]
    trace: list[str] = []
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        # A copy: pytest changes the environment while other threads are here.
        env=dict(os.environ) if env is None else env,
    ) as process:
        guard = threading.Timer(DEADLINE_S, process.kill)
        guard.start()
        errors: list[str] = []
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        drain = threading.Thread(target=lambda pipe: errors.append(pipe.read()), args=(process.stderr,))
        drain.start()
        for line in process.stdout:
            if line != "!go\n":
                trace.append(line.rstrip("\n"))
                continue
            place.go()
            process.stdin.write("\n")
        status = process.wait()
        drain.join()
        guard.cancel()
    return Result(trace, errors[0], status)


class Echo:
    """A server that sends back what it is sent."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        """End every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self.serve(self._listener.accept()[0])

    def serve(self, sock: socket.socket) -> None:
        """Take over a connected socket."""
        thread = threading.Thread(target=self._serve, args=(sock,))
        self._open.append(sock)
        self._threads.append(thread)
        thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError), sock:
            while data := sock.recv(4096):
                sock.sendall(data)


class Unwrapped:
    """No wrapper: a listener whose kernel drops SYNs until `go`."""

    prefix: list[str] = []  # noqa: RUF012 - the protocol's, never changed

    def __init__(self, end: End, family: int = 4) -> None:
        self._end = end
        self._family = family
        self._stack = ExitStack()
        self._echo = Echo()
        self._listener = self._socket()

    def __enter__(self) -> Self:
        """Listen, and drop what comes: loopback's packets have a TTL of 64."""
        self._stack.enter_context(self._echo)
        self._set_least_ttl(255)
        self._listener.bind((LOOPBACK[self._family], 0))
        self._listener.listen(1024)
        self._port: int = self._listener.getsockname()[1]
        # Nobody else must be given the port when the listener has gone.
        keeper = self._stack.enter_context(self._socket())
        keeper.bind((LOOPBACK[self._family], self._port))
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._stack.close()

    @property
    def destination(self) -> list[str]:
        """Return the listener's address and port."""
        return [LOOPBACK[self._family], str(self._port)]

    def go(self) -> None:
        """Let the next SYN through, or have it reset.

        What waits is not left to wait for the retransmission: TCP opens
        simultaneously where both sides connect.
        """
        if self._end is End.REFUSED:
            self._listener.close()
            return
        self._set_least_ttl(0)
        accepting = threading.Thread(target=self._accept)
        accepting.start()
        self._stack.callback(accepting.join)
        for address in self._connecting():
            sock = self._socket()
            sock.bind((LOOPBACK[self._family], self._port))
            try:
                sock.connect(address)
            except OSError:  # the listener was quicker: the SYN came again just now
                sock.close()
            else:
                self._echo.serve(sock)

    def _socket(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if self._family == 6 else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return sock

    def _set_least_ttl(self, ttl: int) -> None:
        if self._family == 6:
            self._listener.setsockopt(socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT, ttl)
        else:
            self._listener.setsockopt(socket.IPPROTO_IP, IP_MINTTL, ttl)

    def _connecting(self) -> list[tuple[str, int]]:
        """Return the local addresses of the sockets that wait for us."""
        found = []
        table = Path("/proc/self/net/tcp6" if self._family == 6 else "/proc/self/net/tcp").read_text("ascii")
        for line in table.splitlines()[1:]:
            _, local, remote, state, *_ = line.split()
            if state == SYN_SENT and int(remote.rpartition(":")[2], 16) == self._port:
                found.append((LOOPBACK[self._family], int(local.rpartition(":")[2], 16)))
        return found

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._echo.serve(self._listener.accept()[0])


class Wrapped:
    """Through a proxy that answers nothing until `go`."""

    def __init__(
        self, end: End, family: int = 4, *, options: Sequence[str] = ("-q",), host: str = "127.0.0.1"
    ) -> None:
        self._end = end
        self._host = host
        self._family = family
        self._options = options
        self._stack = ExitStack()
        self.server: RunningServer
        self.proxy: list[str] = []

    def __enter__(self) -> Self:
        """Start the proxy and what it leads to."""
        echo = self._stack.enter_context(Echo())
        target = Endpoint(parse_host("127.0.0.1"), echo.port)
        names = {REMOTE[4]: target, REMOTE[6]: target, "site.test": target}
        script = Script(refuse=errno.ECONNREFUSED) if self._end is End.REFUSED else None
        self.server = self._stack.enter_context(
            running(SocksServer(host=self._host, names=names, script=script))
        )
        self.server.hold()
        self.proxy = ["-x", self.server.url]
        return self

    def __exit__(self, *_: object) -> None:
        """Stop both."""
        self._stack.close()

    @property
    def prefix(self) -> list[str]:
        """Return the wrapper's command line."""
        return [sys.executable, PROXYWRAP, *self._options, *self.proxy]

    @property
    def destination(self) -> list[str]:
        """Return an address that only the proxy knows."""
        return [REMOTE[self._family], "80"]

    def go(self) -> None:
        """Open the gate."""
        self.server.release()
