"""The pool: one address for each name, the same in every run, never a second name for it."""

from __future__ import annotations

import errno
import subprocess
import sys
import tracemalloc
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxywrap.config import Options
from proxywrap.names import NamePool, PoolFull, TrueNames

V4, V6 = Options().fake_network_v4, Options().fake_network_v6

TINY_V4, TINY_V6 = IPv4Network("198.18.0.0/29"), IPv6Network("fd00::/125")


def tiny_pool() -> NamePool:
    """Return a pool of six addresses of each version."""
    return NamePool(TINY_V4, TINY_V6)


labels = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
names = st.lists(labels, min_size=1, max_size=4).map(".".join)


def test_address_is_known_for_good() -> None:
    """known_hosts of last year must still match: these literals never change."""
    pool = NamePool(V4, V6)
    assert str(pool.address_for("example.org")) == "198.19.229.104"
    assert str(pool.address_for("example.org", 6)) == "fd70:726f:7879:7772:d7f1:35d6:eb8a:ec16"


def test_address_is_the_same_in_another_process() -> None:
    """The hash has no seed of the process."""
    program = (
        "from proxywrap.names import NamePool; from proxywrap.config import Options as O;"
        "print(NamePool(O().fake_network_v4, O().fake_network_v6).address_for('stable.example'))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert there.strip() == str(NamePool(V4, V6).address_for("stable.example"))


@given(st.lists(names, unique=True, max_size=40))
def test_address_and_name_belong_together(many: list[str]) -> None:
    """Every name gets its own address, inside the range, and the address gives the name."""
    pool = NamePool(V4, V6)
    first = {name: (pool.address_for(name, 4), pool.address_for(name, 6)) for name in many}
    assert len({pair[0] for pair in first.values()}) == len(many)
    for name, (v4, v6) in first.items():
        assert (pool.address_for(name, 4), pool.address_for(name, 6)) == (v4, v6)
        assert v4 in V4
        assert v6 in V6
        assert pool.name_of(v4) == pool.name_of(v6) == name
        assert pool.is_fake(v4)
        assert pool.is_fake(v6)


@given(names)
def test_spelling_makes_no_other_name(name: str) -> None:
    """Case and trailing dot lead to the same address."""
    pool = NamePool(V4, V6)
    assert pool.address_for(name) == pool.address_for(name.upper() + ".")


def test_mapped_address_is_the_same() -> None:
    """A dual-stack socket asks for ::ffff:a.b.c.d and means a.b.c.d."""
    pool = NamePool(V4, V6)
    mapped = IPv6Address(f"::ffff:{pool.address_for('example.org')}")
    assert pool.name_of(mapped) == "example.org"
    assert pool.is_fake(mapped)


@pytest.mark.parametrize("version", [4, 6])
def test_collisions_fill_the_pool_to_the_last_address(version: int) -> None:
    """Network and broadcast address stay free, every other one is used, then it is full."""
    pool = tiny_pool()
    network = TINY_V4 if version == 4 else TINY_V6
    ask = [pool.address_for(f"n{i}.example", 4 if version == 4 else 6) for i in range(6)]
    assert sorted(int(address) for address in ask) == list(range(int(network[1]), int(network[-1])))
    with pytest.raises(PoolFull, match=r"expected a free fake address for 'more', found all 6 in use"):
        pool.address_for("more", 4 if version == 4 else 6)
    assert [pool.address_for(f"n{i}.example", 4 if version == 4 else 6) for i in range(6)] == ask


def test_a_name_has_an_address_of_one_version() -> None:
    """Asking whether it has one gives it none."""
    pool = tiny_pool()
    pool.address_for("a.test")
    assert [pool.has_address("a.test", version) for version in (4, 6)] == [True, False]
    assert [pool.has_address("b.test", version) for version in (4, 6, 4)] == [False, False, False]


def test_versions_fill_separately() -> None:
    """A pool full of IPv4 names still has IPv6 addresses."""
    pool = tiny_pool()
    for i in range(6):
        pool.address_for(f"n{i}.example")
    assert pool.address_for("n6.example", 6) in TINY_V6


def test_full_pool_has_the_errno_of_try_again() -> None:
    """The resolver says EAI_AGAIN."""
    assert PoolFull("x").errno == errno.EAGAIN


def test_limit_of_names_in_a_large_network() -> None:
    """A range with room for everybody is still bounded in memory."""
    pool = NamePool(V4, V6, max_names=2)
    pool.address_for("a")
    pool.address_for("b")
    with pytest.raises(PoolFull):
        pool.address_for("c")
    assert pool.address_for("a") in V4


@pytest.mark.parametrize(
    ("address", "is_fake"),
    [
        ("198.18.0.0", True),
        ("198.19.255.255", True),
        ("198.20.0.0", False),
        ("198.17.255.255", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
    ],
)
def test_range_is_fake_with_or_without_a_name(address: str, is_fake: bool) -> None:  # noqa: FBT001 - a column
    """An unused address of the range is known as fake, so that it is never dialled."""
    pool = NamePool(V4, V6)
    assert pool.is_fake(IPv4Address(address)) is is_fake
    assert pool.is_fake(IPv6Address(f"::ffff:{address}")) is is_fake
    assert pool.name_of(IPv4Address(address)) is None


def test_other_version_with_the_same_number_is_not_fake() -> None:
    """::c612:1 is no IPv4 address."""
    pool = NamePool(V4, V6)
    assert not pool.is_fake(IPv6Address(int(IPv4Address("198.18.0.1"))))
    assert not pool.is_fake(IPv6Address("fd70:726f:7879:7773::1"))


@pytest.mark.parametrize("name", ["", "a" * 64, "a" * 256, "a b"])
def test_impossible_name_gets_no_address(name: str) -> None:
    """A name that no proxy could be asked for takes no place."""
    with pytest.raises(ValueError, match=r"^expected "):
        NamePool(V4, V6).address_for(name)


def test_name_takes_little_memory() -> None:
    """131,070 names, the whole of 198.18.0.0/15, are to take some 25 MB: 200 bytes each."""
    pool = NamePool(V4, V6)
    count = 10_000
    tracemalloc.start()
    try:
        for i in range(count):
            pool.address_for(f"host{i}.example.org")
        size_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size_bytes < 250 * count


def test_range_can_be_filled() -> None:
    """The last addresses of a range are found as readily as the first."""
    network = IPv4Network("198.18.0.0/18")
    pool = NamePool(network, V6)
    assert (
        len({pool.address_for(f"n{i}") for i in range(network.num_addresses - 2)})
        == network.num_addresses - 2
    )


def test_a_day_of_names() -> None:
    """Of 200,000 names the first that find room keep their addresses; the others are to try again."""
    pool, given, refused = NamePool(V4, V6), {}, 0
    for i in range(200_000):
        try:
            given[f"host{i}.example.org"] = pool.address_for(f"host{i}.example.org")
        except PoolFull:
            refused += 1
    assert len(set(given.values())) == len(given) == V4.num_addresses - 2
    assert refused == 200_000 - len(given)
    for name, address in given.items():
        assert pool.name_of(address) == name
        assert pool.address_for(name) == address


# -- true addresses ---------------------------------------------------------------


def test_an_address_has_the_name_that_was_looked_up() -> None:
    """In either form of an IPv4 address; nobody knows others."""
    names = TrueNames()
    assert names.name_of(IPv4Address("8.8.4.4")) is None
    names.note("a.test", IPv4Address("8.8.4.4"))
    names.note("a.test", IPv4Address("8.8.4.4"))
    names.note("six.test", IPv6Address("2a00::7"))
    assert names.name_of(IPv4Address("8.8.4.4")) == "a.test"
    assert names.name_of(IPv6Address("::ffff:8.8.4.4")) == "a.test"
    assert names.name_of(IPv6Address("2a00::7")) == "six.test"
    assert names.name_of(IPv6Address(int(IPv4Address("8.8.4.4")))) is None


def test_an_address_of_several_names_has_none() -> None:
    """From then on, whichever was looked up last."""
    names = TrueNames()
    for name in ("a.test", "b.test", "a.test", "a.test"):
        names.note(name, IPv4Address("8.8.4.4"))
    assert names.name_of(IPv4Address("8.8.4.4")) is None


def test_the_latest_addresses_are_remembered() -> None:
    """One that is noted again is a late one."""
    names = TrueNames(2)
    for last in (1, 2, 1, 3):
        names.note(f"{last}.test", IPv4Address(f"8.8.4.{last}"))
    known = [names.name_of(IPv4Address(f"8.8.4.{last}")) for last in (1, 2, 3)]
    assert known == ["1.test", None, "3.test"]
