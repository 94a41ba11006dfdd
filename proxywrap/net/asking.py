"""The last proxy of a chain asked about a name or an address, by a connection of our own."""

from __future__ import annotations

from collections.abc import Sequence

from proxywrap.address import Host
from proxywrap.net.blame import blaming
from proxywrap.net.connector import Deadlines
from proxywrap.net.driver import run
from proxywrap.net.hopnames import HopNames
from proxywrap.net.way import reach_last
from proxywrap.protocol.handshake import login_for
from proxywrap.protocol.isolation import Isolation
from proxywrap.protocol.torlookup import Answer, look_up
from proxywrap.uri import ProxyURI

__all__ = ["ask_last"]


async def ask_last(
    hops: Sequence[ProxyURI], question: Host, deadlines: Deadlines, names: HopNames, isolation: Isolation
) -> Answer:
    """Return what the last of `hops`, a Tor, finds of a name or an address.

    Raises:
        AttemptFailed: the hop that failed, and why.

    """
    lent, io = await reach_last(hops, deadlines, names, isolation)
    last = hops[-1]
    try:
        flow = look_up(question, login_for(last, isolation), in_one_flight=last.options.is_pipelined)
        return await blaming(last, run(flow, io))
    finally:
        lent.close()
