"""Rules: their lines, which of them counts, and which never can."""

from __future__ import annotations

from fnmatch import fnmatchcase
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.address import Host
from proxywrap.config import Origin
from proxywrap.ruleline import parse_name_rule, parse_rule
from proxywrap.rules import Action, NameRule, Rule, RuleSet, shadowed

ORIGIN = Origin("t.conf", 7)

CURL = ("/usr/bin/curl", "curl")


def rules(*lines: str) -> list[Rule]:
    """Return the rules of some lines."""
    return [parse_rule(line.split(), Origin("t.conf", at)) for at, line in enumerate(lines, 1)]


def host_of(text: str) -> Host:
    """Return an address, or the name."""
    try:
        return ip_address(text)
    except ValueError:
        return text


def find(lines: list[str], host: str, port: int = 443, programs: tuple[str, ...] = CURL) -> int | None:
    """Return the line that counts."""
    found = RuleSet(rules(*lines)).find(host_of(host), port, lambda: programs)
    return None if found is None else found.origin.line


@pytest.mark.parametrize(
    ("condition", "host", "port", "matches"),
    [
        ("*", "anything.example", 1, True),
        ("*", "192.0.2.1", 1, True),
        ("*", "2001:db8::1", 1, True),
        ("*:25", "192.0.2.1", 25, True),
        ("*:25", "192.0.2.1", 26, False),
        ("*:20-25", "192.0.2.1", 22, True),
        ("*:20-25", "192.0.2.1", 19, False),
        ("example.org", "example.org", 80, True),
        ("EXAMPLE.org.", "example.org", 80, True),
        ("example.org", "www.example.org", 80, False),
        ("*.example.org", "www.example.org", 80, True),
        ("*.example.org", "a.b.example.org", 80, True),
        ("*.example.org", "example.org", 80, False),
        ("*.example.org", "notexample.org", 80, False),
        (".example.org", "www.example.org", 80, True),
        ("*.example.org:443", "www.example.org", 80, False),
        ("www*.example.?rg", "www2.example.org", 80, True),
        ("[ew]*.example.org", "www.example.org", 80, True),
        ("[ew]*.example.org:80-90", "eve.example.org", 85, True),
        ("[!w]*.example.org", "www.example.org", 80, False),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("10.0.0.0/8:22", "10.1.2.3", 80, False),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "ten.example", 80, False),
        ("0.0.0.0/0", "203.0.113.9", 80, True),
        ("2001:db8::/32", "2001:db8::7", 80, True),
        ("2001:db8::/32", "2001:db9::7", 80, False),
        ("[2001:db8::]/32:443", "2001:db8::7", 443, True),
        ("[2001:db8::]/32:443", "2001:db8::7", 80, False),
        ("[2001:db8::7]", "2001:db8::7", 80, True),
        ("[192.0.2.7]:80", "192.0.2.7", 80, True),
        ("[ab].example:80", "b.example", 80, True),
        ("[ab].example:80", "c.example", 80, False),
        ("[ab]*", "192.0.2.7", 80, False),
        ("app=curl", "192.0.2.1", 80, True),
        ("app=/usr/bin/*", "192.0.2.1", 80, True),
        ("app=wget", "192.0.2.1", 80, False),
    ],
)
def test_conditions(condition: str, host: str, port: int, matches: bool) -> None:  # noqa: FBT001
    """Each kind of condition."""
    assert find([f"block {condition}"], host, port) == (1 if matches else None)


def test_the_first_counts() -> None:
    """Whatever kinds of conditions the others have."""
    lines = ["direct 10.0.0.0/24", "block 10.0.0.0/8 *.corp.example", "chain office *:22", "direct *"]
    assert find(lines, "10.0.0.9", 22) == 1
    assert find(lines, "10.0.1.9", 22) == 2
    assert find(lines, "a.corp.example", 22) == 2
    assert find(lines, "a.example", 22) == 3
    assert find(lines, "a.example", 23) == 4


def test_programs_and_destinations() -> None:
    """Both must match, and a program is asked for only where it matters."""
    lines = ["block app=wget *.example", "direct app=curl *.example"]
    assert find(lines, "a.example") == 2
    assert find(lines, "a.test") is None

    def never() -> tuple[str, ...]:
        raise AssertionError("no rule wants to know")

    assert RuleSet(rules("block app=wget *.example")).find("a.test", 80, never) is None


def test_a_chain_is_named() -> None:
    """The word after the keyword."""
    (rule,) = rules("chain office *.internal.example")
    assert (rule.action, rule.chain) == (Action.CHAIN, "office")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("allow *", "expected direct, block or chain NAME"),
        ("direct", "expected a condition after direct, found none"),
        ("chain", "expected chain NAME and conditions"),
        ("chain office", "expected a condition after chain office, found none"),
        ("block *:0", "expected a port from 1 to 65535, found '0'"),
        ("block *:", "expected a port from 1 to 65535, found ''"),
        ("block *:25-20", "expected ports from low to high, found '25-20'"),
        ("block 10.0.0.0/33", "expected a prefix from 0 to 32, found '33'"),
        ("block 10.0.0.256/32", "expected an address, found '10.0.0.256'"),
        ("block 10.0.0", "expected an address, found '10.0.0'"),
        ("block [2001:db8::1", "expected a closing bracket"),
        ("block [ab.example", "expected a closing bracket"),
        ("block http://a.example/", "expected a host name, a glob, an address or a network"),
        ("block app=", "expected app=GLOB, found app= and nothing"),
        ("block app=a app=b", "expected one app=GLOB at most"),
    ],
)
def test_wrong_lines(line: str, reason: str) -> None:
    """What was expected and what was found."""
    with pytest.raises(ValueError, match="expected") as caught:
        rules(line)
    assert reason in str(caught.value)


@pytest.mark.parametrize("where", ["local", "remote"])
def test_who_looks_names_up(where: str) -> None:
    """Globs, as in rules."""
    rule = parse_name_rule([where, "*.LAN", ".printer"], ORIGIN)
    assert rule == NameRule(where == "remote", ("*.lan", "*.printer"), ORIGIN)
    assert str(rule) == f"resolve {where} *.lan *.printer"
    assert [rule.matches(name) for name in ("a.lan", "lan", "x.printer")] == [True, False, True]


@pytest.mark.parametrize("words", [["near", "*.lan"], ["local"], ["remote"], []])
def test_nobody_looks_names_up(words: list[str]) -> None:
    """Who, and which ones, is to be said."""
    with pytest.raises(ValueError, match=r"expected resolve local NAME… or resolve remote NAME…, found"):
        parse_name_rule(words, ORIGIN)


@pytest.mark.parametrize(
    ("lines", "dead"),
    [
        (["direct *", "block 10.0.0.0/8"], [2]),
        (["direct *:1-1024", "block *:22", "block *:2000"], [2]),
        (["direct *.example", "block a.example", "block *.b.example", "block example"], [2, 3]),
        (["direct 10.0.0.0/8", "block 10.1.0.0/16 10.2.0.1", "block 11.0.0.1 10.0.0.1"], [2]),
        (["direct app=curl *", "block *"], []),
        (["direct *", "block app=curl *"], [2]),
        (["direct app=curl *", "block app=curl 10.0.0.0/8"], [2]),
        (["direct 0.0.0.0/0", "block 2001:db8::/32"], []),
    ],
)
def test_rules_that_can_never_match(lines: list[str], dead: list[int]) -> None:
    """An earlier one has taken all that they could."""
    assert [rule.origin.line for rule, _ in shadowed(rules(*lines))] == dead


LABELS = st.sampled_from(["a", "b", "corp", "example", "lan"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
GLOBS = st.one_of(NAMES, NAMES.map("*.{}".format), NAMES.map("*{}".format), st.just("*"))


@given(globs=st.lists(GLOBS, max_size=12), name=NAMES)
def test_the_index_finds_what_a_search_finds(globs: list[str], name: str) -> None:
    """Whatever the kind of the globs."""
    expected = next((at for at, glob in enumerate(globs, 1) if fnmatchcase(name, glob)), None)
    assert find([f"block {glob}" for glob in globs], name) == expected
