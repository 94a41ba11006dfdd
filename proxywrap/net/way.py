"""Ways: connections of our own that lead through a chain, for sockets that cannot go there themselves."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxywrap.net.carrier import Carrier
from proxywrap.net.lent import LentSocket
from proxywrap.net.rehearsal import can_splice
from proxywrap.net.relay import Relay

if TYPE_CHECKING:
    from proxywrap.net.tls import TlsIO
    from proxywrap.net.tunnel import Tunnel

__all__ = ["Way"]


@dataclass(eq=False, repr=False)
class Way:
    """A connection to the destination, or to a hop before it; owns its socket.

    Where TLS is spoken by it, `tls` is the last of its layers; `tunnels` are
    those that it leads through.
    """

    lent: LentSocket
    tls: TlsIO | None = None
    tunnels: Sequence[Tunnel] = ()

    @property
    def io(self) -> LentSocket | TlsIO:
        """What flows are carried out on."""
        return self.tls or self.lent

    def close(self) -> None:
        """Give it up."""
        self.lent.close()
        for tunnel in self.tunnels:
            tunnel.kill()

    def relay(self, partner: socket.socket, on_end: Callable[[], None]) -> Carrier:
        """Carry bytes between it and `partner`, which is the relay's from here on, as the way is."""

        def end() -> None:
            for tunnel in self.tunnels:
                tunnel.release()
            on_end()

        carrier: Carrier
        if self.tls is not None or not can_splice():
            from proxywrap.net.copying import CopyingRelay  # noqa: PLC0415 - only TLS needs it, as a rule

            layers, begun = (self.tls.layers, self.tls.pending) if self.tls is not None else ((), b"")
            carrier = CopyingRelay(partner, self.lent.take(), layers, begun, end)
        else:
            carrier = Relay(partner, self.lent.take(), end)
        for tunnel in self.tunnels[-1:]:
            tunnel.tell_break(carrier.abort)
        return carrier
