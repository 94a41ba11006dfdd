"""Answers to DNS messages: the literal bytes, and what each kind of question gets."""

from __future__ import annotations

import struct
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.config import Config, Options
from proxywrap.events import Blocked, Event, Resolved
from proxywrap.helper.answers import Answers
from proxywrap.helper.farnames import FarNames, Found
from proxywrap.helper.lookups import NEGATIVE_TTL_S, TTL_S, Asked, Later
from proxywrap.helper.router import Router
from proxywrap.hosts import parse_hosts
from proxywrap.parser import parse_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxywrap.address import Host
    from proxywrap.protocol.torlookup import Answer

FAKE_V4 = "198.18.108.80"
FAKE_V6 = "fd70:726f:7879:7772:2512:3452:6ba3:a748"
HOSTS = "127.0.0.1 localhost\n10.1.2.3 box.lan box\nfd00::3 box.lan\n10.1.2.4 four.lan\n"

A, NS, PTR, MX, AAAA, AXFR, HTTPS, ANY = 1, 2, 12, 15, 28, 252, 65, 255
IN, CH = 1, 3


def make(options: Options | None = None, events: list[Event] | None = None) -> Answers:
    """Return answers over a pool in which nothing is taken yet."""
    router = Router(Config(options or Options(), (), "test"), parse_hosts(HOSTS), frozenset({"me", "me.lan"}))
    return Answers(router, (events if events is not None else []).append)


def wire_name(name: str) -> bytes:
    """Return a name as messages have it."""
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(name: str, kind: int = A, klass: int = IN, flags: int = 0x0100, tail: bytes = b"") -> bytes:
    """Return a message with one question; `tail` is an additional record."""
    counts = struct.pack("!4H", 1, 0, 0, bool(tail))
    return (
        b"?!" + flags.to_bytes(2, "big") + counts + wire_name(name) + struct.pack("!2H", kind, klass) + tail
    )


def told(answers: Answers, name: str, kind: int = A, klass: int = IN) -> dns.message.Message:
    """Return the answer to a question that has waited."""
    answer = answers.answer(question(name, kind, klass), 7, has_waited=True)
    assert isinstance(answer, bytes)
    return dns.message.from_wire(answer)


def records(message: dns.message.Message) -> list[str]:
    """Return what stands in the answer section."""
    return [str(record) for rrset in message.answer for record in rrset]


# ---
# Literal messages


def test_an_address() -> None:
    """One record that points back to the question, and the question as it was asked."""
    asked = question("SiTe.tEsT")
    found = make().answer(asked, 7)
    record = b"\xc0\x0c\0\1\0\1" + TTL_S.to_bytes(4, "big") + b"\0\4" + bytes([198, 18, 108, 80])
    assert found == b"?!\x81\x80\0\1\0\1\0\0\0\0" + asked[12:] + record


def test_no_data() -> None:
    """A start of authority says how long that is so; RFC 2308, section 2.2."""
    asked = question("site.test", MX)
    found = make().answer(asked, 7)
    assert isinstance(found, bytes)
    assert found.startswith(b"?!\x81\x80\0\1\0\0\0\1\0\0" + asked[12:] + b"\0\0\6\0\1")
    assert found.endswith(NEGATIVE_TTL_S.to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"", b"\0\0\x80\x81"),
        (b"?", b"?\0\x80\x81"),
        (b"?!", b"?!\x80\x81"),
        (b"?!\1", b"?!\x81\x81"),
        (question("site.test")[:-1], b"?!\x81\x81"),
        (question("site.test") + b"x", b"?!\x81\x81"),
        (b"?!\1\0" + bytes(8), b"?!\x81\x81"),
        (b"?!\1\0\0\2" + bytes(6) + question("a.test")[12:] + question("b.test")[12:], b"?!\x81\x81"),
        (b"?!\1\0\0\1" + bytes(6) + b"\xc0\x0c\0\1\0\1", b"?!\x81\x81"),
        (b"?!\1\0\0\1" + bytes(6) + b"\x40a\0\0\1\0\1", b"?!\x81\x81"),
        (question("site.test", flags=0x1000), b"?!\x90\x84"),
        (question("site.test", flags=0x2900), b"?!\xa9\x84"),
        (question("site.test", flags=0x7800), b"?!\xf8\x84"),
    ],
    ids=[
        *("empty", "byte", "id", "header-cut", "cut", "trailing", "no-question", "two-questions"),
        *("loop", "long-label", "status", "update", "reserved"),
    ],
)
def test_what_cannot_be_answered(asked: bytes, answer: bytes) -> None:
    """FORMERR for what cannot be read, NOTIMP for another operation, with nothing behind the header."""
    assert make().answer(asked, 7) == answer + bytes(8)


def test_an_answer_is_not_answered() -> None:
    """Two name servers would never come to an end."""
    assert make().answer(question("site.test", flags=0x8100), 7) == b""


def test_edns() -> None:
    """It is answered in kind, with cookie and padding left out; another version is BADVERS."""
    cookie = b"\0\x0a\0\x08" + b"c" * 8
    option = b"\0\0\x29\x04\xd0\0\0\x80\0" + len(cookie).to_bytes(2, "big") + cookie
    found = make().answer(question("site.test", tail=option), 7)
    assert isinstance(found, bytes)
    message = dns.message.from_wire(found)
    assert (message.edns, message.payload, message.options) == (0, 1232, ())
    assert records(message) == [FAKE_V4]
    other = make().answer(question("site.test", tail=b"\0\0\x29\x04\xd0\0\1\0\0\0\0"), 7)
    assert isinstance(other, bytes)
    assert dns.message.from_wire(other).rcode() == dns.rcode.BADVERS


def test_flags() -> None:
    """Recursion is to be had; whether it was desired is repeated."""
    for flags, wanted in ((0x0100, 0x8180), (0, 0x8080), (0x0120, 0x8180)):
        found = make().answer(question("site.test", flags=flags), 7)
        assert isinstance(found, bytes)
        assert int.from_bytes(found[2:4], "big") == wanted


# ---
# What each question gets


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("site.test", A, [FAKE_V4]),
        ("SITE.TEST", A, [FAKE_V4]),
        ("site.test", AAAA, [FAKE_V6]),
        ("site.test", ANY, [FAKE_V4]),
        ("_443._tcp.site.test", 52, []),
        ("site.test", HTTPS, []),
        ("site.test", NS, []),
        ("", NS, []),
        ("", A, []),
        ("localhost", A, ["127.0.0.1"]),
        ("localhost", AAAA, []),
        ("any.localhost", A, ["127.0.0.1"]),
        ("any.localhost", AAAA, ["::1"]),
        ("me", A, ["127.0.0.1"]),
        ("me.lan", AAAA, ["::1"]),
        ("box.lan", A, ["10.1.2.3"]),
        ("BOX", A, ["10.1.2.3"]),
        ("box.lan", AAAA, ["fd00::3"]),
        ("four.lan", AAAA, []),
        ("four.lan", MX, []),
        ("1.0.0.127.in-addr.arpa", PTR, ["localhost."]),
        ("9.0.0.127.IN-ADDR.arpa", PTR, ["localhost."]),
        ("1." + "0." * 31 + "ip6.arpa", PTR, ["localhost."]),
        ("3.2.1.10.in-addr.arpa", PTR, ["box.lan."]),
        ("3.2.1.10.in-addr.arpa", ANY, ["box.lan."]),
        ("3.2.1.10.in-addr.arpa", A, []),
    ],
)
def test_a_question(name: str, kind: int, expected: Sequence[str]) -> None:
    """Names known here have their own addresses, of both families; any other has one fake one."""
    message = told(make(), name, kind)
    assert message.rcode() == dns.rcode.NOERROR
    assert records(message) == expected
    assert bool(message.authority) is not bool(expected)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("1.2.3.4", A),
        ("not a name", A),
        ("a@b.test", MX),
        ("175.223.18.198.in-addr.arpa", PTR),
        ("1.2.in-addr.arpa", PTR),
        ("999.1.1.1.in-addr.arpa", PTR),
        ("x.in-addr.arpa", PTR),
        ("1.1.ip6.arpa", PTR),
        ("arpa", NS),
        ("_dns.resolver.arpa", 64),
    ],
)
def test_no_such_name(name: str, kind: int) -> None:
    """What no host is called, and addresses that stand for nothing."""
    message = told(make(), name, kind)
    assert message.rcode() == dns.rcode.NXDOMAIN
    assert message.answer == []
    assert message.authority[0].ttl == NEGATIVE_TTL_S


def test_a_label_with_a_dot() -> None:
    """No text has it, so it is not taken for another name."""
    asked = b"?!\1\0\0\1" + bytes(6) + b"\6site.t\3est\0\0\1\0\1"
    found = make().answer(asked, 7)
    assert isinstance(found, bytes)
    assert dns.message.from_wire(found).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize(("kind", "klass"), [(A, CH), (A, 255), (AXFR, IN), (251, IN)])
def test_refused(kind: int, klass: int) -> None:
    """Another class, and the transfer of a zone."""
    assert told(make(), "site.test", kind, klass).rcode() == dns.rcode.REFUSED


def test_one_address_for_a_name() -> None:
    """Never both families: who has an IPv4 address has no other; who asks for IPv6 alone gets one."""
    answers = make()
    asked = question("Site.Test", AAAA)
    assert answers.answer(asked, 7) == Later("Site.Test")
    assert records(told(answers, "site.test")) == [FAKE_V4]
    for has_waited in (False, True):
        found = answers.answer(asked, 7, has_waited=has_waited)
        assert isinstance(found, bytes)
        assert dns.message.from_wire(found).answer == []
    assert records(told(answers, "six.test", AAAA))[0].startswith("fd70:726f:7879:7772:")


def test_a_fake_address_has_its_name_back() -> None:
    """Of either family, whatever bytes the name has."""
    answers = make()
    for name, kind in (("site.test", A), ("six.test", AAAA), ("b\u00fccher.test", A)):
        (address,) = records(told(answers, name, kind))
        message = told(answers, dns.reversename.from_address(address).to_text(), PTR)
        wire = message.answer[0][0].to_digestable()
        assert wire == wire_name(name)


def test_what_is_reported() -> None:
    """Each name that got an address, with who asked; a pool that is full, for which it is SERVFAIL."""
    events: list[Event] = []
    options = Options(fake_network_v4=IPv4Network("192.0.2.0/30"), fake_network_v6=IPv6Network("fd00::/64"))
    answers = make(options, events)
    for name in ("a.test", "b.test"):
        assert told(answers, name).rcode() == dns.rcode.NOERROR
    assert told(answers, "c.test").rcode() == dns.rcode.SERVFAIL
    assert told(answers, "c.test", MX).rcode() == dns.rcode.NOERROR
    assert [type(event) for event in events] == [Resolved, Resolved, Blocked]
    assert isinstance(events[0], Resolved)
    assert (events[0].pid, events[0].name, events[0].is_remote) == (7, "a.test", True)


# ---
# Anything


@given(st.binary(max_size=64))
def test_any_bytes(data: bytes) -> None:
    """They are answered with their own id, or not at all."""
    answer = make().answer(data, 7)
    assert isinstance(answer, Later) or not answer or answer[:2] == data[:2].ljust(2, b"\0")


@given(st.binary(max_size=64), st.integers(0, 255))
def test_any_bytes_behind_a_header(data: bytes, questions: int) -> None:
    """Likewise, for what looks like a question."""
    asked = b"?!\1\0\0" + bytes([questions, 0, 0, 0, 0, 0, 1]) + data
    answer = make().answer(asked, 7)
    assert isinstance(answer, Later) or answer[:2] == b"?!"


@given(st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=4), st.integers(0, 65535))
def test_any_labels(labels: list[bytes], kind: int) -> None:
    """The question comes back as it was, in an answer that can be read and fits into a reply."""
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    asked = question("", kind)[:12] + name + struct.pack("!2H", kind, IN)
    answer = make().answer(asked, 7, has_waited=True)
    assert isinstance(answer, bytes)
    assert len(answer) <= 1232
    if len(name) <= 255:
        assert answer[12 : len(asked)] == asked[12:]
    dns.message.from_wire(answer)


# ---
# What the last proxy is asked about

TOR = b"[ProxyList]\nsocks5://192.0.2.1:1080 tor=1\n[rules]\nresolve remote *.far\n"


class _Far(FarNames):
    """Answers that are there."""

    def __init__(self, found: dict[Host, Answer]) -> None:
        self._found = found

    def known(self, question: Host) -> Found | None:
        return Found(self._found[question]) if question in self._found else None


def asking(found: dict[Host, Answer]) -> Answers:
    """Return answers of a chain that ends in a Tor, of which so much is known."""
    router = Router(parse_config(TOR, "t.conf"), parse_hosts(HOSTS), frozenset())
    return Answers(router, lambda _: None, _Far(found))


TRUE, TRUE_V6 = ip_address("8.8.4.4"), ip_address("2a00::7")
BACK, BACK_V6 = "4.4.8.8.in-addr.arpa", f"7.{'0.' * 27}0.0.a.2.ip6.arpa"


@pytest.mark.parametrize(
    ("name", "kind", "asked"),
    [
        ("a.far", A, "a.far"),
        ("A.Far", AAAA, "a.far"),
        (BACK, PTR, TRUE),
        (BACK, ANY, TRUE),
        (BACK_V6, PTR, TRUE_V6),
    ],
)
def test_what_is_asked_about(name: str, kind: int, asked: Host) -> None:
    """It waits for the last proxy's answer, and where there is none it cannot be told now."""
    answers = asking({})
    assert answers.answer(question(name, kind), 7) == Asked(asked)
    assert told(answers, name, kind).rcode() == dns.rcode.SERVFAIL
    assert told(asking({asked: None}), name, kind).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("a.far", A, ["8.8.4.4"]),
        ("a.far", ANY, ["8.8.4.4"]),
        ("a.far", AAAA, []),
        ("six.far", AAAA, ["2a00::7"]),
        ("six.far", A, []),
        (BACK, PTR, ["host.far."]),
        (BACK, ANY, ["host.far."]),
        (BACK_V6, PTR, ["six.far."]),
    ],
)
def test_what_was_found(name: str, kind: int, expected: list[str]) -> None:
    """Each has what it has, and no data of other kinds."""
    found: dict[Host, Answer] = {
        "a.far": TRUE,
        "six.far": TRUE_V6,
        TRUE: "host.far",
        TRUE_V6: "six.far",
    }
    message = told(asking(found), name, kind)
    assert (message.rcode(), records(message)) == (dns.rcode.NOERROR, expected)


@pytest.mark.parametrize(("name", "kind"), [("a.far", MX), (BACK, A), (BACK, MX)])
def test_other_kinds_are_not_asked_about(name: str, kind: int) -> None:
    """There is no way to."""
    message = told(asking({}), name, kind)
    assert (message.rcode(), records(message)) == (dns.rcode.NOERROR, [])
