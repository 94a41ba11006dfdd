"""Why something was refused, and what to do about it, in the user's words.

Pure text: the launcher says it of COMMAND, the helper of what COMMAND does.
"""

from __future__ import annotations

import errno
import os
import re
import socket

from proxywrap.address import DNS_OVER_TLS_PORT, Endpoint
from proxywrap.protocol.wire import BlockedKind, RequestMessage, Target
from proxywrap.services import by_program

__all__ = ["allow_hint", "blocked", "no_filter", "runs_unwrapped", "target_reason"]

_TARGETS = {
    Target.STATIC: "it is statically linked, so the shim cannot be loaded into it",
    Target.FOREIGN: "it is built for another processor or word size, for which there is no shim",
    Target.LIBC: "its C library is neither glibc nor musl, so the shim cannot be loaded into it",
    Target.GO: "it is a Go program, which calls the kernel past the C library",
    Target.SECURE: "it is setuid, setgid or has capabilities, so the dynamic linker ignores the shim",
    Target.UNREADABLE: "it cannot be read, so nobody can tell whether the shim would be loaded",
    Target.PRELOAD: "the shim's file cannot be loaded from there (another user, a chroot, or a noexec mount)",
    Target.FORMAT: "it is neither an ELF program nor a script",
    Target.AWAY: "it is in another network namespace",
    Target.CUT_OFF: "it is in another network namespace and root, from where the helper cannot be reached: "
    "`--engine auto` reaches it by a seccomp filter",
    Target.LOADER: "it is the dynamic linker, and the shim cannot be loaded into what it is told to run",
    Target.MEMORY: (
        "its limits of memory (RLIMIT_DATA, RLIMIT_AS) may leave no room for the shim, and it would run "
        "without; raise `ulimit -d` or `ulimit -v`"
    ),
}

_SOCKET_TYPES = {
    socket.SOCK_STREAM: "stream",
    socket.SOCK_RAW: "raw",
    socket.SOCK_SEQPACKET: "SCTP",
    6: "DCCP",  # linux/net.h; not in Python
}

_TYPE_MASK = 0xF  # linux/net.h: flags may stand beside the type

_SEND_ICMP = frozenset({"ping", "ping6", "traceroute", "fping", "mtr-packet", "arping", "tracepath"})
_CHANGE_USER = frozenset({"sudo", "doas", "pkexec", "sudo-rs", "run0"})
"""Setuid programs that run another, which can be wrapped behind them."""

_PAST_PROXIES = "it would resolve names past the proxies"
_TCP_ONLY = "proxywrap carries TCP only"
_NO_ICMP = "no proxy carries ICMP (ping, traceroute); a connection shows whether a host is there: curl, nc -z"
_BY_CONNECT = f"{_TCP_ONLY}; scan by connections: `nmap -sT -Pn`, or `nmap --unprivileged -Pn`"
_ICMP = {(socket.AF_INET, 1), (socket.AF_INET6, 58)}  # the protocols: linux/in.h, linux/icmpv6.h


def allow_hint(path: str, file: str | None) -> str:
    """Return what would let a program run unwrapped.

    Args:
        path: the program.
        file: the configuration in use, None where that is no file.

    """
    # A blank would end the value, and what is special in a pattern would not mean itself.
    glob = re.sub(r"[\s\[*?]", "?", path)
    if file is None:
        place = "a configuration file (-f FILE in the place of -x)"
    else:
        place = "the file on standard input" if file == "-" else file
    name = os.path.basename(path)
    first = f"{_NO_ICMP}; " if name in _SEND_ICMP else ""
    first += f"write {name} first, `{name} proxywrap … COMMAND`, which wraps what it runs; " * (
        name in _CHANGE_USER
    )
    if (service := by_program(path)) is not None:
        first += (
            f"{service.name} runs outside, and what it is handed goes past the proxies: {service.advice}; "
        )
    return (
        f"{first}its traffic would bypass the proxies; a line `allow_unwrapped {glob}` "
        f"above [ProxyList] in {place} permits it"
    )


def runs_unwrapped(path: str, target: Target) -> str:
    """Tell of a program that is let run though it cannot be wrapped."""
    return f"{path} runs unwrapped, as `allow_unwrapped` says: {target_reason(target)}"


def target_reason(target: Target) -> str:
    """Return why a program cannot be wrapped, as half a sentence about it."""
    return _TARGETS[target]


def no_filter(error: int) -> str:
    """Return why a program cannot be put under a filter, after the errno of seccomp(2)."""
    if error == errno.EBUSY:
        return "somebody else's seccomp filter with a listener is over it already, a container's perhaps"
    return f"it needs a seccomp filter, and that cannot be installed: {os.strerror(error)}"


def blocked(request: RequestMessage, name: str | None = None) -> tuple[str, str]:  # noqa: PLR0911 - a table
    """Return what a `BLOCKED` request tells of, and what to do.

    Args:
        request: it.
        name: what the program has asked for to get the request's address, if that was a name.

    """
    match request.detail:
        case BlockedKind.UDP | BlockedKind.DNS:
            return _blocked_address(request, name)
        case BlockedKind.MULTICAST:
            return "the membership of a multicast group", "it is told to the network around the proxies"
        case BlockedKind.WAY:
            return request.name.decode("utf-8", "replace"), "it would lead past the proxies"
        case BlockedKind.FILTER:
            return f"to run {request.name.decode('utf-8', 'replace')}", no_filter(request.number)
        case BlockedKind.RESOLVER:
            return f"name resolution through {request.name.decode('utf-8', 'replace')}", _PAST_PROXIES
        case BlockedKind.SOCKET:
            return _blocked_socket(request)
        case _:
            return f"something unknown (kind {request.detail})", "the shim is of another version"


def _blocked_socket(request: RequestMessage) -> tuple[str, str]:
    family, kind, protocol = request.family, request.port & _TYPE_MASK, request.scope_id
    if (family, protocol) in _ICMP:
        return "an ICMP socket", _NO_ICMP
    if family == socket.AF_PACKET:
        return "a packet socket", _BY_CONNECT
    if family in {socket.AF_INET, socket.AF_INET6}:
        name = _SOCKET_TYPES.get(kind)
        hint = _BY_CONNECT if kind == socket.SOCK_RAW else _TCP_ONLY
        return f"a {name} socket" if name else "a socket of an unusual kind", hint
    return f"a socket of address family {family}{_name_of_family(family)}", _TCP_ONLY


def _name_of_family(family: int) -> str:
    try:
        return f" ({socket.AddressFamily(family).name})"
    except ValueError:
        return ""


def _blocked_address(request: RequestMessage, name: str | None) -> tuple[str, str]:
    host = name or request.address
    place = "an unknown address" if host is None else Endpoint(host, request.port)
    if request.detail == BlockedKind.DNS:
        return f"DNS over TLS to {place}", "a local name server would resolve names past the proxies"
    if request.port == DNS_OVER_TLS_PORT:
        return f"DNS over QUIC to {place}", "proxywrap carries TCP only, and answers port 53 itself"
    return f"UDP to {place}", _TCP_ONLY
