"""Words for a peer that speaks something else than was expected of it.

A wrong port is the commonest mistake in a proxy's address, and the first byte
of an answer nearly always tells what really listens there.
"""

from __future__ import annotations

import errno

from proxywrap.errors import ProxyRefused, RemoteProtocolError, TimedOut, TruncatedError
from proxywrap.protocol.effects import Flow, ReadExactly

__all__ = ["mismatch", "read_answer", "wordless_refusal"]

_SERVERS = {
    0x00: "a SOCKS4 proxy",  # VN of a reply
    0x04: "a SOCKS4 proxy",
    0x05: "a SOCKS5 proxy",
    0x15: "a TLS server",  # alert (RFC 8446, section 5.1)
    0x16: "a TLS server",  # handshake
    ord("H"): "an HTTP proxy",
    ord("<"): "an HTTP proxy",  # servers that answer nonsense with a bare HTML page
    ord("S"): "an SSH server",
}

_CLIENTS = {
    0x04: "a SOCKS4 client",
    0x05: "a SOCKS5 client",
    0x16: "a TLS client",
    **dict.fromkeys(b"CDGHOPT", "an HTTP client"),  # CONNECT DELETE GET HEAD OPTIONS POST PUT TRACE
}


def mismatch(expected: str, got: int, *, of_client: bool = False) -> RemoteProtocolError:
    """Return the error that says what came in place of what was expected.

    Args:
        expected: what the byte should have been, with its name.
        got: the byte that came.
        of_client: the peer is a client; it is a server otherwise.

    """
    is_graphic = chr(got).isascii() and chr(got).isprintable()
    shown = f"{got} ({chr(got)!r})" if is_graphic else str(got)
    guess = (_CLIENTS if of_client else _SERVERS).get(got)
    question = f": is it {guess}?" if guess else ""
    return RemoteProtocolError(f"expected {expected}, got {shown}{question}")


def read_answer(size: int, what: str) -> Flow[bytes]:
    """Read the first `size` bytes of an answer.

    Raises:
        TruncatedError: the peer closed instead of answering; the text names
            `what` was expected, for that is how a server of another protocol
            usually reacts.

    """
    try:
        return (yield ReadExactly(size))
    except TruncatedError as exc:
        reason = f"expected {what}, but the connection was closed"
        raise TruncatedError(reason, received=exc.received) from exc


def wordless_refusal(error: BaseException | None) -> ProxyRefused | None:
    """Return what a proxy that has let us in says by an error of the connection, None where it says nothing.

    `ssh -D` closes when it cannot connect; half of an answer is a fault of the proxy's.
    A proxy whose destination drops what it is sent is silent for as long as the kernel
    goes on trying.
    """
    if isinstance(error, TruncatedError) and error.received:
        return None
    if isinstance(error, TruncatedError | ConnectionResetError | BrokenPipeError):
        reason = "closed the connection in place of an answer, as ssh -D does when it cannot connect"
        return ProxyRefused(reason, errno=errno.ECONNREFUSED, is_destination_fault=True)
    if isinstance(error, TimedOut):
        reason = f"did not connect within {error.limit_s:g} s, which is tcp_read_time_out"
        return ProxyRefused(reason, errno=errno.ETIMEDOUT, is_destination_fault=True)
    return None
