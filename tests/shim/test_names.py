"""Names in the shim: the getaddrinfo and gethostbyname families, forwards and backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Libc, Programs, both_libcs
from .stage import End, Wrapped, run

if TYPE_CHECKING:
    from collections.abc import Iterator

AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_V4MAPPED, AI_ALL, AI_ADDRCONFIG = 1, 2, 4, 8, 16, 32
FAKE_V4 = "198.18.108.80"
FAKE_V6 = "fd70:726f:7879:7772:2512:3452:6ba3:a748"


@pytest.fixture(scope="module")
def place() -> Iterator[Wrapped]:
    """Lend one wrapped world to all tests here."""
    with Wrapped(End.ACCEPTED) as made:
        yield made


ROWS = [
    ("site.test 80 0 0 1", f"ok|inet 1/6 {FAKE_V4} 80"),
    ("site.test 80 2 0 1", f"ok|inet 1/6 {FAKE_V4} 80"),
    ("site.test http 10 0 1", f"ok|inet6 1/6 {FAKE_V6} 80"),
    ("site.test - 0 0 2", f"ok|inet 2/17 {FAKE_V4} 0"),
    (f"site.test 80 0 {AI_ADDRCONFIG} 1", f"ok|inet 1/6 {FAKE_V4} 80"),
    (f"site.test 80 10 {AI_V4MAPPED | AI_ALL} 1", f"ok|inet6 1/6 {FAKE_V6} 80"),
    (f"site.test. 80 2 {AI_CANONNAME} 1", f"ok|inet 1/6 {FAKE_V4} 80 site.test"),
    (f"SITE.TEST 80 2 {AI_PASSIVE} 1", f"ok|inet 1/6 {FAKE_V4} 80"),
    ("site.test nosuchservice 0 0 1", "EAI_SERVICE"),
    (f"site.test 80 0 {AI_NUMERICHOST} 1", "EAI_NONAME"),
    ("site.test 80 77 0 1", "EAI_FAMILY"),
    ("site.test 80 0 65536 1", "EAI_BADFLAGS"),
    ("- - 0 0 1", "EAI_NONAME"),
    (f"127.0.0.1 80 0 {AI_CANONNAME} 1", "ok|inet 1/6 127.0.0.1 80 127.0.0.1"),
    ("127.1 80 0 0 1", "ok|inet 1/6 127.0.0.1 80"),
    ("::1 80 0 0 1", "ok|inet6 1/6 ::1 80"),
    (f"- 80 2 {AI_PASSIVE} 1", "ok|inet 1/6 0.0.0.0 80"),
    ("- 80 2 0 1", "ok|inet 1/6 127.0.0.1 80"),
    ("localhost 80 2 0 1", "ok|inet 1/6 127.0.0.1 80"),
    ("@254 80 0 0 1", "EAI_NONAME"),
    ("@255 80 0 0 1", "EAI_NONAME"),
    ("@256 80 0 0 1", "EAI_NONAME"),
    ("@299 80 0 0 1", "EAI_NONAME"),
    (f"{'a' * 64}.test 80 0 0 1", "EAI_NONAME"),
]


def _lines(found: list[str]) -> list[str]:
    """Leave out what musl does of its own accord: a canonical name, a change of errno."""
    return [
        " ".join(line.split()[:4]) if line.startswith("inet") else line.partition(",")[0] for line in found
    ]


@pytest.mark.case("prog-libuv-one-address")
@both_libcs
@pytest.mark.parametrize(("row", "expected"), ROWS, ids=[row for row, _ in ROWS])
def test_getaddrinfo(place: Wrapped, program: Programs, row: str, expected: str, libc: Libc) -> None:
    """One address of one family, or the error that libc has for the question."""
    trace = run(place, [program("addrinfo", libc)], *row.split()).trace
    wanted = [*expected.split("|"), "EXIT-SUCCESS"]
    assert _lines(trace) == _lines(wanted)
    if int(row.split()[3]) & AI_CANONNAME or libc is Libc.GLIBC:
        assert trace == wanted


def test_without_hints(place: Wrapped, program: Programs) -> None:
    """Hints may be NULL: an entry for each type of socket, all with the one address."""
    trace = run(place, [program("addrinfo")], *["site.test", "80", "-", "0", "0"]).trace
    assert trace == ["ok", *(f"inet {kind} {FAKE_V4} 80" for kind in ("1/6", "2/17", "3/0")), "EXIT-SUCCESS"]


@both_libcs
def test_canonical_names_of_every_length(place: Wrapped, program: Programs, libc: Libc) -> None:
    """With AI_CANONNAME the name comes back, whole, whether shorter or longer than its address."""
    for size in [
        1,
        2,
        6,
        7,
        8,
        14,
        15,
        16,
        17,
        18,
        19,
        20,
        21,
        22,
        38,
        39,
        40,
        41,
        46,
        63,
        127,
        128,
        252,
        253,
    ]:
        for family, kind in (("2", "inet"), ("10", "inet6")):
            args = [f"@{size}", "80", family, str(AI_CANONNAME), "1"]
            status, entry, *rest = run(place, [program("addrinfo", libc)], *args).trace
            name = "".join("." if at % 50 == 49 and at + 1 < size else "a" for at in range(size))
            assert (status, rest) == ("ok", ["EXIT-SUCCESS"])
            assert entry.split()[0] == kind
            assert entry.split()[4] == name


@both_libcs
@pytest.mark.parametrize("question", ["::1 80 2 0 1", "127.0.0.1 80 10 0 1", "fe80::1%nowhere 80 0 0 1"])
def test_an_address_of_another_family(place: Wrapped, program: Programs, question: str, libc: Libc) -> None:
    """A number is never taken for a name that the proxy might know."""
    trace = run(place, [program("addrinfo", libc)], *question.split()).trace
    assert trace[0] != "ok"
    assert place.server.log == []


HOSTENTS = [
    ("name site.test", f"inet, 4 bytes, site.test|{FAKE_V4}"),
    ("name2-6 site.test", f"inet6, 16 bytes, site.test|{FAKE_V6}"),
    ("name_r site.test", f"0 found|inet, 4 bytes, site.test|{FAKE_V4}"),
    ("name_r-6 site.test", f"0 found|inet6, 16 bytes, site.test|{FAKE_V6}"),
    ("name 198.51.100.7", "inet, 4 bytes, 198.51.100.7|198.51.100.7"),
    ("name_r 198.51.100.7", "0 found|inet, 4 bytes, 198.51.100.7|198.51.100.7"),
    ("name2-6 ::1", "inet6, 16 bytes, ::1|::1"),
    ("addr 127.0.0.1", "inet, 4 bytes, localhost|127.0.0.1"),
    ("addr_r 127.0.0.1", "0 found|inet, 4 bytes, localhost|127.0.0.1"),
]


@pytest.mark.case("sym-gethostbyaddr_r")
@both_libcs
@pytest.mark.parametrize(("row", "expected"), HOSTENTS, ids=[row for row, _ in HOSTENTS])
def test_gethostby(place: Wrapped, program: Programs, row: str, expected: str, libc: Libc) -> None:
    """The reentrant forms say ERANGE until the buffer holds it all, and write nothing beyond it."""
    trace = run(place, [program("hostent", libc)], *row.split()).trace
    assert trace == [*expected.split("|"), "EXIT-SUCCESS"]


@both_libcs
@pytest.mark.parametrize("row", ["name_r 0.0.0.0.0", "addr_r 203.0.113.9", "addr_r-6 2001:db8::9"])
def test_the_reentrant_forms_set_h_errno_too(place: Wrapped, program: Programs, row: str, libc: Libc) -> None:
    """Python has its exception's number from there: herror 1, host not found."""
    trace = run(place, [program("hostent", libc)], *row.split()).trace
    assert trace == ["0 Unknown host" if libc is Libc.GLIBC else "0 Host not found", "EXIT-SUCCESS"]


@both_libcs
@pytest.mark.parametrize(
    "row", ["name ::1", "name2-6 127.0.0.1", f"name {'a' * 64}.test", f"name_r {'a' * 300}"]
)
def test_gethostby_finds_nothing(place: Wrapped, program: Programs, row: str, libc: Libc) -> None:
    """Neither an address of the other family nor an impossible name is one."""
    trace = run(place, [program("hostent", libc)], *row.split()).trace
    assert not any("inet" in line for line in trace)
    assert trace[-1] == "EXIT-SUCCESS"


@pytest.mark.case("trap-nameinfo-corners")
@both_libcs
@pytest.mark.parametrize(("family", "number"), [("4", FAKE_V4), ("6", FAKE_V6)])
def test_getnameinfo(place: Wrapped, program: Programs, family: str, number: str, libc: Libc) -> None:
    """A fake address gives its name back; an unknown one its number, or EAI_NONAME if that will not do."""
    trace = run(place, [program("nameinfo", libc)], family, "site.test").trace
    assert [line.rstrip(": ") for line in trace] == [
        "ok: site.test http",
        "ok: site.test 80",
        "ok: site.test untouched",
        f"ok: {number} 80",
        "ok: untouched 80",
        "ok: untouched untouched",
        "EAI_OVERFLOW",
        "ok: site.test 80",
        "EAI_OVERFLOW",
        "EAI_FAMILY",
        "ok: 198.51.100.7 http",
        "ok: 198.51.100.7 80",
        "EAI_NONAME",
        "ok: 198.51.100.7 80",
        "ok: untouched 80",
        "ok: untouched untouched",
        "EAI_OVERFLOW",
        "EAI_OVERFLOW",
        "EAI_OVERFLOW",
        "EAI_FAMILY",
        "EXIT-SUCCESS",
    ]
