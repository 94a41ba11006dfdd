"""Why something was refused, and what to do about it, in the user's words.

Pure text: the launcher says it of COMMAND, the helper of what COMMAND does.
"""

from __future__ import annotations

import socket

from proxywrap.address import Endpoint
from proxywrap.protocol.wire import BlockedKind, RequestMessage, Target

__all__ = ["blocked", "target_reason"]

_TARGETS = {
    Target.STATIC: "it is statically linked, so the shim cannot be loaded into it",
    Target.FOREIGN: "it is built for another processor or word size, for which there is no shim",
    Target.LIBC: "its C library is neither glibc nor musl, so the shim cannot be loaded into it",
    Target.GO: "it is a Go program, which calls the kernel past the C library",
    Target.SECURE: "it is setuid, setgid or has capabilities, so the dynamic linker ignores the shim",
    Target.UNREADABLE: "it cannot be read, so nobody can tell whether the shim would be loaded",
    Target.PRELOAD: "the shim's file cannot be opened from there (another user, or a chroot)",
    Target.FORMAT: "it is neither an ELF program nor a script",
}

ALLOW_HINT = "its traffic would bypass the proxies; `allow_unwrapped` in the configuration permits it"

_SOCKET_TYPES = {socket.SOCK_RAW: "raw", socket.SOCK_SEQPACKET: "SCTP", socket.SOCK_STREAM: "stream", 6: "DCCP"}


def target_reason(target: Target) -> str:
    """Return why a program cannot be wrapped, as half a sentence about it."""
    return _TARGETS[target]


def blocked(request: RequestMessage) -> tuple[str, str]:
    """Return what a `BLOCKED` request tells of, and what to do."""
    where = Endpoint(request.address, request.port) if request.address is not None else None
    match request.detail:
        case BlockedKind.UDP if request.port in {53, 853}:
            return f"DNS by UDP to {where}", "names are resolved by the last proxy, through getaddrinfo() and its kin"
        case BlockedKind.UDP:
            return f"UDP to {where}", "these proxies carry TCP only"
        case BlockedKind.DNS:
            return f"DNS by TCP to {where}", "a local name server would resolve names past the proxies"
        case BlockedKind.RESOLVER:
            name = request.name.decode("utf-8", "replace")
            return f"name resolution through {name}", "it would resolve names past the proxies"
        case BlockedKind.SOCKET if request.family in {socket.AF_INET, socket.AF_INET6}:
            kind = _SOCKET_TYPES.get(request.port, "unusual")
            return f"a {kind} socket", "only TCP can be carried by proxies"
        case BlockedKind.SOCKET:
            return f"a socket of address family {request.family}", "only TCP can be carried by proxies"
        case _:
            return f"something unknown (kind {request.detail})", "the shim is of another version"
