"""What cannot be carried through the chain, and what may pass beside it."""

from __future__ import annotations

import pytest

from .conftest import Libc, Programs, both_libcs
from .stage import End, Wrapped, run

UNREACHABLE = {"Network is unreachable", "Network unreachable"}


@pytest.mark.case("trap-nscd", "trap-resolved-socket", "trap-udp-refused")
@both_libcs
def test_everything_but_tcp_is_refused(program: Programs, libc: Libc) -> None:
    """Datagrams, raw, packet and SCTP sockets, name services and DNS over TLS; each kind with one line."""
    with Wrapped(End.ACCEPTED, options=()) as place:
        result = run(place, [program("refused", libc)])
    outcomes = [line.rpartition("= -1 ")[2] for line in result.trace]
    datagrams = [outcomes[first : first + 6] for first in (0, 6, 12)]
    for where, *sends, connected, bad_pointer in datagrams:
        assert ":" in where
        assert set(sends) <= UNREACHABLE
        assert connected.endswith(" = 0")  # which sends nothing
        assert bad_pointer == "Bad address"
    assert set(outcomes[18:20]) <= UNREACHABLE
    assert outcomes[20:] == [
        *["Operation not permitted"] * 8,
        *["Connection refused"] * 4,
        "EXIT-SUCCESS",
    ]
    for what in (
        "UDP to 198.51.100.7:9",
        "DNS over QUIC to 198.51.100.7:853",
        "a packet socket: proxywrap carries TCP only; scan by connections: `nmap -sT -Pn`",
        "an ICMP socket: no proxy carries ICMP",
        "a socket of address family 40 (AF_VSOCK)",
        "name resolution through a name service's socket",
        "DNS over TLS to 127.0.0.53:853",
    ):
        assert what in result.errors
    assert place.server.log == []


@pytest.mark.case("pend-helper-out-of-reach")
@both_libcs
def test_out_of_reach(program: Programs, libc: Libc) -> None:
    """In another root and another network namespace connections fail as they do there, by its own errno."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("lost", libc)])
    said = [line.rpartition(" = ")[2].replace("is un", "un").replace("now in", "in") for line in result.trace]
    assert said == ["-1 Network unreachable", "-1 Operation in progress", "EXIT-SUCCESS"]
    assert place.server.log == []


@pytest.mark.case("pend-aio")
@both_libcs
def test_asynchronous_io_does_not_wait(program: Programs, libc: Libc) -> None:
    """What libc's threads or the kernel would do past the hooks fails with EAGAIN, and no byte arrives."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("aio_waits", libc)])
    again = "-1 Resource temporarily unavailable"
    assert [line.rpartition(" = ")[2] for line in result.trace] == [
        *[again, "1", "-1 Bad address"],
        *[again] * 4,
        *["5", again],
        *["4", "1", "0", "1", "q"],
        "EXIT-SUCCESS",
    ]
    assert result.errors == ""


@pytest.mark.case("pend-limit")
@both_libcs
def test_the_limit_of_descriptors(program: Programs, libc: Libc) -> None:
    """A pending connect needs a second one: EMFILE for one too many, and nothing else suffers or stays."""
    with Wrapped(End.ACCEPTED) as place:
        result = run(place, [program("limit", libc)])
    emfile = {Libc.GLIBC: "Too many open files", Libc.MUSL: "No file descriptors available"}
    assert result.trace == [
        emfile[libc],
        "about half of them: 1",
        "write(pipes[1], &byte, 1) = 1",
        "read(pipes[0], &byte, 1) = 1",
        "all of them: 1",
        "left: 0",
        "EXIT-SUCCESS",
    ]
    assert result.errors == ""
