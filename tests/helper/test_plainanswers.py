"""Plain questions get what dnspython would have said."""

from __future__ import annotations

import dns.flags
import dns.message
import pytest

from proxywrap.config import Config, Options
from proxywrap.events import Event
from proxywrap.helper.answers import Answers
from proxywrap.helper.lookups import Later, Lookups
from proxywrap.helper.plainanswers import PlainAnswers
from proxywrap.helper.router import Router
from proxywrap.hosts import parse_hosts

HOSTS = "127.0.0.1 localhost\n::1 localhost\n10.1.2.3 box.lan\nfd00::3 box.lan\n10.1.2.4 four.lan\n"


def both(events: list[Event] | None = None) -> tuple[PlainAnswers, Answers]:
    """Return those by hand and those by dnspython, each over a pool of its own."""

    def router() -> Router:
        return Router(Config(Options(), (), "test"), parse_hosts(HOSTS), frozenset({"me"}))

    told: list[Event] = []
    by_hand = Lookups(router(), (told if events is None else events).append)
    return PlainAnswers(by_hand), Answers(router(), told.append)


def query(name: str, kind: str, *, edns: int = -1, flags: int = dns.flags.RD) -> bytes:
    """Return a question."""
    return dns.message.make_query(name, kind, use_edns=edns, flags=flags, id=0x2A3F).to_wire()


@pytest.mark.parametrize("edns", [-1, 0])
@pytest.mark.parametrize("flags", [0, dns.flags.RD, dns.flags.RD | dns.flags.AD | dns.flags.CD])
@pytest.mark.parametrize(
    "name", ["site.test", "Site.TEST", "_x-y.9a.test", "box.lan", "four.lan", "localhost", "me"]
)
def test_as_dnspython(name: str, flags: int, edns: int) -> None:
    """The address, then that there is none of the other family; to the last bit that a resolver reads."""
    plain, full = both()
    for kind in ("A", "AAAA"):
        asked = query(name, kind, edns=edns, flags=flags)
        by_hand = plain.answer(asked, 7, has_waited=False)
        by_library = full.answer(asked, 7)
        assert isinstance(by_hand, bytes)
        assert isinstance(by_library, bytes)
        assert dns.message.from_wire(by_hand).to_text() == dns.message.from_wire(by_library).to_text()


def test_ipv6_first_waits() -> None:
    """A question for IPv6 alone waits, and has its address then."""
    plain, full = both()
    asked = query("site.test", "AAAA")
    assert plain.answer(asked, 7, has_waited=False) == Later("site.test") == full.answer(asked, 7)
    by_hand, by_library = (each.answer(asked, 7, has_waited=True) for each in (plain, full))
    assert isinstance(by_hand, bytes)
    assert isinstance(by_library, bytes)
    assert dns.message.from_wire(by_hand).to_text() == dns.message.from_wire(by_library).to_text()


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(query("site.test", "MX"), id="another type"),
        pytest.param(query("1.2.3.4", "A"), id="no name"),
        pytest.param(query("1.0.0.127.in-addr.arpa", "A"), id="reverse"),
        pytest.param(query(".", "A"), id="the root"),
        pytest.param(query(r"a\046b.test", "A"), id="a letter that is not plain"),
        pytest.param(query("site.test", "A", edns=1), id="another EDNS"),
        pytest.param(query("site.test", "A")[:-1], id="short"),
        pytest.param(query("site.test", "A") + b"\0", id="long"),
        pytest.param(query("site.test", "A", flags=dns.flags.QR), id="an answer"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_left_to_dnspython(message: bytes) -> None:
    """What is not plain is not answered here, and nobody is told of it."""
    events: list[Event] = []
    plain, _full = both(events)
    assert plain.answer(message, 7, has_waited=True) is None
    assert events == []
