"""The last proxy of a chain asked about a name or an address, by a connection of our own."""

from __future__ import annotations

from collections.abc import Sequence

from proxywrap.address import Host
from proxywrap.net.blame import blaming
from proxywrap.net.driver import run
from proxywrap.net.waymaking import WayMaker
from proxywrap.protocol.handshake import login_for
from proxywrap.protocol.isolation import Isolation
from proxywrap.protocol.torlookup import Answer, look_up
from proxywrap.uri import ProxyURI

__all__ = ["ask_last"]


async def ask_last(hops: Sequence[ProxyURI], question: Host, maker: WayMaker, isolation: Isolation) -> Answer:
    """Return what the last of `hops`, a Tor, finds of a name or an address.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    way = await maker.reach_last(hops, isolation)
    last = hops[-1]
    try:
        flow = look_up(question, login_for(last, isolation), in_one_flight=last.options.is_pipelined)
        return await blaming(last, run(flow, way.io))
    finally:
        way.close()
