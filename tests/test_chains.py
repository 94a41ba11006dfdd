"""Which proxies a connection goes through."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.chains import FIRST_PAUSE_S, JITTER, LONGEST_PAUSE_S, Chain, Health, Selector
from proxywrap.config import ChainType
from proxywrap.uri import ProxyURI, parse_uri

ALL = tuple(parse_uri(f"socks5://192.0.2.{at}:1080") for at in range(1, 6))


def selector() -> Selector:
    """Return one that always draws the same lots."""
    random = Random(1)
    return Selector(Health(random), random)


def chain(kind: ChainType, length: int = 1, hops: tuple[ProxyURI, ...] = ALL) -> Chain:
    """Return a chain of its name."""
    return Chain("ProxyList", kind, length, hops)


def test_strict() -> None:
    """All of them, in order, whatever is known of them, and once."""
    picks = selector()
    picks.health.note_failure(ALL[1], 0)
    pick = picks.pick(chain(ChainType.STRICT))
    assert pick.next(0) == ALL
    assert pick.next(0) is None


def test_dynamic_leaves_out_what_failed() -> None:
    """In this connection and, for a while, in the next."""
    picks = selector()
    pick = picks.pick(chain(ChainType.DYNAMIC))
    assert pick.next(0) == ALL
    pick.note_failure(ALL[1], 0)
    rest = (ALL[0], *ALL[2:])
    assert pick.next(0) == rest
    assert picks.pick(chain(ChainType.DYNAMIC)).next(1) == rest
    assert picks.pick(chain(ChainType.DYNAMIC)).next(FIRST_PAUSE_S * (1 + JITTER)) == ALL


def test_dynamic_with_nothing_left() -> None:
    """A proxy that failed in this connection is not tried twice; in the next the first to come back is."""
    picks = selector()
    pick = picks.pick(chain(ChainType.DYNAMIC))
    for at, hop in enumerate(ALL):
        pick.note_failure(hop, at)
    assert pick.next(5) is None
    assert picks.pick(chain(ChainType.DYNAMIC)).next(5) == (ALL[0],)


def test_a_success_clears() -> None:
    """What works is in again at once, and fails as if for the first time."""
    picks = selector()
    for _ in range(4):
        picks.health.note_failure(ALL[0], 0)
    picks.pick(chain(ChainType.STRICT)).note_success(ALL)
    assert not picks.health.is_out(ALL[0], 0)
    picks.health.note_failure(ALL[0], 0)
    assert not picks.health.is_out(ALL[0], FIRST_PAUSE_S * (1 + JITTER))


def test_pauses_grow_and_end() -> None:
    """Twice as long each time, up to a limit."""
    health = Health(Random(2))
    for at in range(20):
        health.note_failure(ALL[0], 0)
        pause = min(FIRST_PAUSE_S * 2**at, LONGEST_PAUSE_S)
        assert pause * (1 - JITTER) <= health.back_at_s(ALL[0]) <= pause * (1 + JITTER)


def test_round_robin_takes_turns() -> None:
    """Each connection begins behind the one before, over the end."""
    picks = selector()
    ring = chain(ChainType.ROUND_ROBIN, 2)
    assert [picks.pick(ring).next(0) for _ in range(3)] == [ALL[:2], ALL[2:4], (ALL[4], ALL[0])]


def test_turns_belong_to_the_chain() -> None:
    """Two chains do not take each other's."""
    picks = selector()
    one = chain(ChainType.ROUND_ROBIN)
    other = one._replace(name="other")
    picks.pick(one)
    assert picks.pick(other).next(0) == ALL[:1]


@pytest.mark.parametrize("kind", [ChainType.RANDOM, ChainType.ROUND_ROBIN])
def test_fewer_left_than_wanted(kind: ChainType) -> None:
    """There is no shorter chain than was asked for."""
    pick = selector().pick(chain(kind, 5))
    assert set(pick.next(0) or ()) == set(ALL)
    pick.note_failure(ALL[2], 0)
    assert pick.next(0) is None


@given(
    seed=st.integers(),
    length=st.integers(1, 5),
    out=st.sets(st.sampled_from(ALL)),
    failed=st.sets(st.sampled_from(ALL)),
    kind=st.sampled_from([ChainType.RANDOM, ChainType.ROUND_ROBIN]),
)
def test_as_many_as_asked_for(
    seed: int, length: int, out: set[ProxyURI], failed: set[ProxyURI], kind: ChainType
) -> None:
    """All different, none that failed here, and none that is left out while others would do."""
    random = Random(seed)
    picks = Selector(Health(random), random)
    for hop in out:
        picks.health.note_failure(hop, 0)
    pick = picks.pick(chain(kind, length))
    for hop in failed:
        pick.note_failure(hop, 0)
    found = pick.next(0)
    if found is None:
        assert len(ALL) - len(failed) < length
        return
    assert len(set(found)) == len(found) == length
    assert not set(found) & failed
    fit = set(ALL) - failed - out
    assert set(found) <= fit or fit <= set(found)


def test_random_draws_all() -> None:
    """In the long run each has its turn."""
    picks = selector()
    drawn = {picks.pick(chain(ChainType.RANDOM)).next(0) for _ in range(200)}
    assert drawn == {(hop,) for hop in ALL}
