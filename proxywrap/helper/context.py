"""What all sessions of the control socket share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from proxywrap.events import Event
from proxywrap.helper.questions import Questions
from proxywrap.helper.router import Router
from proxywrap.net.connector import Deadlines
from proxywrap.net.dnsserver import DnsServer
from proxywrap.net.hopnames import HopNames

__all__ = ["Context"]


@dataclass(slots=True)
class Context:
    """What all sessions share.

    `report` takes events. `refusing` are loopback addresses where nothing ever
    listens, by family. `lent` maps a lent socket's inode to the attempt on it. `names`
    looks the first hops' names up. `questions` answers DNS messages, `dns` takes them from sockets.
    """

    token: bytes
    router: Router
    deadlines: Deadlines
    report: Callable[[Event], None]
    refusing: dict[int, tuple[str, int]]
    lent: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    names: HopNames = field(default_factory=HopNames)
    questions: Questions = field(init=False)
    dns: DnsServer = field(init=False)

    def __post_init__(self) -> None:
        """Have the name server answer what the router knows."""
        self.questions = Questions(self.router, self.report)
        self.dns = DnsServer(self.questions.ask)
