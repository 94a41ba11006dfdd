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


def test_dynamic_leaves_out_what_failed() -> None:
    """In this connection and, for a while, in the next; then it is to be asked."""
    picks = selector()
    pick = picks.pick(chain(ChainType.DYNAMIC))
    assert pick.take(pick.hopeful()) == ALL
    pick.note_failure(ALL[1], 0)
    rest = (ALL[0], *ALL[2:])
    assert pick.hopeful() == rest
    later = picks.pick(chain(ChainType.DYNAMIC))
    assert later.hopeful() == later.unknown(1) == rest
    assert later.unknown(FIRST_PAUSE_S * (1 + JITTER)) == ALL
    assert later.hopeful() == rest


def test_dynamic_with_nothing_left() -> None:
    """A proxy that failed in this connection is not tried twice; in the next the first to come back is."""
    picks = selector()
    pick = picks.pick(chain(ChainType.DYNAMIC))
    for at, hop in enumerate(ALL):
        pick.note_failure(hop, at)
    assert pick.last_resort() == ()
    assert picks.pick(chain(ChainType.DYNAMIC)).last_resort() == (ALL[0],)


def test_a_success_clears() -> None:
    """What works is in again at once, and fails as if for the first time."""
    picks = selector()
    for at in range(4):
        picks.health.note_failure(ALL[0], at * 1000)
    picks.pick(chain(ChainType.DYNAMIC)).note_success(ALL)
    assert picks.health.is_good(ALL[0])
    assert not picks.health.is_out(ALL[0], 3000)
    picks.health.note_failure(ALL[0], 3000)
    assert not picks.health.is_good(ALL[0])
    assert not picks.health.is_out(ALL[0], 3000 + FIRST_PAUSE_S * (1 + JITTER))


def test_pauses_grow_and_end() -> None:
    """Twice as long each time, up to a limit."""
    health = Health(Random(2))
    now_s = 0.0
    for at in range(20):
        health.note_failure(ALL[0], now_s)
        pause = min(FIRST_PAUSE_S * 2**at, LONGEST_PAUSE_S)
        assert pause * (1 - JITTER) <= health.back_at_s(ALL[0]) - now_s <= pause * (1 + JITTER)
        now_s = health.back_at_s(ALL[0])


def test_many_connections_meet_one_failure() -> None:
    """A hundred that fail at the same time count once."""
    health = Health(Random(2))
    for _ in range(100):
        health.note_failure(ALL[0], 0)
    assert health.back_at_s(ALL[0]) <= FIRST_PAUSE_S * (1 + JITTER)


def test_what_is_known_of_the_others_stays() -> None:
    """Proxies that are in another configuration too keep their name, good or bad."""
    picks = selector()
    for hop in ALL[:2]:
        picks.health.note_failure(hop, 0)
    for hop in ALL[2:4]:
        picks.health.note_success(hop)
    picks.health.keep({ALL[1], ALL[3]})
    assert [picks.health.is_out(hop, 0) for hop in ALL] == [False, True, False, False, False]
    assert [picks.health.is_good(hop) for hop in ALL] == [False, False, False, True, False]


def test_round_robin_takes_turns() -> None:
    """Each connection begins behind the one before; one that goes over the end is the last of a round."""
    picks = selector()
    ring = chain(ChainType.ROUND_ROBIN, 2)
    pick = picks.pick(ring)
    taken = [pick.take(pick.hopeful()) for _ in range(4)]
    assert taken == [ALL[:2], ALL[2:4], (ALL[4], ALL[0]), ALL[:2]]


def test_round_robin_goes_on_behind_what_was_used() -> None:
    """Proxies that are passed over do not give the one behind them a second turn."""
    picks = selector()
    ring = chain(ChainType.ROUND_ROBIN)
    picks.health.note_failure(ALL[1], 0)
    picks.health.note_failure(ALL[2], 0)
    pick = picks.pick(ring)
    assert [pick.take(pick.hopeful())[0] for _ in range(4)] == [ALL[0], ALL[3], ALL[4], ALL[0]]


def test_turns_belong_to_the_chain() -> None:
    """Two chains do not take each other's."""
    picks = selector()
    one = chain(ChainType.ROUND_ROBIN)
    other = one._replace(name="other")
    picks.pick(one).take(ALL)
    assert picks.pick(other).left() == ALL


@pytest.mark.parametrize("kind", [ChainType.RANDOM, ChainType.ROUND_ROBIN])
def test_fewer_left_than_wanted(kind: ChainType) -> None:
    """There is no shorter chain than was asked for."""
    pick = selector().pick(chain(kind, 5))
    assert set(pick.take(pick.hopeful())) == set(ALL)
    pick.note_failure(ALL[2], 0)
    assert pick.take(pick.hopeful()) == pick.last_resort() == ()


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
    pick.note_success(good := [hop for hop in ALL if hop not in out | failed])
    found = pick.last_resort()
    if not found:
        assert len(ALL) - len(failed) < length
        return
    assert len(set(found)) == len(found) == length
    assert not set(found) & failed
    assert set(found) <= set(good) or set(good) <= set(found)


def test_random_draws_all() -> None:
    """In the long run each has its turn."""
    picks = selector()
    drawn = set()
    for _ in range(200):
        pick = picks.pick(chain(ChainType.RANDOM))
        drawn.add(pick.take(pick.hopeful()))
    assert drawn == {(hop,) for hop in ALL}
