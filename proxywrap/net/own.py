"""A socket of our own that is connected as a lent one is."""

from __future__ import annotations

from proxywrap.net.lent import LentSocket
from proxywrap.net.places import SockAddr

__all__ = ["OwnSocket"]


class OwnSocket(LentSocket):
    """A non-blocking socket; nothing in it is anybody else's, to be put aside for a handshake."""

    def clear_options(self) -> None:
        """Leave them."""

    def restore_options(self) -> None:
        """Leave them."""

    def _start(self, sockaddr: SockAddr) -> int:
        return self._sock.connect_ex(sockaddr)
