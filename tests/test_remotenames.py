"""Which chains look names up."""

from __future__ import annotations

import re

import pytest

from proxywrap.config import ChainType
from proxywrap.parser import parse_config
from proxywrap.remotenames import choose_chain, ends_in_tor, lacking_tor
from proxywrap.uri import parse_uri

TOR, OTHER = parse_uri("socks5://h:1?tor=1"), parse_uri("socks5://h:2")
ANY_LAST = {ChainType.RANDOM, ChainType.ROUND_ROBIN}


@pytest.mark.parametrize("kind", list(ChainType))
def test_the_last_proxy_is_a_tor(kind: ChainType) -> None:
    """Where any of them may be the last, all have to be."""
    assert ends_in_tor(kind, [TOR])
    assert ends_in_tor(kind, [TOR, TOR])
    assert ends_in_tor(kind, [OTHER, TOR]) is (kind not in ANY_LAST)
    assert not ends_in_tor(kind, [TOR, OTHER])
    assert not ends_in_tor(kind, [])


FILE = """\
[ProxyList]
socks5://h:1 tor=1
[chain home]
socks5://h:1 tor=1
[chain office]
http h 1
[rules]
resolve local *.lan
resolve remote *.test
"""


def test_another_default_chain() -> None:
    """It looks names up, too, or nobody would."""
    config = parse_config(FILE.encode(), "t.conf")
    assert choose_chain(config, "home").chain == "home"
    assert choose_chain(config, "ProxyList").chain == "ProxyList"
    reason = "expected tor=1 behind the last proxy of [chain office], found none: "
    with pytest.raises(ValueError, match=re.escape(reason) + r".*\(line 9\)$"):
        choose_chain(config, "office")
    with pytest.raises(ValueError, match="expected one of the chains ProxyList, home, office, found 'x'"):
        choose_chain(config, "x")
    without = parse_config(FILE.replace("resolve remote", "resolve local").encode(), "t.conf")
    assert choose_chain(without, "office").chain == "office"


def test_each_rule_is_named() -> None:
    """Those that look names up here need nobody."""
    rules = parse_config(FILE.encode(), "t.conf").name_rules
    assert list(lacking_tor(rules, "[x]", ChainType.STRICT, [TOR])) == []
    ((rule, reason),) = lacking_tor(rules, "[x]", ChainType.RANDOM, [TOR, OTHER])
    assert str(rule) == "resolve remote *.test"
    assert reason.startswith("expected tor=1 behind each proxy of [x], found none")
