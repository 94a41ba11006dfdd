"""The access log: one entry for each client that came, kept in memory and written as JSON lines.

An entry appears when its request has been read and is completed while the
connection lives; its line is written once, at the end. No entry holds a
password.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from proxywrap.protocol.request import Request

__all__ = ["PENDING", "SUCCEEDED", "Access", "AccessLog"]

PENDING = "pending"
"""The result of a request that has not been answered yet."""

SUCCEEDED = "ok"
"""The result of a request whose client was connected to its destination."""


@dataclass(slots=True)
class Access:
    """One client: what it asked for and what came of it.

    `time_s` is when it came (Unix time), `client` its HOST:PORT. `scheme` is the
    protocol it spoke, None where that could not be told; `host` is as it asked,
    and `is_name` tells a name from an address. `result` is `ok`, the name of an
    errno, or what was wrong in words. `sent_bytes` went from the client to the
    destination, `received_bytes` the other way, handshakes not counted.
    `command` is what was asked for, CONNECT where the protocol has nothing
    else. `login` tells one user name and password from others, None where no
    password was given: they are numbered as they come.
    """

    time_s: float
    client: str
    scheme: str | None = None
    username: str | None = None
    host: str | None = None
    port: int | None = None
    is_name: bool = False
    result: str = PENDING
    sent_bytes: int = 0
    received_bytes: int = 0
    command: str | None = None
    login: int | None = None

    def take(self, request: Request, login: int | None = None) -> None:
        """Fill in what was asked for."""
        self.command = request.cmd.name
        self.login = login
        self.scheme = str(request.scheme)
        self.host = str(request.destination.host)
        self.port = request.destination.port
        self.is_name = isinstance(request.destination.host, str)
        if request.username is not None:
            self.username = request.username.decode("utf-8", "backslashreplace")

    @property
    def destination(self) -> str:
        """What was asked for as HOST:PORT, empty where it never came to that."""
        if self.host is None or self.port is None:
            return ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def to_json(self) -> str:
        """Return the entry as one line."""
        # Names may hold lone surrogates for bytes that were not UTF-8; ASCII
        # escapes carry them and `from_json` brings them back.
        return json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def from_json(cls, line: str) -> Access:
        """Return the entry that `to_json` wrote."""
        return cls(**json.loads(line))


class AccessLog:
    """The entries in order of arrival, and the file they go to."""

    def __init__(self, file: TextIO | None = None) -> None:
        self.entries: list[Access] = []
        self._file = file
        self._logins: dict[tuple[bytes | None, bytes], int] = {}

    def login_of(self, request: Request) -> int | None:
        """Return the number of a client's user name and password, from 1 on; None where it gave none."""
        if request.password is None:
            return None
        login = request.username, request.password
        return self._logins.setdefault(login, len(self._logins) + 1)

    def open(self, access: Access) -> None:
        """Show `access` to whoever looks at the entries."""
        self.entries.append(access)

    def close(self, access: Access) -> None:
        """Write `access`, which is complete."""
        if self._file is not None:
            self._file.write(access.to_json() + "\n")
            self._file.flush()
